"""The process of a worker that runs no transfers: it tells people, keeps house, and answers Prometheus."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from stager_jobs.errors import StoreUnavailableError
from stager_telemetry import get_logger

log = get_logger(__name__)

_IDLE = 2.0
_LONGEST_PAUSE = 30.0
_LAST_ROUNDS = 20
"""Notices told at the most when the worker is to end; the rest is for another one."""


class Keeper:
    """Does what is to be done, until it is to end.

    Args:
        tell_one: Tells one notice; False if none is due.
        sweep: Takes away what is left of jobs that are gone.
        sweep_every: Seconds between two sweeps.
    """

    def __init__(self, tell_one: Callable[[], bool], sweep: Callable[[], None], sweep_every: float) -> None:
        self._tell_one, self._sweep, self._sweep_every = tell_one, sweep, sweep_every
        self._next_sweep = time.monotonic()

    def run(self, stopping: Callable[[], bool]) -> None:
        """Until `stopping` says so; Redis may come and go meanwhile."""
        pause = 0.5
        while not stopping():
            try:
                self._sweep_if_due()
                if not self._tell_one():
                    _sleep(_IDLE, stopping)
                pause = 0.5
            except StoreUnavailableError as error:
                log.warning("waiting for Redis", reason=str(error))
                _sleep(pause, stopping)
                pause = min(pause * 2, _LONGEST_PAUSE)
        with suppress(StoreUnavailableError):
            for _ in range(_LAST_ROUNDS):
                if not self._tell_one():
                    break

    def _sweep_if_due(self) -> None:
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + self._sweep_every
            self._sweep()


def in_background(work: Callable[[], None], name: str) -> None:
    """Run `work` in a thread that ends with this process."""
    threading.Thread(target=work, name=name, daemon=True).start()


def _sleep(seconds: float, stopping: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not stopping():
        time.sleep(0.1)
