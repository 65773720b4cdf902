"""Writing past the page cache: a big download needs no copy of itself in memory, nor the CPU time that makes one."""

import contextlib
import errno
import os

_ALIGNMENT = 4096  # bytes, of offset, length and address; enough for every block device in use
_REFUSALS = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP}


class DirectFile:
    """A second descriptor of a file that is being written, open for direct I/O where the file system has that."""

    def __init__(self, fd: int) -> None:
        self._fd: int | None = None
        with contextlib.suppress(OSError):  # no direct I/O here, or no /proc
            self._fd = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_DIRECT | os.O_CLOEXEC)

    def write(self, data: memoryview, offset: int) -> int:
        """Write what can be written directly; the number of bytes, 0 where the rest has to go the ordinary way."""
        fd, count = self._fd, len(data) - len(data) % _ALIGNMENT
        if fd is None or not count or offset % _ALIGNMENT:
            return 0
        try:
            return os.pwrite(fd, data[:count], offset)
        except OSError as error:
            if error.errno not in _REFUSALS:
                raise
            return 0

    def close(self) -> None:
        """Close the descriptor; no write may be under way."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
