"""The two deadlines of an attempt."""

from __future__ import annotations

import time
from collections.abc import Callable

from stager_jobs.job import ErrorClass, JobError

from stager_worker.isync_events import Totals


class Watchdog:
    """Says when an attempt has had its time, or has shown no life for too long. 0 means no such deadline.

    Life is any change of the counts of bytes found, moved, skipped or checksummed, or of files that are done, since
    files may be empty. A server's own work, such as the checksum of a huge file, shows none; it has until s-isync
    itself gives it up. Only the first such wait since the last sign of life counts: a server that never answers must
    not gain time by being asked again.
    """

    def __init__(self, timeout: int, timeout_noprogress: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout, self._silence, self._clock = timeout, timeout_noprogress, clock
        self._began = self._alive = clock()
        self._seen: tuple[int, ...] = ()
        self._given_until: float | None = None

    def see(self, totals: Totals, working_seconds: float | None = None) -> None:
        """Take note of how far the attempt is, and how long at most it waits for a server's own work, if it does."""
        now = self._clock()
        signs = (
            totals.bytes_total,
            totals.bytes_transferred,
            totals.bytes_skipped,
            totals.bytes_checked,
            totals.files_transferred + totals.files_skipped + totals.files_failed,
        )
        if signs != self._seen:
            self._seen, self._alive, self._given_until = signs, now, None
        if working_seconds is not None and self._given_until is None:
            self._given_until = now + working_seconds

    def overdue(self) -> JobError | None:
        """Which deadline has passed, if any."""
        now = self._clock()
        if self._timeout and now - self._began > self._timeout:
            message = f"The transfer took longer than {self._timeout} seconds, which is all it was given."
            return JobError(ErrorClass.TRANSIENT, "timeout", message)
        working = self._given_until is not None and now <= self._given_until
        if self._silence and now - self._alive > self._silence and not working:
            message = f"Not a byte was moved or checked in {self._silence} seconds."
            return JobError(ErrorClass.TRANSIENT, "no_progress", message)
        return None
