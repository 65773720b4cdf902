"""Sealing: all that a client, the API and the user interface need of a key."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stager_credentials.errors import KeyringError, UnsealablePasswordError
from stager_credentials.rsa_keys import OAEP, read_public, write_public
from stager_credentials.sealed_text import KEY_ID, binding, join_sealed

AES_KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
BLOCK: Final = 64
"""Passwords are filled up with NULs to a multiple of this many bytes, so that the text doesn't tell their length."""
MAX_PASSWORD_BYTES: Final = 1024


@dataclass(frozen=True)
class SealingKey:
    """A public key under its name in the keyring.

    Attributes:
        key_id: 1 to 64 letters, digits, `-` and `_`.
    """

    key_id: str
    _key: rsa.RSAPublicKey = field(repr=False)

    @classmethod
    def from_pem(cls, key_id: str, public_pem: str | bytes) -> Self:
        """Read a key as CredentialService.GetSealingKey hands it out.

        Raises:
            KeyringError: The key id or the PEM is not what it should be.
        """
        if not KEY_ID.fullmatch(key_id):
            raise KeyringError("a key id has 1 to 64 letters, digits, '-' and '_'")
        pem = public_pem.encode("utf-8", "surrogatepass") if isinstance(public_pem, str) else public_pem
        return cls(key_id, read_public(pem, f"the key {key_id}"))

    @property
    def pem(self) -> str:
        """The public key in PEM (SubjectPublicKeyInfo)."""
        return write_public(self._key).decode("ascii")

    def seal(self, password: str, *, owner: str, dr_user: str) -> str:
        """Seal a password for one owner and one account.

        Args:
            password: 1 to 1024 bytes of UTF-8, without NUL.
            owner: The job's stagerUser.
            dr_user: The job's drUser.

        Returns:
            `sealed:v1:KEYID:BLOB`; another text each time.

        Raises:
            UnsealablePasswordError: The password is empty, too long, holds a NUL or is no Unicode text.
        """
        plain = _plain_bytes(password)
        aes_key = os.urandom(AES_KEY_BYTES)
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(aes_key).encrypt(nonce, plain, binding(self.key_id, owner, dr_user))
        return join_sealed(self.key_id, self._key.encrypt(aes_key, OAEP) + nonce + sealed)

    def may_have_sealed(self, blob: bytes) -> bool:
        """Whether a blob is as long as one that `seal` makes with this key; more can't be told without opening it."""
        padded = len(blob) - self._key.key_size // 8 - NONCE_BYTES - TAG_BYTES
        return 0 < padded <= MAX_PASSWORD_BYTES and padded % BLOCK == 0


def _plain_bytes(password: str) -> bytes:
    try:
        plain = password.encode("utf-8")
    except UnicodeEncodeError:
        # Not chained: that exception carries the password.
        raise UnsealablePasswordError("the password is not valid Unicode text") from None
    if not plain:
        raise UnsealablePasswordError("the password is empty")
    if len(plain) > MAX_PASSWORD_BYTES:
        raise UnsealablePasswordError(
            f"the password has {len(plain)} bytes; at most {MAX_PASSWORD_BYTES} can be sealed"
        )
    if b"\0" in plain:
        raise UnsealablePasswordError("the password holds a NUL character")
    return plain + bytes(-len(plain) % BLOCK)
