"""Whether this process was asked to end, and for how long that has been so."""

from __future__ import annotations

import signal
import time


class Stopping:
    """Set by SIGTERM or SIGINT; asked by everything that loops."""

    def __init__(self) -> None:
        self._since: float | None = None

    def __call__(self) -> bool:
        """Whether the process is to end."""
        return self._since is not None

    def longer_than(self, seconds: float) -> bool:
        """Whether it was asked so long ago."""
        return self._since is not None and time.monotonic() - self._since >= seconds

    def watch(self) -> None:
        """Take both signals from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._take)

    def _take(self, _number: int, _frame: object) -> None:
        self._since = self._since or time.monotonic()
