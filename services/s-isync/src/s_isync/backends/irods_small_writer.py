"""Uploads that go out whole."""

import logging

from s_isync.backends import irods_requests as requests
from s_isync.backends.irods_connection import ConnectionLostError
from s_isync.backends.irods_finish import check_finish, finish, finish_requests
from s_isync.backends.irods_kept import set_aside, take_back
from s_isync.backends.irods_listing import find
from s_isync.backends.irods_reply import check, counted
from s_isync.backends.irods_sessions import ZoneSessions
from s_isync.checksums import same
from s_isync.errors import TransientError, TreeError
from s_isync.tree import Incoming

_log = logging.getLogger(__name__)


class _RefusedError(Exception):
    """The server has not opened the object, so it is as it was."""

    def __init__(self, error: TreeError) -> None:
        super().__init__(error.message)
        self.error = error


class SmallZoneWriter:
    """An object that goes out whole, checked by the server, in one round trip.

    Open, write, close and the modification time leave together. They cost the server less than its single-message put.
    """

    def __init__(self, sessions: ZoneSessions, path: str, incoming: Incoming) -> None:
        self._sessions = sessions
        self._path = path
        self._incoming = incoming
        self._data: bytes | memoryview = b""

    start = 0

    def written(self, offset: int, length: int) -> bytes:
        """Nothing is there before it is written."""
        raise NotImplementedError

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Keep the bytes until all are there."""
        self._data = data if offset == 0 and len(data) == self._incoming.size else self._with(offset, data)

    def leave(self) -> None:
        """Nothing is open."""

    def commit(self, checksum: str) -> str | None:
        """Send it."""
        self._sessions.recycle()
        kept = set_aside(self._sessions, self._path, self._incoming)
        try:
            self._put(checksum)
        except _RefusedError as refused:
            if kept is not None:
                kept.withdraw()
            raise refused.error from None
        except TreeError as error:
            # A server leaves an object that it could not finish; but where its answer was lost, it may be at it still.
            made = self._incoming.replacing is None and not isinstance(error, ConnectionLostError)
            take_back(self._sessions, self._path, kept, made=made)
            raise
        if kept is not None:
            kept.drop()
        return checksum

    def abort(self, *, keep: bool) -> None:
        """Nothing has been sent."""

    def _put(self, checksum: str) -> None:
        resource = self._sessions.settings.default_resource
        size = self._incoming.size
        connection = self._sessions.connection()
        try:
            writing = requests.writes(requests.FIRST_DESCRIPTOR, self._data)
            opened, *answers = connection.exchange(
                [
                    requests.open_to_store(self._path, size, checksum, resource, self._incoming.mode),
                    *writing,
                    requests.close(requests.FIRST_DESCRIPTOR, size),
                    *finish_requests(self._sessions, self._path, self._incoming),
                ]
            )
        except ConnectionLostError:
            if not self._landed(checksum):
                raise
            finish(self._sessions, self._path, self._incoming)
            return
        if opened.status < 0:
            raise _RefusedError(opened.failure())
        if opened.status != requests.FIRST_DESCRIPTOR:
            connection.call(requests.close(opened.status))
            raise TransientError("BAD_ANSWER", f"the zone opened descriptor {opened.status}, not the first one")
        written, closed, timed = answers[: len(writing)], answers[len(writing)], answers[len(writing) + 1 :]
        count = counted(written)
        check([closed])
        if count != size:
            raise TransientError("SYS_COPY_LEN_ERR", f"the zone took {count} bytes of {size}")
        check_finish(self._path, self._incoming, timed)

    def _landed(self, checksum: str) -> bool:
        """Whether the object is there as it should be, though the server's word for it was lost."""
        entry = self._sessions.again(lambda: find(self._sessions.exchange, self._path))
        return entry is not None and entry.good and entry.checksum is not None and same(entry.checksum, checksum)

    def _with(self, offset: int, data: bytes | memoryview) -> memoryview:
        whole = bytearray(self._data).ljust(self._incoming.size, b"\0")
        whole[offset : offset + len(data)] = data
        return memoryview(whole)
