"""Seal a repository credential with a public key, open it with a private one."""

from stager_credentials.errors import (
    CredentialError,
    CredentialNotOpenedError,
    KeyringError,
    MalformedCredentialError,
    UnknownKeyError,
    UnsealablePasswordError,
)
from stager_credentials.keyring import Keyring
from stager_credentials.public_keyring import PublicKeyring
from stager_credentials.sealed_text import parse_sealed
from stager_credentials.sealing_key import SealingKey

__all__ = [
    "CredentialError",
    "CredentialNotOpenedError",
    "Keyring",
    "KeyringError",
    "MalformedCredentialError",
    "PublicKeyring",
    "SealingKey",
    "UnknownKeyError",
    "UnsealablePasswordError",
    "parse_sealed",
]
