"""A transfer job: what was asked for, where it stands, what became of it.

Everything here is plain frozen data. Times are aware datetimes in UTC, durations are seconds, sizes are bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """Where a job stands; `transitions` holds which may follow which."""

    SCHEDULED = "scheduled"
    PENDING = "pending"
    ACTIVE = "active"
    RETRY = "retry"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"


ENDED = frozenset({State.COMPLETED, State.FAILED, State.STOPPED})
"""States that a job leaves only by a restart."""


class Priority(StrEnum):
    """The queue a job waits in."""

    CRITICAL = "critical"
    DEFAULT = "default"
    LOW = "low"


class ErrorClass(StrEnum):
    """How an error behaves; it decides whether there is another attempt."""

    FATAL = "fatal"
    PARTIAL = "partial"
    TRANSIENT = "transient"


DEADLINES = frozenset({"timeout", "no_progress"})
"""Codes of the errors that say that an attempt was out of time."""


OWNER_AT_LIMIT = "owner_at_limit"
"""The code of a wait for the owner's own jobs: as many run as one user may have."""


@dataclass(frozen=True, slots=True)
class JobError:
    """What went wrong with an attempt: a name for programs and a sentence for people."""

    error_class: ErrorClass
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Task:
    """What somebody asks for, already validated.

    `dr_pass` is sealed, or empty for a service account of the worker. A timeout of 0 means none.
    """

    title: str
    dr_user: str
    src_url: str
    dst_url: str
    stager_user: str
    dr_pass: str = field(default="", repr=False)
    stager_email: str = ""
    timeout: int = 86_400
    timeout_noprogress: int = 3_600


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an attempt is; totals may grow until `totals_final`."""

    files_total: int = 0
    files_transferred: int = 0
    files_skipped: int = 0
    files_failed: int = 0
    bytes_total: int = 0
    bytes_transferred: int = 0
    bytes_skipped: int = 0
    totals_final: bool = False
    bytes_per_second: float = 0.0
    seconds_left: float | None = None
    current: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a job; `ended` is None while it runs, `error` is None if nothing went wrong.

    `progress` is how far it got, without what was under way; `Job.progress` has that of a running attempt.
    """

    number: int
    started: datetime
    ended: datetime | None = None
    error: JobError | None = None
    progress: Progress = Progress()


@dataclass(frozen=True, slots=True)
class FileFault:
    """What went wrong with a file or folder, for a report. `path` is relative to the source."""

    path: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be made.

    `request_id` makes a repeat of the same submit by the same principal return the same job; empty: none. `trace` is
    the W3C `traceparent` of the submit, which the transfer's own trace goes on from; empty: none.
    """

    task: Task
    principal: str
    priority: Priority = Priority.DEFAULT
    request_id: str = ""
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands. `owner` is its stagerUser, `principal` who submitted it."""

    id: str
    task: Task
    owner: str
    principal: str
    state: State
    priority: Priority
    created: datetime
    next_process: datetime | None = None
    started: datetime | None = None
    last_failed: datetime | None = None
    ended: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    max_attempts: int = 5
    last_error: JobError | None = None
    progress: Progress = Progress()
    waiting_reason: str = ""
    waiting_code: str = ""
