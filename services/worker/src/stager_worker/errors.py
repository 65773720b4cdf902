"""What keeps a worker from running a transfer at all."""

from __future__ import annotations

from stager_jobs.job import ErrorClass, JobError


class TransferRefusedError(Exception):
    """This job can't run here, now or later; its text is for the person who submitted it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.error = JobError(ErrorClass.FATAL, code, message)


class StillRunningError(Exception):
    """An earlier run of the same job has not quite ended on this machine."""
