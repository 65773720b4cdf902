"""Copies a data object within its zone, without its bytes passing through here."""

from s_isync.backends import irods_requests as requests
from s_isync.backends.irods_finish import finish, stored_checksum
from s_isync.backends.irods_kept import set_aside, take_back
from s_isync.backends.irods_listing import find
from s_isync.backends.irods_scheme import verify
from s_isync.backends.irods_sessions import ZoneSessions
from s_isync.checksums import same
from s_isync.entry import Entry
from s_isync.errors import TransientError, TreeError
from s_isync.tree import Incoming


def copy_object(
    sessions: ZoneSessions, source_path: str, destination_path: str, entry: Entry, incoming: Incoming
) -> str | None:
    """The checksum of the copy, which the server computes from the bytes that it has written.

    It is of the same scheme as the source's, so that the two can be compared when the source changes.

    Raises:
        TreeError: what stood there before stands there still.
    """
    sessions.recycle()
    kept = set_aside(sessions, destination_path, incoming)
    replaced = incoming.replacing is not None
    try:
        sessions.call(requests.copy(source_path, destination_path, entry.size, force=replaced))
        stored = stored_checksum(sessions, destination_path, entry.size, force=True)
        if entry.checksum is not None and not same(entry.checksum, stored):
            verify(sessions, destination_path, entry.size, entry.checksum)
            stored = entry.checksum
        now = sessions.again(lambda: find(sessions.exchange, destination_path))
        if now is None or not now.good or now.size != entry.size:
            raise TransientError("NOT_GOOD", "the copy has no good replica of the right size")
        finish(sessions, destination_path, incoming)
    except TreeError:
        take_back(sessions, destination_path, kept, made=not replaced)
        raise
    if kept is not None:
        kept.drop()
    return stored
