"""The bytes of data objects: one file each, named by the data object's id.

Logical names do not appear on disk, so a rename moves nothing and no name is too odd or too long.
"""

import errno
import hashlib
import os
import shutil
from base64 import b64encode
from pathlib import Path
from typing import Final

from stager_sandbox.zone.errors import Code, system_error
from stager_sandbox.zone.faults import Faults

CHUNK: Final = 1 << 20


class Storage:
    """The vault.

    Args:
        root: The directory for the files; made if missing.
        faults: They may leave little room on the disk.
    """

    def __init__(self, root: Path, faults: Faults) -> None:
        self._root = root
        self._faults = faults
        root.mkdir(parents=True, exist_ok=True)

    def free_bytes(self) -> int:
        """The room that the disk has."""
        return shutil.disk_usage(self._root).free

    def path(self, data_id: int) -> Path:
        """Where a data object's bytes are; the file need not exist."""
        return self._root / f"{data_id % 256:02x}" / str(data_id)

    def open(self, data_id: int, flags: int) -> int:
        """Give a descriptor for the file, opened with these flags of the os module; the caller closes it.

        Raises:
            ZoneError: UNIX_FILE_OPEN_ERR with the errno.
        """
        path = self.path(data_id)
        if flags & os.O_CREAT:
            path.parent.mkdir(exist_ok=True)
        try:
            return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise system_error(Code.UNIX_FILE_OPEN_ERR, error) from error

    def write(self, handle: int, data: bytes | bytearray | memoryview, position: int) -> int:
        """Write bytes at a position of an open file; give back how many, fewer than all when the disk fills up.

        Raises:
            ZoneError: UNIX_FILE_WRITE_ERR with the errno, when there is no room at all.
        """
        view = memoryview(data)[: self._faults.take_room(len(data))]
        if data and not view:
            raise system_error(Code.UNIX_FILE_WRITE_ERR, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        written = 0
        try:
            while written < len(view):
                written += os.pwrite(handle, view[written:], position + written)
        except OSError as error:
            raise system_error(Code.UNIX_FILE_WRITE_ERR, error) from error
        return written

    def size(self, data_id: int) -> int:
        """The file's size in bytes; 0 when there is none."""
        try:
            return self.path(data_id).stat().st_size
        except FileNotFoundError:
            return 0

    def remove(self, data_id: int) -> None:
        """Remove the file, if there is one."""
        self.path(data_id).unlink(missing_ok=True)

    def truncate(self, data_id: int, size: int) -> None:
        """Set the file's size.

        Raises:
            ZoneError: UNIX_FILE_TRUNCATE_ERR with the errno.
        """
        try:
            os.truncate(self.path(data_id), size)
        except OSError as error:
            raise system_error(Code.UNIX_FILE_TRUNCATE_ERR, error) from error

    def copy(self, source: int, destination: int) -> int:
        """Copy one object's bytes over another's; give back how many."""
        reading = self.open(source, os.O_RDONLY)
        try:
            writing = self.open(destination, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            try:
                copied = 0
                while count := os.sendfile(writing, reading, None, 1 << 30):
                    copied += count
                return copied
            finally:
                os.close(writing)
        finally:
            os.close(reading)

    def checksum(self, data_id: int, scheme: str = "sha2") -> str:
        """Read the file through and give its checksum as iRODS writes it.

        Args:
            data_id: Which data object.
            scheme: ``sha2`` gives ``sha2:`` and base64; ``md5`` gives bare hex.
        """
        digest = _digest(scheme)
        descriptor = self.open(data_id, os.O_RDONLY)
        try:
            while chunk := os.read(descriptor, CHUNK):
                digest.update(chunk)
        finally:
            os.close(descriptor)
        return _written(digest.digest(), scheme)


def false_checksum(true: str) -> str:
    """A well-formed checksum of the same scheme that is not the true one."""
    scheme = scheme_of(true)
    return _written(_digest(scheme, true.encode()).digest(), scheme)


def _digest(scheme: str, data: bytes = b"") -> "hashlib._Hash":
    return hashlib.md5(data, usedforsecurity=False) if scheme == "md5" else hashlib.sha256(data)


def _written(digest: bytes, scheme: str) -> str:
    return digest.hex() if scheme == "md5" else "sha2:" + b64encode(digest).decode("ascii")


def scheme_of(checksum: str) -> str:
    """The scheme of a checksum as iRODS writes it; ``sha2`` for an empty one."""
    return "sha2" if not checksum or checksum.startswith("sha2:") else "md5"
