"""The unfinished file of a download, in which nobody else has a hand.

Others may write to the folders of a project. A file of theirs under the name of an unfinished one must not get the
bytes, since it stays theirs; nor may it be in the way.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import stat

from s_isync.entry import PERMISSIONS
from s_isync.errors import TransientError
from s_isync.names import part_name

_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_NEW_FILE_MODE = 0o666  # as open(2) takes it; the umask takes bits away
OWNER_BITS = 0o600  # without which its own user could not open it again
_NOT_TO_BE_OPENED = {errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ETXTBSY, errno.ENOENT}
_TRIES = 3  # for the usual name; others may put things there as often as they like


def open_part(folder: int, name: str, mode: int | None) -> tuple[int, str]:
    """Open the unfinished file of `name` to read and write: what this user has left of it, or else a new one.

    Its name follows from the final one, so that a later run finds it. It is locked, where the file system has locks.
    What somebody else has under that name is removed if nobody is writing it; where that isn't allowed, or can't be
    told, it is left alone, and the new file has a name of its own.

    Args:
        folder: descriptor of the folder that holds both.
        name: the final name.
        mode: permission bits; what is open to more than these is not gone on with. None: those of any new file.

    Returns:
        Descriptor and name.

    Raises:
        OSError: the folder takes no file.
        TransientError: another transfer of this user is writing it.
    """
    part = part_name(name)
    for _ in range(_TRIES):
        fd, made = _open(folder, part, mode)
        if fd is None:
            continue
        try:
            if _claim(fd, folder, part, mode, made=made):
                return fd, part
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
    part = part_name(f"{secrets.token_hex(8)}.{name}")
    return _new(folder, part, mode), part


def stands(fd: int, folder: int, name: str) -> bool:
    """Whether `name` in a folder is the file that is open."""
    try:
        named = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    opened = os.fstat(fd)
    return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)


def _new(folder: int, part: str, mode: int | None) -> int:
    bits = _NEW_FILE_MODE if mode is None else mode
    return os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, bits, dir_fd=folder)


def _open(folder: int, part: str, mode: int | None) -> tuple[int | None, bool]:
    """A new file, or what stands there, for reading only where no more is allowed, and whether it is new."""
    with contextlib.suppress(FileExistsError):
        return _new(folder, part, mode), True
    for access in (os.O_RDWR, os.O_RDONLY):
        try:
            return os.open(part, access | _FLAGS, dir_fd=folder), False
        except OSError as error:
            if error.errno not in _NOT_TO_BE_OPENED:
                raise
    return None, False


def _claim(fd: int, folder: int, part: str, mode: int | None, *, made: bool) -> bool:
    """Whether it can be written to; what can't be, and nobody else is writing, is removed if that is allowed."""
    held = _lock(fd)
    if not stands(fd, folder, part):
        return False  # another transfer has just renamed or removed it
    found = os.fstat(fd)
    own = made or (stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1)
    if held is False and own:
        raise TransientError("BUSY", "another transfer is writing this file")
    bits = found.st_mode & PERMISSIONS
    # Who could open it before its bits were narrowed could go on reading.
    if made or (own and bits & OWNER_BITS == OWNER_BITS and (mode is None or not bits & ~mode)):
        return True
    if held or own:
        with contextlib.suppress(OSError):
            os.unlink(part, dir_fd=folder)
    return False


def _lock(fd: int) -> bool | None:
    """Lock it; false where somebody else has, None on a file system without locks."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
