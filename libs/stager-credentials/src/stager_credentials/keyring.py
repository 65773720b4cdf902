"""Opening: the private keys, which the worker alone holds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stager_credentials.errors import CredentialNotOpenedError, KeyringError, UnknownKeyError
from stager_credentials.key_files import key_id_of, private_files, read_private_file
from stager_credentials.rsa_keys import OAEP, read_private
from stager_credentials.sealed_text import binding, split_sealed
from stager_credentials.sealing_key import AES_KEY_BYTES, NONCE_BYTES, SealingKey


@dataclass(frozen=True)
class Keyring:
    """Private keys by their names; what isn't in it can't be opened."""

    _keys: Mapping[str, rsa.RSAPrivateKey] = field(repr=False)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read every `KEYID.pem` of a directory.

        Raises:
            KeyringError: There is none, or one of them is no key, isn't the reader's own, or can be read by others.
        """
        return cls.load_files(private_files(directory))

    @classmethod
    def load_files(cls, files: list[Path]) -> Self:
        """Read these private keys, each named `KEYID.pem`; raises as `load` does."""
        if not files:
            raise KeyringError("no private key; make one with `stager-credentials new-key DIRECTORY`")
        return cls({key_id_of(path): read_private(read_private_file(path), str(path)) for path in files})

    @property
    def key_ids(self) -> frozenset[str]:
        """The names of the keys."""
        return frozenset(self._keys)

    def sealing_key(self, key_id: str) -> SealingKey:
        """Return the public side of a key.

        Raises:
            UnknownKeyError: There is no such key.
        """
        if key_id not in self._keys:
            raise UnknownKeyError(key_id)
        return SealingKey(key_id, self._keys[key_id].public_key())

    def open(self, text: str, *, owner: str, dr_user: str) -> str:
        """Open a sealed credential.

        Args:
            text: What `SealingKey.seal` returned.
            owner: The stagerUser of the job that the text was found in.
            dr_user: The drUser of that job.

        Returns:
            The password.

        Raises:
            MalformedCredentialError: The text is no sealed credential.
            UnknownKeyError: It was sealed with a key that isn't here.
            CredentialNotOpenedError: It was sealed for someone else, for another account, or is damaged.
        """
        key_id, blob = split_sealed(text)
        if key_id not in self._keys:
            raise UnknownKeyError(key_id)
        private = self._keys[key_id]
        wrapped_bytes = private.key_size // 8
        wrapped, rest = blob[:wrapped_bytes], blob[wrapped_bytes:]
        try:
            aes_key = private.decrypt(wrapped, OAEP)
        except ValueError:
            aes_key = b""
        if len(aes_key) != AES_KEY_BYTES:
            # Go on with a key that opens nothing, so that neither the answer nor its time tells where it failed.
            aes_key = os.urandom(AES_KEY_BYTES)
        try:
            plain = AESGCM(aes_key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], binding(key_id, owner, dr_user))
            password = plain.rstrip(b"\0").decode("utf-8")
        except (InvalidTag, ValueError):
            # Not chained: a decode error would carry the plain bytes.
            raise CredentialNotOpenedError from None
        if not password:
            raise CredentialNotOpenedError
        return password
