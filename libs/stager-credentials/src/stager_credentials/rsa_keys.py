"""RSA keys as this package takes them: PEM, 2048 to 8192 bits, OAEP with SHA-256."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from stager_credentials.errors import KeyringError

NEW_KEY_BITS: Final = 3072
MIN_BITS: Final = 2048
MAX_BITS: Final = 8192

OAEP: Final = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def read_public(pem: bytes, name: str) -> rsa.RSAPublicKey:
    """Read a public key.

    Args:
        pem: SubjectPublicKeyInfo in PEM.
        name: What to call it in an error, such as its file.

    Raises:
        KeyringError: It is no such key.
    """
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyringError(f"{name}: not a public key in PEM (SubjectPublicKeyInfo)") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise KeyringError(f"{name}: not an RSA key")
    _check_size(key.key_size, name)
    return key


def read_private(pem: bytes, name: str) -> rsa.RSAPrivateKey:
    """Read a private key without a passphrase; arguments and errors as in `read_public`."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise KeyringError(f"{name}: the key has a passphrase; store it without one, readable by its reader") from error
    except (ValueError, UnsupportedAlgorithm):
        # Not chained: the parser's own words may quote the file.
        raise KeyringError(f"{name}: not a private key in PEM") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyringError(f"{name}: not an RSA key")
    _check_size(key.key_size, name)
    return key


def write_public(key: rsa.RSAPublicKey) -> bytes:
    """Return the PEM of a public key."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def write_private(key: rsa.RSAPrivateKey) -> bytes:
    """Return the PEM (PKCS#8, no passphrase) of a private key."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def new_private() -> rsa.RSAPrivateKey:
    """Make a key of the size that new keys have."""
    return rsa.generate_private_key(public_exponent=65537, key_size=NEW_KEY_BITS)


def _check_size(bits: int, name: str) -> None:
    if not MIN_BITS <= bits <= MAX_BITS:
        raise KeyringError(f"{name}: an RSA key of {bits} bits; {MIN_BITS} to {MAX_BITS} are taken")
