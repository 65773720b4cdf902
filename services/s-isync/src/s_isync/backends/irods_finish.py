"""What the last steps of small and big uploads share: the server's checksum, and the modification time."""

import logging
from collections.abc import Sequence

from s_isync.backends import irods_requests as requests
from s_isync.backends.irods_connection import Request
from s_isync.backends.irods_reply import Reply
from s_isync.backends.irods_sessions import ZoneSessions
from s_isync.errors import TreeError
from s_isync.tree import Incoming

_log = logging.getLogger(__name__)
_SECOND_NS = 1_000_000_000


def stored_checksum(sessions: ZoneSessions, path: str, size: int, *, force: bool = False) -> str:
    """Have the server tell an object's checksum, computed and registered if it is missing or if `force` says so."""
    request = requests.compute_checksum(path, size, force=force)
    return (sessions.again(lambda: sessions.call(request)).value("myStr") or "").strip()


def finish_requests(sessions: ZoneSessions, path: str, incoming: Incoming) -> list[Request]:
    """What sets the modification time and the AVUs of an object that is there; perhaps nothing."""
    found = [requests.set_avu(path, avu) for avu in incoming.metadata]
    if incoming.mtime_ns is None or incoming.mtime_ns < 0:
        return found
    return [*found, requests.set_mtime(path, incoming.mtime_ns // _SECOND_NS, sessions.connection().server_version)]


def warn_of_finish(path: str, replies: Sequence[Reply]) -> None:
    """Tell of a time or AVU that could not be set; the object is none the worse for it."""
    for reply in replies:
        if reply.status < 0:
            _log.warning("%s: its modification time or metadata could not be set: %s", path, reply.failure())


def finish(sessions: ZoneSessions, path: str, incoming: Incoming) -> None:
    """Give an object that is there its modification time and AVUs, after all; what fails is told of, and no more."""
    try:
        if wanted := finish_requests(sessions, path, incoming):
            warn_of_finish(path, sessions.again(lambda: sessions.exchange(wanted)))
    except TreeError as error:
        _log.warning("%s: its modification time or metadata could not be set: %s", path, error)
