"""Uploads that several threads share."""

import base64
import json
import logging
import threading

from s_isync.backends import irods_requests as requests
from s_isync.backends.irods_connection import ConnectionLostError, ZoneConnection
from s_isync.backends.irods_finish import check_finish, finish, finish_requests, stored_checksum
from s_isync.backends.irods_kept import set_aside, take_back
from s_isync.backends.irods_listing import find
from s_isync.backends.irods_reply import Reply, check, counted
from s_isync.backends.irods_scheme import ZoneScheme, verify
from s_isync.backends.irods_sessions import ZoneSessions
from s_isync.backends.irods_unfinished import WORTH_KEEPING, Unfinished
from s_isync.backends.prefix import Prefix
from s_isync.checksums import same
from s_isync.errors import TransientError, TreeError
from s_isync.tree import Incoming

_log = logging.getLogger(__name__)
_RANGE_TRIES = 3


class BigZoneWriter:
    """An object that several threads write, each over its own connection into the same replica.

    Attributes:
        start: bytes at the beginning that an earlier attempt of this run has written.
    """

    def __init__(
        self, sessions: ZoneSessions, path: str, incoming: Incoming, unfinished: Unfinished, scheme: ZoneScheme
    ) -> None:
        self._sessions = sessions
        self._path = path
        self._incoming = incoming
        self._unfinished = unfinished
        self._scheme = scheme
        sessions.recycle()
        self._kept = set_aside(sessions, path, incoming)
        left = unfinished.take(path)
        old = incoming.replacing
        self._made = old is None or (left is not None and not old.good)
        self.start = left if left is not None and self._made and self._kept is None else 0
        self._there = Prefix(self.start)
        self._counting = threading.Lock()
        self._owner = sessions.connection()
        self._closed = False
        opening = [
            requests.open_to_go_on(path, incoming.size)
            if self.start
            else requests.open_to_write(path, incoming.size, sessions.settings.default_resource, incoming.mode),
            requests.descriptor_info(requests.FIRST_DESCRIPTOR, self._owner.server_version),
        ]
        try:
            opened, described = self._owner.exchange(opening)
        except ConnectionLostError:
            self._mend_what_may_be_open()
            raise
        if opened.status < 0:
            if self._kept is not None:
                self._kept.withdraw()
            failure = opened.failure()
            if left is not None:
                unfinished.keep(path, self.start if isinstance(failure, TransientError) else 0)
            raise failure
        self._primary = opened.status
        self._open: dict[ZoneConnection, tuple[int, int]] = {self._owner: (self._primary, 0)}
        try:
            self._token, self._hierarchy = _replica(self._owner, self._primary, described)
        except TreeError:
            self.abort(keep=False)
            raise

    def written(self, offset: int, length: int) -> None:  # noqa: ARG002 - it would have to come back all the way
        """The source has it, too."""
        return

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """One range, tried again on a new connection if a helper's breaks."""
        for attempt in range(_RANGE_TRIES):
            connection = self._sessions.connection()
            try:
                self._write(connection, offset, data)
            except ConnectionLostError:
                if connection is self._owner or attempt == _RANGE_TRIES - 1:
                    raise
            else:
                return

    def leave(self) -> None:
        """Close a helper's descriptor; the owner's stays open until the end.

        Once the owner's connection is gone, nobody is left to record what was written: a helper that closed its
        descriptor then could leave the object locked for good. It breaks its connection off instead; the server takes
        what such a one had open for stale, which can be mended.
        """
        connection = self._sessions.current()
        if connection is None or connection is self._owner:
            return
        opened = self._open.pop(connection, None)
        if opened is None:
            return
        if self._owner.is_gone():
            connection.break_off()
            return
        try:
            connection.call(requests.leave_replica(opened[0], connection.server_version))
        except TreeError:
            connection.break_off()  # so that it is closed all the same, before the object is put back in order
            raise

    def commit(self, checksum: str) -> str | None:
        """Close it, and have the server read it back: its checksum must be that of the bytes that were read here."""
        size = self._incoming.size
        replaced = self._incoming.replacing is not None
        self._closed = True
        try:
            closed, summed, *timed = self._owner.exchange(
                [
                    requests.close(self._primary, size),
                    requests.compute_checksum(self._path, size, force=replaced),
                    *finish_requests(self._sessions, self._path, self._incoming),
                ]
            )
        except ConnectionLostError:
            _log.info("%s: the answer to closing it was lost; looking at it", self._path)
            stored = stored_checksum(self._sessions, self._path, size, force=replaced)
            finish(self._sessions, self._path, self._incoming)
        else:
            check((closed, summed))
            check_finish(self._path, self._incoming, timed)
            stored = (summed.value("myStr") or "").strip()
        if not same(stored, checksum):
            self._scheme.learn(stored)
            verify(self._sessions, self._path, size, checksum)
            stored = checksum
        entry = self._sessions.again(lambda: find(self._sessions.exchange, self._path))
        if entry is None or not entry.good or entry.size != size:
            raise TransientError("NOT_GOOD", "the data object has no good replica of the right size after its upload")
        if self._kept is not None:
            self._kept.drop()
        return stored

    def abort(self, *, keep: bool) -> None:
        """Undo what was written, unless the next attempt of this run can go on with it."""
        if not self._closed:
            self._owner.break_off()  # a server that sees it closed takes it for whole if it is as long as was announced
        if keep and self._made and not self._closed and self._there.end >= WORTH_KEEPING:
            self._unfinished.keep(self._path, self._there.end)
            return
        if not take_back(self._sessions, self._path, self._kept, made=self._made) and self._made:
            self._unfinished.keep(self._path, 0)

    def _mend_what_may_be_open(self) -> None:
        """The answer to opening it was lost: it may have been made, or emptied, all the same."""
        if self._kept is not None:
            take_back(self._sessions, self._path, self._kept, made=False)
        elif self._made:  # the server may be at it still, so it goes no sooner than at the end
            self._unfinished.keep(self._path, self.start)

    def _write(self, connection: ZoneConnection, offset: int, data: bytes | memoryview) -> None:
        if connection not in self._open:
            self._open[connection] = self._join(connection), 0
        descriptor, position = self._open[connection]
        placing = [] if position == offset else [requests.seek(descriptor, offset)]
        replies = connection.exchange([*placing, *requests.writes(descriptor, data)])
        check(replies[: len(placing)])
        count = counted(replies[len(placing) :])
        self._open[connection] = descriptor, offset + count
        if count != len(data):
            raise TransientError("SYS_COPY_LEN_ERR", f"the zone took {count} bytes of {len(data)}")
        with self._counting:
            self._there.add(offset, count)

    def _join(self, connection: ZoneConnection) -> int:
        """Open the replica that the owner is writing, over another connection; the descriptor."""
        opened, described = connection.exchange(
            [
                requests.open_to_join(self._path, self._incoming.size, self._hierarchy, self._token),
                requests.descriptor_info(requests.FIRST_DESCRIPTOR, connection.server_version),
            ]
        )
        if opened.status < 0:
            raise opened.failure()
        try:
            token, _ = _replica(connection, opened.status, described)
        except TreeError:
            connection.break_off()
            raise
        if token != self._token:  # the server had given the owner up, and taken this for a new writer
            connection.break_off()
            raise TransientError("CONNECTION_LOST", "the zone has given up the connection that was writing it")
        return opened.status


def _replica(connection: ZoneConnection, descriptor: int, described: Reply) -> tuple[str, str]:
    """The token by which other connections may join in writing a replica, and its resource hierarchy.

    Args:
        connection: where the replica is open.
        descriptor: what it is open as.
        described: what the server says of the first descriptor, asked before it was known which one this would be.
    """
    if descriptor != requests.FIRST_DESCRIPTOR:
        described = connection.call(requests.descriptor_info(descriptor, connection.server_version))
    if described.status < 0:
        raise described.failure()
    try:
        found = json.loads(base64.b64decode(described.value("buf") or "").rstrip(b"\0"))
        return str(found["replica_token"]), str(found["data_object_info"]["resource_hierarchy"])
    except (ValueError, KeyError, TypeError) as error:
        raise TransientError("BAD_ANSWER", f"the zone's word on an open data object can't be read: {error}") from error
