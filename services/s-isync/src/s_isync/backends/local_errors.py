"""What an error of the operating system means for a run."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from s_isync.errors import EndOfRunError, ForbiddenError, TransientError, TreeError
from s_isync.exit_codes import ExitCode

_PASSING = {
    errno.EAGAIN,
    errno.EBUSY,
    errno.EINTR,
    errno.EIO,
    errno.ENFILE,
    errno.EMFILE,
    errno.ESTALE,
    errno.ETIMEDOUT,
}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL = {errno.ENOSPC, errno.EDQUOT}
_SENTENCES = {
    errno.EACCES: "may not be read or written by this user; ask its owner for permission",
    errno.EPERM: "may not be changed by this user; ask its owner for permission",
    errno.ENOENT: "doesn't exist any more",
    errno.ENAMETOOLONG: "has a name that is too long for the file system; shorten it",
    errno.ENOTDIR: "is below something that is no folder",
    errno.EROFS: "is on a file system that can only be read",
    errno.ELOOP: "is a symbolic link, which is not followed here",
    errno.EILSEQ: "has a name that the file system does not take; rename it",
}


def tree_error(error: OSError) -> TreeError:
    """The error as the sync knows it: passing, of one file, or the end of the run (no space)."""
    number = error.errno or 0
    code = errno.errorcode.get(number, "EIO")
    if number in _FULL:
        return EndOfRunError(ExitCode.NO_SPACE, "the file system is full or the quota is used up; make room", code)
    message = _SENTENCES.get(number, error.strerror or str(error))
    if number in _FORBIDDEN:
        return ForbiddenError(code, message)
    return TransientError(code, message) if number in _PASSING else TreeError(code, message)


@contextmanager
def os_errors() -> Iterator[None]:
    """Turn an `OSError` raised inside into a `TreeError`."""
    try:
        yield
    except OSError as error:
        raise tree_error(error) from error
