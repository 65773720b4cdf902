"""What keeps a worker from running a transfer at all."""

from __future__ import annotations

from stager_jobs.job import ErrorClass, JobError


class TransferRefusedError(Exception):
    """This job can't run here; its text is for the person who submitted it.

    `error_class` says whether it may be different later.
    """

    def __init__(self, code: str, message: str, error_class: ErrorClass = ErrorClass.FATAL) -> None:
        super().__init__(message)
        self.error = JobError(error_class, code, message)


class StillRunningError(Exception):
    """An earlier run of the same job has not quite ended on this machine."""
