"""Copies one file in ranges that several threads take from one queue, and hashes it in the same pass."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from s_isync.bandwidth import Bandwidth
from s_isync.checksums import Hasher
from s_isync.errors import FailedError, Phase, Scope, TransientError, during
from s_isync.stopping import StopFlag
from s_isync.tree import Progress, Reader, Writer

RANGE_SIZE = 4 * 1024 * 1024
_WINDOW = 8  # ranges that may be read ahead of the one to be hashed next


@dataclass(slots=True, eq=False)
class RangedCopy:
    """The queue of ranges of one file.

    Any number of threads call `work`; ranges are handed out in order, written in any order, and hashed in order. At
    most `_WINDOW` of them are held in memory. `next_offset` and `hashed` say how much is there and hashed already.
    """

    reader: Reader
    writer: Writer
    size: int
    hasher: Hasher
    path: str
    stop: StopFlag
    moved: Progress
    bandwidth: Bandwidth
    next_offset: int = 0
    hashed: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _unhashed: dict[int, bytes | memoryview] = field(default_factory=dict)
    _half_used: set[int] = field(default_factory=set)
    _hashing: bool = False
    _working: int = 0
    _failure: BaseException | None = None

    def work(self) -> None:
        """Copy ranges until none is left; errors are kept for `finish`."""
        with self._changed:
            if self._failure is not None or self.next_offset >= self.size:
                return
            self._working += 1
        try:
            while (offset := self._claim()) is not None:
                self._copy(offset)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that owns the file
            self._fail(error)
        finally:
            self._leave(self.reader.leave, Scope.SOURCE)
            self._leave(self.writer.leave, Scope.DESTINATION)
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def finish(self) -> str:
        """Wait for the other threads; the checksum of all bytes.

        Raises:
            FailedError: a range could not be copied.
            StoppedError: the run is ending.
        """
        with self._changed:
            while self._working:
                self._changed.wait(0.5)
            if self._failure is not None:
                raise self._failure
        return self.hasher.checksum()

    def _claim(self) -> int | None:
        with self._changed:
            while True:
                self.stop.check()
                if self._failure is not None or self.next_offset >= self.size:
                    return None
                if self.next_offset < self.hashed + _WINDOW * RANGE_SIZE:
                    offset = self.next_offset
                    self.next_offset += RANGE_SIZE
                    return offset
                self._changed.wait(0.5)

    def _copy(self, offset: int) -> None:
        length = min(RANGE_SIZE, self.size - offset)
        self.bandwidth.take(length)
        with during(Scope.SOURCE, Phase.TRANSFER, self.path):
            data = self.reader.read_at(offset, length)
            if len(data) != length:
                raise TransientError("CHANGED", "the file became shorter while it was being read")
        self._hash(offset, data)
        with during(Scope.DESTINATION, Phase.TRANSFER, self.path):
            self.writer.write_at(offset, data)
        self._used(offset, data)
        self.moved(length)

    def _hash(self, offset: int, data: bytes | memoryview) -> None:
        """Leave the bytes to be hashed; whoever comes while nobody hashes does it for all that are in order."""
        with self._changed:
            self._unhashed[offset] = data
            if self._hashing:
                return
            self._hashing = True
        while True:
            with self._changed:
                ready = self._unhashed.pop(self.hashed, None)
                if ready is None:
                    self._hashing = False
                    return
            self.hasher.update(ready)
            self._used(self.hashed, ready)
            with self._changed:
                self.hashed += len(ready)
                self._changed.notify_all()

    def _used(self, offset: int, data: bytes | memoryview) -> None:
        """A range has been hashed, or written; after both its memory is free."""
        with self._changed:
            if offset not in self._half_used:
                self._half_used.add(offset)
                return
            self._half_used.remove(offset)
        self.reader.done(data)

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            if self._failure is None:
                self._failure = error
            self._changed.notify_all()

    def _leave(self, leave: Callable[[], None], scope: Scope) -> None:
        try:
            with during(scope, Phase.TRANSFER, self.path):
                leave()
        except FailedError as error:
            self._fail(error)
