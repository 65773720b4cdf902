"""Whether a zone still answers at all, how soon, and how long it may take for what it is at."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

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
        self._deadlines: list[float] = []
        self.fastest = 0.0

    @contextmanager
    def at_work(self, seconds: float) -> Iterator[None]:
        """Meanwhile the zone does work of its own, for which it is given so long."""
        deadline = time.monotonic() + seconds
        with self._lock:
            self._deadlines.append(deadline)
        try:
            yield
        finally:
            with self._lock:
                self._deadlines.remove(deadline)

    @property
    def working_seconds(self) -> float | None:
        """For how long at most such work is still waited for; None if there is none."""
        with self._lock:
            return max(0.0, max(self._deadlines) - time.monotonic()) if self._deadlines else None

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
