"""Opening a folder below another one without following a symbolic link on the way.

Linux has openat2 for this; where it is missing or not allowed, as in some containers, the path is walked name by name.
"""

import ctypes
import errno
import os

_SYS_OPENAT2 = 437  # the same on every architecture
_RESOLVE_NO_MAGICLINKS, _RESOLVE_NO_SYMLINKS, _RESOLVE_BENEATH = 0x02, 0x04, 0x08
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_libc = ctypes.CDLL(None, use_errno=True)


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_HOW = _OpenHow(_FOLDER, 0, _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS)


def open_folder(base: int, relative: str) -> int:
    """A descriptor (O_PATH) of the folder at `relative`, names joined by single slashes, below an open folder.

    Raises:
        OSError: as open(2); ELOOP or ENOTDIR where a link stands on the way.
    """
    global _by_kernel  # noqa: PLW0603 - what this kernel can do doesn't change
    if _by_kernel:
        path = os.fsencode(relative) + b"/."  # the dot has it mounted, where that is done on demand
        descriptor = _libc.syscall(_SYS_OPENAT2, base, path, ctypes.byref(_HOW), ctypes.sizeof(_HOW))
        if descriptor >= 0:
            return int(descriptor)
        number = ctypes.get_errno()
        if number == errno.EAGAIN:  # something was renamed meanwhile; the walk below takes it as it comes
            return walk(base, relative)
        if number not in {errno.ENOSYS, errno.EPERM, errno.EINVAL}:
            raise OSError(number, os.strerror(number), relative)
        _by_kernel = False
    return walk(base, relative)


_by_kernel = True


def walk(base: int, relative: str) -> int:
    """The same, one name after the other."""
    names = relative.split("/")
    if not {"", ".", ".."}.isdisjoint(names):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), relative)
    here = base
    try:
        for name in names:
            inner = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
            if here != base:
                os.close(here)
            here = inner
    except OSError:
        if here != base:
            os.close(here)
        raise
    return here
