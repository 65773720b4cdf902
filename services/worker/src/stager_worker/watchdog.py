"""The two deadlines of an attempt."""

from __future__ import annotations

import time
from collections.abc import Callable

from stager_jobs.job import ErrorClass, JobError

from stager_worker.isync_events import Totals


class Watchdog:
    """Says when an attempt has had its time, or has shown no life for too long. 0 means no such deadline.

    Life is any change of the counts of bytes found, moved, skipped or checksummed, or of files that are done, since
    files may be empty.
    """

    def __init__(self, timeout: int, timeout_noprogress: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout, self._silence, self._clock = timeout, timeout_noprogress, clock
        self._began = self._alive = clock()
        self._seen: tuple[int, ...] = ()

    def see(self, totals: Totals) -> None:
        """Take note of how far the attempt is."""
        signs = (
            totals.bytes_total,
            totals.bytes_transferred,
            totals.bytes_skipped,
            totals.bytes_checked,
            totals.files_transferred + totals.files_skipped + totals.files_failed,
        )
        if signs != self._seen:
            self._seen, self._alive = signs, self._clock()

    def overdue(self) -> JobError | None:
        """Which deadline has passed, if any."""
        now = self._clock()
        if self._timeout and now - self._began > self._timeout:
            message = f"The transfer took longer than {self._timeout} seconds, which is all it was given."
            return JobError(ErrorClass.TRANSIENT, "timeout", message)
        if self._silence and now - self._alive > self._silence:
            message = f"Not a byte was moved or checked in {self._silence} seconds."
            return JobError(ErrorClass.TRANSIENT, "no_progress", message)
        return None
