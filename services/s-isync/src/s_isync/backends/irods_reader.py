"""Reading a data object."""

import contextlib
import logging
import mmap
from collections.abc import Callable, Sequence
from typing import TypeVar

from s_isync.backends import irods_requests as requests
from s_isync.backends.irods_connection import ConnectionLostError, Request, ZoneConnection
from s_isync.backends.irods_listing import find
from s_isync.backends.irods_reply import check, counted
from s_isync.backends.irods_sessions import ZoneSessions
from s_isync.entry import Entry
from s_isync.errors import EndOfRunError, TransientError, TreeError

_RANGE_TRIES = 3
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class SmallZoneReader:
    """An object that is read whole, in one round trip.

    Open, read and close go out together. They cost the server less than its single-message get, which sets up a
    buffer of 32 MiB each time.
    """

    def __init__(self, sessions: ZoneSessions, path: str, entry: Entry) -> None:
        self._sessions = sessions
        self._path = path
        self._entry = entry

    def read_at(self, offset: int, length: int) -> bytes | memoryview:
        """The object's bytes."""
        if length == 0:
            return b""
        self._sessions.recycle()
        buffer = memoryview(bytearray(length))
        if offset == 0 and _placed(self._sessions, self._entry, lambda place: self._read_whole(buffer, place)):
            return buffer
        return _read_all(self._sessions.connection(), self._path, offset, buffer)

    def _read_whole(self, buffer: memoryview, place: str | None) -> bool:
        """Fill the buffer in one round trip, if the server's descriptors are as expected."""
        connection = self._sessions.connection()
        opened, *got, closed = connection.exchange(
            [
                requests.open_to_read(self._path, place),
                *requests.reads(requests.FIRST_DESCRIPTOR, len(buffer)),
                requests.close(requests.FIRST_DESCRIPTOR),
            ],
            into=buffer,
        )
        if opened.status < 0:
            raise opened.failure()
        if opened.status != requests.FIRST_DESCRIPTOR:
            connection.call(requests.close(opened.status))
            return False
        count = counted(got)
        check([closed])
        return count == len(buffer)

    def done(self, data: bytes | memoryview) -> None:
        """It goes by itself."""

    def leave(self) -> None:
        """Nothing stays open."""

    def check_unchanged(self) -> None:
        """As for a big one."""
        _check_unchanged(self._sessions, self._path, self._entry)

    def note_checksum(self, checksum: str) -> None:
        """The catalogue knows."""

    def close(self) -> None:
        """Nothing stays open."""


def _check_unchanged(sessions: ZoneSessions, path: str, entry: Entry) -> None:
    if entry.checksum is not None:
        return
    now = sessions.again(lambda: find(sessions.exchange, path))
    if now is None or (now.size, now.mtime_ns, now.good) != (entry.size, entry.mtime_ns, True):
        raise TransientError("CHANGED", "the data object changed while it was being read")


def _placed(sessions: ZoneSessions, entry: Entry, what: Callable[[str | None], _T]) -> _T:
    """Do it with the place that the scan has found, and without one if that fails: it may have moved meanwhile."""
    if entry.place is None or not sessions.tells_places:
        return what(None)
    try:
        return what(entry.place)
    except EndOfRunError:
        raise
    except TreeError as error:
        _log.info("%s: reading from %s: %s; having the zone find it", entry.path, entry.place, error)
        found = what(None)
        sessions.tells_places = False
        return found


def _read_all(connection: ZoneConnection, path: str, offset: int, buffer: memoryview) -> memoryview:
    descriptor = connection.call(requests.open_to_read(path)).status
    try:
        placing = [requests.seek(descriptor, offset)] if offset else []
        return buffer[: _fill(connection, descriptor, buffer, placing)]
    finally:
        if not connection.dead:
            connection.call(requests.close(descriptor))


def _fill(connection: ZoneConnection, descriptor: int, buffer: memoryview, placing: Sequence[Request] = ()) -> int:
    """Read until the buffer is full, or the object ends, after what places the descriptor; how many bytes came."""
    got = 0
    while got < len(buffer):
        replies = connection.exchange([*placing, *requests.reads(descriptor, len(buffer) - got)], into=buffer[got:])
        check(replies[: len(placing)])
        count = counted(replies[len(placing) :])
        if count == 0:
            break
        got += count
        placing = ()
    return got


class BigZoneReader:
    """An object that several threads read, each over its own connection and descriptor."""

    def __init__(self, sessions: ZoneSessions, path: str, entry: Entry) -> None:
        self._sessions = sessions
        self._path = path
        self._entry = entry
        self._open: dict[ZoneConnection, tuple[int, int]] = {}  # descriptor, and where it stands
        self._spare: list[mmap.mmap] = []
        sessions.recycle()
        self._descriptor()

    def read_at(self, offset: int, length: int) -> bytes | memoryview:
        """One range, tried again on a new connection if the old one breaks."""
        buffer = memoryview(self._memory(length))[:length]
        for attempt in range(_RANGE_TRIES):
            try:
                return self._read(offset, buffer)
            except ConnectionLostError:
                if attempt == _RANGE_TRIES - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def done(self, data: bytes | memoryview) -> None:
        """Keep its memory for another range: fresh memory costs as much time as the bytes on their way."""
        if isinstance(data, memoryview) and isinstance(data.obj, mmap.mmap):
            self._spare.append(data.obj)

    def leave(self) -> None:
        """Close the calling thread's descriptor."""
        connection = self._sessions.current()
        opened = None if connection is None else self._open.pop(connection, None)
        if connection is not None and opened is not None:
            connection.call(requests.close(opened[0]))

    def check_unchanged(self) -> None:
        """The checksum tells; where there is none, size and time do."""
        _check_unchanged(self._sessions, self._path, self._entry)

    def note_checksum(self, checksum: str) -> None:
        """The catalogue knows."""

    def close(self) -> None:
        """Close what the calling thread has open; a server that doesn't like it has nothing to lose either."""
        with contextlib.suppress(TreeError):
            self.leave()

    def _memory(self, length: int) -> mmap.mmap:
        """At least so many bytes, beginning at a page, as direct writing needs it."""
        try:
            spare = self._spare.pop()
        except IndexError:
            return mmap.mmap(-1, length)
        return spare if len(spare) >= length else mmap.mmap(-1, length)

    def _read(self, offset: int, buffer: memoryview) -> memoryview:
        descriptor, position = self._descriptor()
        connection = self._sessions.connection()
        placing = [] if position == offset else [requests.seek(descriptor, offset)]
        got = _fill(connection, descriptor, buffer, placing)
        self._open[connection] = descriptor, offset + got
        return buffer[:got]

    def _descriptor(self) -> tuple[int, int]:
        return self._open.get(self._sessions.connection()) or _placed(self._sessions, self._entry, self._opened)

    def _opened(self, place: str | None) -> tuple[int, int]:
        connection = self._sessions.connection()
        self._open[connection] = connection.call(requests.open_to_read(self._path, place)).status, 0
        return self._open[connection]
