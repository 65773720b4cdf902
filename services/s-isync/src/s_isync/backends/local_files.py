"""Reading and writing one file of the file system."""

import contextlib
import os
import stat
import threading

from s_isync.backends.direct_write import DirectFile
from s_isync.backends.ground import Ground
from s_isync.backends.hash_cache import HashCache, Identity, identity_of
from s_isync.backends.local_errors import os_errors
from s_isync.backends.part_file import OWNER_BITS, open_part, stands
from s_isync.backends.resume import Resume
from s_isync.checksums import scheme_of
from s_isync.entry import PERMISSIONS, Entry
from s_isync.errors import TransientError
from s_isync.tree import Incoming

_DIRECT_FROM = 32 * 1024 * 1024  # bytes; smaller files are likely to be looked at soon, and cost little


def _read(fd: int, length: int, offset: int) -> bytes:
    data = os.pread(fd, length, offset)
    while len(data) < length and (more := os.pread(fd, length - len(data), offset + len(data))):
        data += more
    return data


class LocalReader:
    """An open file that notices when it changes."""

    def __init__(self, ground: Ground, path: str, entry: Entry, cache: HashCache | None = None) -> None:
        self._path = path
        self._entry = entry
        self._cache = cache
        with os_errors():
            self._fd = ground.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            self._opened = self._unchanged()
        except BaseException:
            os.close(self._fd)
            raise

    def read_at(self, offset: int, length: int) -> bytes:
        """One range; `pread` may give less than asked before the end, so it is asked again."""
        with os_errors():
            return _read(self._fd, length, offset)

    def done(self, data: bytes | memoryview) -> None:
        """It goes by itself."""

    def leave(self) -> None:
        """Threads share the descriptor."""

    def check_unchanged(self) -> None:
        """Compare size and modification time with what the scan found."""
        self._unchanged()

    def _unchanged(self) -> Identity:
        with os_errors():
            now = identity_of(os.fstat(self._fd))
        if (now.size, now.mtime_ns) != (self._entry.size, self._entry.mtime_ns):
            raise TransientError("CHANGED", "the file changed while it was being read; it is tried again when it rests")
        return now

    def note_checksum(self, checksum: str) -> None:
        """Remember it for the very file that was read, whatever may stand under its name by now."""
        if self._cache is not None and identity_of(os.fstat(self._fd)) == self._opened:
            self._cache.remember(self._path, scheme_of(checksum), self._opened, checksum)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


class LocalWriter:
    """A file written beside its final name, then fsynced and renamed.

    A later run finds what an interrupted one left; a second transfer of the same file is kept out. The unfinished file
    is as open to others as the one that it replaces, and to nobody where the mode is given.
    """

    def __init__(self, ground: Ground, path: str, incoming: Incoming, cache: HashCache | None = None) -> None:
        self._path = path
        self._incoming = incoming
        self._cache = cache
        with os_errors():
            self._folder, self._name = ground.hold(path)
        self._fd: int | None = None
        self._direct: DirectFile | None = None
        self._resume: Resume | None = None
        self._closing = threading.Lock()
        try:
            with os_errors():
                self._mode, meanwhile = self._modes()
                fd, self._part = open_part(self._folder, self._name, meanwhile)
        except BaseException:
            os.close(self._folder)
            raise
        self._fd = fd
        try:
            with os_errors():
                if meanwhile is not None:
                    os.fchmod(fd, meanwhile)
                if incoming.size >= _DIRECT_FROM:
                    self._direct = DirectFile(fd)
                    self._resume = Resume(fd, incoming.checksum) if incoming.checksum is not None else None
                os.ftruncate(fd, self.start)
        except BaseException:
            self.abort(keep=False)
            raise

    @property
    def start(self) -> int:
        """What an earlier attempt has left."""
        return 0 if self._resume is None else min(self._resume.start, self._incoming.size)

    def written(self, offset: int, length: int) -> bytes:
        """Read it back."""
        with os_errors():
            return _read(self._open_fd(), length, offset)

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Write one range."""
        rest = memoryview(data)
        with os_errors():
            while rest:
                fd = self._open_fd()
                count = (self._direct.write(rest, offset) if self._direct else 0) or os.pwrite(fd, rest, offset)
                rest, offset = rest[count:], offset + count
        if self._resume is not None:
            self._resume.wrote(offset - len(data), len(data))

    def leave(self) -> None:
        """Threads share the descriptor."""

    def commit(self, checksum: str) -> str | None:
        """Put it under its final name, its bytes on the disk before its name."""
        with os_errors():
            fd = self._open_fd()
            size = os.fstat(fd).st_size
            if size != self._incoming.size:
                raise TransientError("SHORT_WRITE", f"{size} bytes arrived of {self._incoming.size}")
            if self._incoming.mtime_ns is not None:
                os.utime(fd, ns=(self._incoming.mtime_ns, self._incoming.mtime_ns))
            if self._resume is not None:
                self._resume.finish()
            if self._mode is not None:  # last: a file that is only read keeps its extended attributes
                os.fchmod(fd, self._mode)
            os.fsync(fd)
            if not stands(fd, self._folder, self._part):
                raise TransientError("BUSY", "somebody has put another file in the place of the unfinished one")
            os.rename(self._part, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            if self._cache is not None:
                self._cache.remember(self._path, scheme_of(checksum), identity_of(os.fstat(fd)), checksum)
            self._sync_folder()
            self._close()
        return None

    def abort(self, *, keep: bool) -> None:
        """Remove what was written, unless a later attempt can go on with it."""
        with self._closing:
            if self._fd is None:
                return
        if keep and self._resume is not None and self._resume.worth_keeping:
            self._close()
            return
        with contextlib.suppress(OSError):
            os.unlink(self._part, dir_fd=self._folder)
        self._close()

    def _open_fd(self) -> int:
        if self._fd is None:
            raise TransientError("EBADF", "the file was closed before it was complete")
        return self._fd

    def _modes(self) -> tuple[int | None, int | None]:
        """Permission bits at the end and until then; None: those of any new file."""
        if self._incoming.mode is not None:
            mode = self._incoming.mode & PERMISSIONS
            return mode, mode & 0o700 | OWNER_BITS
        with contextlib.suppress(FileNotFoundError):
            old = os.stat(self._name, dir_fd=self._folder, follow_symlinks=False)
            if stat.S_ISREG(old.st_mode):
                return old.st_mode & PERMISSIONS, old.st_mode & PERMISSIONS | OWNER_BITS
        return None, None

    def _close(self) -> None:
        with self._closing:
            if self._direct is not None:
                self._direct.close()
            if self._fd is not None:
                os.close(self._fd)
                os.close(self._folder)
                self._fd = None

    def _sync_folder(self) -> None:
        fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._folder)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
