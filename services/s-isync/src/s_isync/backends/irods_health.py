"""Whether a zone still answers at all, and how soon."""

import threading

from s_isync.errors import EndOfRunError, TreeError
from s_isync.exit_codes import ExitCode

_MOST_LOST = 30  # exchanges in a row that broke, on all connections together


class Health:
    """Counts exchanges that break without a single one between them that doesn't.

    Attributes:
        fastest: seconds that the fastest answer took so far; 0 before the first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lost = 0
        self.fastest = 0.0

    def answered(self, seconds: float) -> None:
        """An exchange has come to its end, and took so long."""
        self._lost = 0
        self.fastest = min(seconds, self.fastest or seconds)

    def lost(self, error: TreeError) -> TreeError:
        """An exchange broke; the error to raise: the given one, or the one that ends the run."""
        with self._lock:
            self._lost += 1
            if self._lost < _MOST_LOST:
                return error
        message = f"the zone takes connections, and breaks them again and again; the last time: {error.message}"
        return EndOfRunError(ExitCode.UNREACHABLE, message)
