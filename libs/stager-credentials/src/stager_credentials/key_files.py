"""The keyring's files: which there are, reading them with care, writing them whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from stager_credentials.errors import KeyringError
from stager_credentials.sealed_text import KEY_ID

PUBLIC_SUFFIX: Final = ".pub.pem"
PRIVATE_SUFFIX: Final = ".pem"
CURRENT: Final = "current"
MAX_FILE_BYTES: Final = 64 * 1024


def private_files(directory: Path) -> list[Path]:
    """List the private keys of a directory, by name; raises KeyringError if it can't be read, or is open to changes."""
    return [path for path in _pem_files(directory) if not path.name.endswith(PUBLIC_SUFFIX)]


def public_files(directory: Path) -> list[Path]:
    """List the public keys of a directory, by name; raises KeyringError if it can't be read, or is open to changes."""
    return [path for path in _pem_files(directory) if path.name.endswith(PUBLIC_SUFFIX)]


def key_id_of(path: Path) -> str:
    """Return the key id that a file's name says; raises KeyringError if it says none."""
    key_id = path.name.removesuffix(PUBLIC_SUFFIX).removesuffix(PRIVATE_SUFFIX)
    if not KEY_ID.fullmatch(key_id) or not path.name.endswith(PRIVATE_SUFFIX):
        raise KeyringError(
            f"{path}: a key file is called KEYID.pem or KEYID.pub.pem, KEYID of letters, digits, '-' and '_'"
        )
    return key_id


def read_private_file(path: Path) -> bytes:
    """Read a private key's file.

    Raises:
        KeyringError: It isn't there, isn't owned by the reader (effective uid), or has any bit set for group or others.
    """
    content, status = _read(path)
    if status.st_uid != os.geteuid():
        raise KeyringError(
            f"{path}: a private key that belongs to uid {status.st_uid}; it must belong to its reader, "
            f"uid {os.geteuid()}: chown it"
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise KeyringError(
            f"{path}: a private key with mode {stat.S_IMODE(status.st_mode):04o}, open to others; "
            "chmod 600 it, and rotate the keys if others could read it"
        )
    return content


def read_public_file(path: Path) -> bytes:
    """Read a file that anybody may read but not change.

    Raises:
        KeyringError: It isn't there, or somebody else than root and the reader may write to it: who can put another
            key in its place reads every password that is sealed afterwards.
    """
    content, status = _read(path)
    if status.st_uid not in {0, os.geteuid()}:
        raise KeyringError(f"{path}: can be changed by its owner, uid {status.st_uid}; chown it to root")
    if stat.S_IMODE(status.st_mode) & 0o022:
        raise KeyringError(f"{path}: can be changed by others (mode {stat.S_IMODE(status.st_mode):04o}); chmod 644 it")
    return content


def read_current(directory: Path) -> str:
    """Return the id of the key that new passwords are sealed with; raises KeyringError if there is none."""
    path = directory / CURRENT
    key_id = read_public_file(path).decode("ascii", "replace").strip()
    if not KEY_ID.fullmatch(key_id):
        raise KeyringError(f"{path}: should hold a key id and nothing else")
    return key_id


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file under a temporary name, bring it to the disk, then give it its name.

    Raises:
        KeyringError: It can't be written; nothing is left behind then, and an older file of that name stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_directory(path.parent)
    except OSError as error:
        raise KeyringError(f"{path}: can't be written: {error.strerror}") from error


def remove_file(path: Path) -> None:
    """Remove a file, or do nothing if it isn't there; raises KeyringError if it stays."""
    try:
        path.unlink(missing_ok=True)
        _sync_directory(path.parent)
    except OSError as error:
        raise KeyringError(f"{path}: can't be removed: {error.strerror}") from error


def _pem_files(directory: Path) -> list[Path]:
    try:
        mode = stat.S_IMODE(directory.stat().st_mode)
        if mode & 0o022:
            raise KeyringError(f"{directory}: others can put keys in (mode {mode:04o}); chmod go-w it")
        return sorted(
            path for path in directory.iterdir() if path.name.endswith(PRIVATE_SUFFIX) and path.name[0] != "."
        )
    except OSError as error:
        raise KeyringError(f"{directory}: can't be read: {error.strerror}") from error


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    """Read a regular file and what is said about the very file that was read; symbolic links are followed."""
    try:
        # Without O_NONBLOCK a pipe of that name would hold the service up for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise KeyringError(f"{path}: not a regular file")
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise KeyringError(f"{path}: can't be read: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise KeyringError(f"{path}: more than {MAX_FILE_BYTES} bytes; not a key")
    return content, status


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
