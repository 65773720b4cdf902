"""What a signal does: it ends the run, and breaks off what would wait for a person or a parent process meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from s_isync.errors import EndOfRunError
from s_isync.exit_codes import ExitCode
from s_isync.stopping import StopFlag


class Interrupter:
    """A signal handler that sets the flag."""

    def __init__(self, stop: StopFlag) -> None:
        self._stop = stop
        self._breaks = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """A signal has come."""
        self._stop.interrupt()
        if self._breaks:
            self._breaks = False
            raise EndOfRunError(ExitCode.INTERRUPTED, "stopped by a signal before anything was done")

    @contextmanager
    def breaking_off(self) -> Iterator[None]:
        """Have a signal raise `EndOfRunError`, wherever what is done inside may be."""
        self._breaks = True
        try:
            yield
        finally:
            self._breaks = False
