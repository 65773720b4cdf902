"""The old bytes of an object that is overwritten, kept aside until the new ones are verified.

A real server destroys the old bytes before it finds that the new ones have the wrong checksum, and an object that is
removed and made again loses its id, metadata and permissions. So a copy is set aside within the zone, the object
itself overwritten, and the copy dropped, or copied back, at the end.
"""

import logging

from s_isync.backends import irods_requests as requests
from s_isync.backends.irods_finish import stored_checksum
from s_isync.backends.irods_listing import find
from s_isync.backends.irods_patience import patiently
from s_isync.backends.irods_sessions import ZoneSessions
from s_isync.checksums import same, scheme_of
from s_isync.entry import Entry, Kind
from s_isync.errors import TransientError, TreeError
from s_isync.names import join, kept_name, split
from s_isync.tree import Incoming

_GONE = {"CAT_NO_ROWS_FOUND", "OBJ_PATH_DOES_NOT_EXIST"}
_SECOND_NS = 1_000_000_000
_log = logging.getLogger(__name__)


class KeptCopy:
    """The copy of an object's old bytes, beside it in the same collection."""

    def __init__(self, sessions: ZoneSessions, path: str, old: Entry | None = None) -> None:
        self._sessions = sessions
        self._path = path
        self._old = old
        self._made = False
        self._size = 0 if old is None else old.size
        folder, name = split(path)
        self._kept = join(folder, kept_name(name))

    def make(self) -> None:
        """Copy the object, which is good. A copy that an earlier run has left is of older bytes, or cut, and goes."""
        self._sessions.call(requests.copy(self._path, self._kept, self._size, force=True))
        self._made = True

    def exists(self) -> bool:
        """Whether an interrupted run has left one that is whole."""
        entry = find(self._sessions.exchange, self._kept)
        if entry is None or entry.kind is not Kind.FILE or not entry.good:
            return False
        self._size = entry.size
        return True

    def restore(self) -> None:
        """Put the old bytes back into the object, and its time; the copy goes once they are verified."""
        self._sessions.call(requests.copy(self._kept, self._path, self._size, force=True))
        stored = stored_checksum(self._sessions, self._path, self._size, force=True)
        if self._old is not None:
            known = self._old.checksum
            if known is not None and scheme_of(known) == scheme_of(stored) and not same(known, stored):
                raise TransientError("USER_CHKSUM_MISMATCH", f"the zone holds {stored} where {known} was put back")
            version = self._sessions.connection().server_version
            self._sessions.call(requests.set_mtime(self._path, self._old.mtime_ns // _SECOND_NS, version))
        self.drop()

    def withdraw(self) -> None:
        """Nothing has been overwritten: the copy goes, unless an earlier run has left it beside what isn't good."""
        if self._made:
            self.drop()

    def drop(self) -> None:
        """Remove the copy; one that stays behind goes when a later run finds the object as it should be."""
        try:
            self._sessions.again(lambda: self._sessions.call(requests.unlink(self._kept)))
        except TreeError as error:
            if error.code not in _GONE:
                _log.warning("%s stays behind for now: %s", self._kept, error)


def set_aside(sessions: ZoneSessions, path: str, incoming: Incoming) -> KeptCopy | None:
    """Keep the old bytes of an object that is about to be overwritten, if there are any worth keeping."""
    if incoming.replacing is None or not incoming.keep_old:
        return None
    if incoming.replacing.good:
        kept = KeptCopy(sessions, path, incoming.replacing)
        kept.make()
        return kept
    older = KeptCopy(sessions, path)
    return older if older.exists() else None


def take_back(sessions: ZoneSessions, path: str, kept: KeptCopy | None, *, made: bool) -> bool:
    """Undo a write that failed: the old bytes come back, an object that was made goes.

    Returns:
        Whether that was done; what stood in the way is logged.
    """
    try:
        if kept is not None:
            patiently(kept.restore)
        elif made:
            patiently(lambda: sessions.call(requests.unlink(path)))
    except TreeError as error:
        _log.warning("%s could not be put back in order: %s; the next run mends it", path, error)
        return False
    return True
