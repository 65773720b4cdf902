"""Data objects that this run made, lost the connection to, and may go on with at the next attempt.

They stand under their final names, though never as good ones, so none may outlive the run: what is left of a file is
removed at the end, or by the next run.
"""

import logging
import threading
from functools import partial

from s_isync.backends import irods_requests as requests
from s_isync.backends.irods_errors import GONE
from s_isync.backends.irods_listing import find
from s_isync.backends.irods_patience import patiently
from s_isync.backends.irods_sessions import ZoneSessions
from s_isync.errors import TreeError

WORTH_KEEPING = 16 * 1024 * 1024  # bytes at the beginning
_log = logging.getLogger(__name__)


class Unfinished:
    """By path, how many bytes at the beginning of each are known to be there."""

    def __init__(self, sessions: ZoneSessions) -> None:
        self._sessions = sessions
        self._lock = threading.Lock()
        self._there: dict[str, int] = {}

    def take(self, path: str) -> int | None:
        """How much is there; None if this run has left nothing. Whoever asks has it from now on."""
        with self._lock:
            return self._there.pop(path, None)

    def keep(self, path: str, count: int) -> None:
        """So much is there, for the next attempt, or to be removed at the end."""
        with self._lock:
            self._there[path] = count

    def drop(self) -> None:
        """Remove what no attempt has come for; what can't be removed is for the next run to mend."""
        with self._lock:
            paths = list(self._there)
            self._there.clear()
        for path in paths:
            try:
                patiently(partial(self._remove, path))
            except TreeError as error:
                if error.code not in GONE:
                    _log.warning("%s stays behind, unfinished: %s; the next run mends it", path, error)

    def _remove(self, path: str) -> None:
        entry = self._sessions.again(lambda: find(self._sessions.exchange, path))
        if entry is not None and not entry.good:  # a good one is somebody else's work
            self._sessions.again(lambda: self._sessions.call(requests.unlink(path)))
