"""What the command's exit codes mean, and which error gives which."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from stager.v1 import job_pb2

from stager_client.errors import (
    ConfigurationError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    RequestIdTakenError,
    StagerError,
    TooManyError,
    UnavailableError,
    WrongStateError,
)
from stager_client.watching import JobEvent


class ExitCode(IntEnum):
    """How the command ended."""

    OK = 0
    FAULT = 1
    """The stager failed in an unforeseen way."""
    USAGE = 2
    """Wrong options or settings."""
    INVALID = 3
    """The task or the request is wrong."""
    NOT_ALLOWED = 4
    """Not signed in, or not allowed."""
    NOT_FOUND = 5
    """No such job, directory or project."""
    WRONG_STATE = 6
    """Not possible as things stand."""
    UNAVAILABLE = 7
    """The stager can't be reached or takes no more; trying again later may help."""
    JOB_FAILED = 10
    """A job that was followed failed for good."""
    JOB_DELETED = 11
    """A job that was followed was deleted."""
    JOB_STOPPED = 12
    """A job that was followed was stopped."""
    INTERRUPTED = 130
    """Ctrl-C."""


_BY_ERROR: Final = {
    ConfigurationError: ExitCode.USAGE,
    InvalidRequestError: ExitCode.INVALID,
    NotSignedInError: ExitCode.NOT_ALLOWED,
    NotAllowedError: ExitCode.NOT_ALLOWED,
    NotFoundError: ExitCode.NOT_FOUND,
    WrongStateError: ExitCode.WRONG_STATE,
    RequestIdTakenError: ExitCode.WRONG_STATE,
    TooManyError: ExitCode.UNAVAILABLE,
    UnavailableError: ExitCode.UNAVAILABLE,
}
_BY_STATE: Final = {job_pb2.JOB_STATE_FAILED: ExitCode.JOB_FAILED, job_pb2.JOB_STATE_STOPPED: ExitCode.JOB_STOPPED}
_WORST_FIRST: Final = (ExitCode.JOB_FAILED, ExitCode.JOB_DELETED, ExitCode.JOB_STOPPED)


def of_error(error: StagerError) -> ExitCode:
    """Return the exit code of an error."""
    return next((code for kind, code in _BY_ERROR.items() if issubclass(type(error), kind)), ExitCode.FAULT)


def of_events(last_events: Iterable[JobEvent]) -> ExitCode:
    """Return the exit code for how jobs ended, the worst of them."""
    codes = {ExitCode.JOB_DELETED if event.deleted else _BY_STATE.get(event.job.state) for event in last_events}
    return next((code for code in _WORST_FIRST if code in codes), ExitCode.OK)
