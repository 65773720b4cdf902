"""What the last steps of uploads and copies share: the server's checksum, AVUs, and the modification time."""

import logging
from collections.abc import Sequence

from s_isync.backends import irods_requests as requests
from s_isync.backends.irods_connection import Request
from s_isync.backends.irods_reply import Reply
from s_isync.backends.irods_sessions import ZoneSessions
from s_isync.errors import EndOfRunError, TransientError, TreeError
from s_isync.tree import Incoming

_log = logging.getLogger(__name__)
_SECOND_NS = 1_000_000_000


def stored_checksum(sessions: ZoneSessions, path: str, size: int, *, force: bool = False) -> str:
    """Have the server tell an object's checksum, computed and registered if it is missing or if `force` says so."""
    request = requests.compute_checksum(path, size, force=force)
    return (sessions.again(lambda: sessions.call(request)).value("myStr") or "").strip()


def finish_requests(sessions: ZoneSessions, path: str, incoming: Incoming) -> list[Request]:
    """What sets the AVUs and the modification time of an object that is there; perhaps nothing.

    They take the place of what has the same attributes; it may be done again, in this order.
    """
    found: list[Request] = []
    attributes: set[str] = set()
    for avu in incoming.metadata:
        found.append(requests.add_avu(path, avu) if avu[0] in attributes else requests.set_avu(path, avu))
        attributes.add(avu[0])
    if incoming.mtime_ns is None or incoming.mtime_ns < 0:
        return found
    return [*found, requests.set_mtime(path, incoming.mtime_ns // _SECOND_NS, sessions.connection().server_version)]


def check_finish(path: str, incoming: Incoming, replies: Sequence[Reply]) -> None:
    """Judge the answers to `finish_requests`. Of a time that could not be set the log tells, no more.

    Raises:
        TreeError: an AVU could not be set.
    """
    count = len(incoming.metadata)
    for reply in replies[:count]:
        if reply.status < 0:
            raise _without_metadata(reply.failure())
    for reply in replies[count:]:
        if reply.status < 0:
            _log.warning("%s: its modification time could not be set: %s", path, reply.failure())


def finish(sessions: ZoneSessions, path: str, incoming: Incoming) -> None:
    """Set AVUs and time in a round trip of their own, once more if the connection breaks; raises as `check_finish`."""
    if asked := finish_requests(sessions, path, incoming):
        check_finish(path, incoming, sessions.again(lambda: sessions.exchange(asked)))


def _without_metadata(failure: TreeError) -> TreeError:
    """The same failure as one of this object alone: who may not set AVUs may well be allowed to store objects."""
    if isinstance(failure, EndOfRunError):
        return failure
    kind = TransientError if isinstance(failure, TransientError) else TreeError
    return kind(failure.code, f"its metadata could not be set: {failure.message}")
