"""What the API holds: the public keys still in use, and which of them seals new passwords."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from stager_credentials.errors import KeyringError, MalformedCredentialError, UnknownKeyError
from stager_credentials.key_files import key_id_of, public_files, read_current, read_public_file
from stager_credentials.sealed_text import split_sealed
from stager_credentials.sealing_key import SealingKey


@dataclass(frozen=True)
class PublicKeyring:
    """Public keys by their names.

    Attributes:
        keys: All that are in use; a credential sealed with one of them can be opened by a worker.
        current: The one that new passwords are to be sealed with.
    """

    keys: Mapping[str, SealingKey]
    current: SealingKey

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read every `KEYID.pub.pem` of a directory, and `current`.

        Raises:
            KeyringError: There is none, `current` names none of them, or a file is no key or can be changed by others.
        """
        keys = {
            key_id: SealingKey.from_pem(key_id, read_public_file(path))
            for path in public_files(directory)
            for key_id in [key_id_of(path)]
        }
        current = read_current(directory)
        if current not in keys:
            raise KeyringError(f"{directory}: `current` names the key {current}, but {current}.pub.pem is not there")
        return cls(keys, keys[current])

    def accept(self, text: str) -> str:
        """Make sure that a sealed credential is whole and a worker will know its key; not that it opens.

        Returns:
            The key id.

        Raises:
            MalformedCredentialError: It is no sealed credential; a clear password, say, or one that was cut.
            UnknownKeyError: Its key is not in use (any more).
        """
        key_id, blob = split_sealed(text)
        if key_id not in self.keys:
            raise UnknownKeyError(key_id)
        if not self.keys[key_id].may_have_sealed(blob):
            raise MalformedCredentialError("the sealed credential is cut short, or something was added to it")
        return key_id
