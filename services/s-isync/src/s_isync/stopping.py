"""One flag that ends a run early: a signal, or an error after which nothing can succeed."""

import threading

from s_isync.errors import Problem
from s_isync.exit_codes import ExitCode


class StoppedError(Exception):
    """The run is ending; what is under way is given up."""


class StopFlag:
    """Set once, by whichever cause comes first; every thread looks at it between two steps.

    Attributes:
        exit_code: why the run ends; None while it goes on.
        interrupted: whether it has to end soon, whyever it ends.
        problem: the error that ended it; None for a signal.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self.exit_code: ExitCode | None = None
        self.interrupted = False
        self.problem: Problem | None = None

    def stop(self, exit_code: ExitCode, problem: Problem | None = None) -> None:
        """End the run; later calls change nothing."""
        with self._lock:
            if self.exit_code is None:
                self.exit_code, self.problem = exit_code, problem
        self._event.set()

    def interrupt(self) -> None:
        """End the run because of a signal. Takes no lock, so that a signal handler may call it."""
        self.interrupted = True
        if self.exit_code is None:
            self.exit_code = ExitCode.INTERRUPTED
        self._event.set()

    @property
    def stopped(self) -> bool:
        """Whether the run is ending."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise `StoppedError` if the run is ending."""
        if self._event.is_set():
            raise StoppedError

    def wait(self, seconds: float) -> None:
        """Sleep, or raise `StoppedError` as soon as the run is ending."""
        if self._event.wait(seconds):
            raise StoppedError
