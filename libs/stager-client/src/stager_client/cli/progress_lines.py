"""Progress where there is no terminal: a line for each change of state, and one now and then between."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from stager_client.cli.job_text import end_text, progress_text
from stager_client.cli.text import printable
from stager_client.errors import StagerError
from stager_client.job_states import state_name
from stager_client.watching import JobEvent

SECONDS_BETWEEN: Final = 10.0
"""Between two lines about one job's progress."""


class ProgressLines:
    """Writes lines.

    Args:
        write: Takes each line.
        clock: Seconds that only go up.
    """

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._states: dict[str, int] = {}
        self._told_at: dict[str, float] = {}

    def show(self, event: JobEvent) -> None:
        """Write a line if the job's state has changed, or if the last one was some time ago."""
        job = event.job
        if event.deleted:
            self._write(f"deleted {job.id}")
            return
        now = self._clock()
        changed = self._states.get(job.id) != job.state
        if not changed and now - self._told_at[job.id] < SECONDS_BETWEEN:
            return
        self._states[job.id] = job.state
        self._told_at[job.id] = now
        if event.final:
            self._write(end_text(job))
            return
        parts = [f"{state_name(job.state)} {job.id} {printable(job.task.title)}", progress_text(job)]
        if job.waiting_reason:
            parts.append(printable(job.waiting_reason))
        if changed and job.last_error.message:
            parts.append(f"last error: {printable(job.last_error.message)}")
        self._write(": ".join(part for part in parts if part))

    def lost(self, error: StagerError) -> None:
        """Say so."""
        self._write(f"{printable(str(error))}; trying again")
