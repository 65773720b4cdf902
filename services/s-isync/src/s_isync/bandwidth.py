"""Keeps a run below a rate of bytes."""

import threading
import time

from s_isync.stopping import StopFlag


class Bandwidth:
    """Hands out bytes; whoever takes more than there are waits.

    Args:
        bytes_per_second: the rate; None for none.
        stop: ends every wait.
    """

    def __init__(self, bytes_per_second: int | None, stop: StopFlag) -> None:
        self._rate = bytes_per_second
        self._stop = stop
        self._lock = threading.Lock()
        self._free_at = time.monotonic()

    def take(self, count: int) -> None:
        """Wait until `count` bytes may go.

        Raises:
            StoppedError: the run is ending.
        """
        if self._rate is None:
            return
        with self._lock:
            begin = max(self._free_at, time.monotonic())
            self._free_at = begin + count / self._rate
        if (wait := begin - time.monotonic()) > 0:
            self._stop.wait(wait)
