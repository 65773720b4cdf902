"""Keeping a keyring: new keys, rotation, and looking whether all is well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from stager_credentials.errors import CredentialError, KeyringError
from stager_credentials.key_files import (
    CURRENT,
    PRIVATE_SUFFIX,
    PUBLIC_SUFFIX,
    key_id_of,
    private_files,
    public_files,
    read_current,
    remove_file,
    write_file,
)
from stager_credentials.keyring import Keyring
from stager_credentials.public_keyring import PublicKeyring
from stager_credentials.rsa_keys import new_private, write_private, write_public
from stager_credentials.sealed_text import KEY_ID


def add_key(directory: Path, key_id: str | None = None) -> str:
    """Make a key pair; the first one of a directory becomes current.

    The directory is made if it is missing.

    Args:
        directory: Where the keyring is.
        key_id: The key's name; absent: today's date (UTC), numbered if it is taken.

    Returns:
        The key's id.

    Raises:
        KeyringError: The name is taken or is none, or the files can't be written.
    """
    try:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise KeyringError(f"{directory}: can't be made: {error.strerror}") from error
    taken = {key_id_of(path) for path in [*private_files(directory), *public_files(directory)]}
    key_id = _todays_name(taken) if key_id is None else key_id
    if not KEY_ID.fullmatch(key_id):
        raise KeyringError("a key id has 1 to 64 letters, digits, '-' and '_'")
    if key_id in taken:
        raise KeyringError(f"{directory}: there is a key {key_id} already")
    private = new_private()
    # The private one first: whoever finds the public one can rely on its being openable.
    write_file(directory / f"{key_id}{PRIVATE_SUFFIX}", write_private(private), 0o600)
    write_file(directory / f"{key_id}{PUBLIC_SUFFIX}", write_public(private.public_key()), 0o644)
    if not (directory / CURRENT).exists():
        set_current(directory, key_id)
    return key_id


def set_current(directory: Path, key_id: str) -> None:
    """Have new passwords sealed with this key.

    Raises:
        KeyringError: Its private or its public file is missing, or `current` can't be written.
    """
    for suffix in (PRIVATE_SUFFIX, PUBLIC_SUFFIX):
        key_id_of(directory / f"{key_id}{suffix}")
        if not (directory / f"{key_id}{suffix}").is_file():
            raise KeyringError(f"{directory}: {key_id}{suffix} is not there")
    write_file(directory / CURRENT, f"{key_id}\n".encode("ascii"), 0o644)


def retire(directory: Path, key_id: str) -> None:
    """Remove a key for good; jobs that still wait with a password sealed by it will ask for a new one.

    Raises:
        KeyringError: It is the current one, there is no such key, or it can't be removed.
    """
    if read_current(directory) == key_id:
        raise KeyringError(f"{key_id} is the current key; rotate first")
    files = [path for path in [*public_files(directory), *private_files(directory)] if key_id_of(path) == key_id]
    if not files:
        raise KeyringError(f"{directory}: there is no key {key_id}")
    for path in files:  # the public one first: the API refuses the key before the worker forgets it
        remove_file(path)


def faults(directory: Path, *, public_only: bool = False) -> Sequence[str]:
    """Look for all that is wrong with a keyring, as its reader would meet it.

    Args:
        directory: Where the keyring is.
        public_only: Look at what the API is given; there must be no private keys in it then.

    Returns:
        A sentence for each fault; none if all is well.
    """
    found: list[str] = []
    public: PublicKeyring | None = None
    private: Keyring | None = None
    try:
        public = PublicKeyring.load(directory)
    except CredentialError as error:
        found.append(str(error))
    if public_only:
        try:
            found += [f"{path}: a private key, where only public ones should be" for path in private_files(directory)]
        except CredentialError as error:
            found.append(str(error))
        return found
    try:
        private = Keyring.load(directory)
    except CredentialError as error:
        found.append(str(error))
    if public is not None and private is not None:
        found += [
            f"{directory}: {key}.pem has no {key}.pub.pem" for key in sorted(private.key_ids - public.keys.keys())
        ]
        for key_id in sorted(public.keys):
            if key_id not in private.key_ids:
                found.append(f"{directory}: {key_id}.pub.pem has no {key_id}.pem; passwords sealed with it never open")
            elif private.sealing_key(key_id).pem != public.keys[key_id].pem:
                found.append(f"{directory}: {key_id}.pub.pem and {key_id}.pem are not of one pair")
    return found


def _todays_name(taken: set[str]) -> str:
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    names = [today, *(f"{today}-{number}" for number in range(2, 1000))]
    return next(name for name in names if name not in taken)
