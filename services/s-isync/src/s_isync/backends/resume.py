"""How far a cut download had come, noted on its unfinished file in extended attributes.

Where the file system has none, a download begins anew. What is noted is no more than a hint: bytes that turn out wrong
are found by the checksum of the whole, and not used again.
"""

import contextlib
import os
import threading

from s_isync.backends.prefix import Prefix

_SOURCE, _DONE = "user.s-isync.source", "user.s-isync.done"
_NOTED_EVERY = 32 * 1024 * 1024  # bytes


class Resume:
    """Keeps account of the ranges written to an unfinished file.

    Args:
        fd: the file.
        source: what tells the source's bytes from any others: their checksum.

    Attributes:
        start: bytes at the beginning that an earlier attempt has written.
    """

    def __init__(self, fd: int, source: str) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._able = True
        self.start = self._noted(source)
        self._done = Prefix(self.start)
        self._told = self.start
        if not self.start:
            self._note(_SOURCE, source)

    @property
    def worth_keeping(self) -> bool:
        """Whether a later attempt gains by what is there; notes how much that is."""
        with self._lock:
            if self._able and self._done.end >= _NOTED_EVERY:
                self._note(_DONE, str(self._done.end))
            return self._able and self._done.end >= _NOTED_EVERY

    def wrote(self, offset: int, count: int) -> None:
        """A range is there."""
        with self._lock:
            self._done.add(offset, count)
            if self._done.end - self._told >= _NOTED_EVERY:
                self._told = self._done.end
                self._note(_DONE, str(self._done.end))

    def finish(self) -> None:
        """The file is whole: take the notes away."""
        for name in (_SOURCE, _DONE):
            with contextlib.suppress(OSError):
                os.removexattr(self._fd, name)

    def _noted(self, source: str) -> int:
        try:
            if os.getxattr(self._fd, _SOURCE) != source.encode():
                return 0
            done = os.getxattr(self._fd, _DONE).decode()
        except (OSError, ValueError):
            return 0
        return int(done) if done.isdigit() and int(done) <= os.fstat(self._fd).st_size else 0

    def _note(self, name: str, value: str) -> None:
        try:
            os.setxattr(self._fd, name, value.encode())
        except OSError:
            self._able = False
