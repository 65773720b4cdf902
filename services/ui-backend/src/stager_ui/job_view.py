"""A job as the pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from stager.v1 import job_pb2

from stager_ui.plan import REPOSITORY_SCHEME, Direction

STATES: Final = {
    job_pb2.JOB_STATE_ACTIVE: "active",
    job_pb2.JOB_STATE_PENDING: "pending",
    job_pb2.JOB_STATE_SCHEDULED: "scheduled",
    job_pb2.JOB_STATE_RETRY: "retry",
    job_pb2.JOB_STATE_COMPLETED: "completed",
    job_pb2.JOB_STATE_FAILED: "failed",
    job_pb2.JOB_STATE_STOPPED: "stopped",
}
"""States by the name that texts and styles know them by, in the order of the filter."""
ENDED: Final = frozenset({"completed", "failed", "stopped"})
_SETTLED_SECONDS: Final = 5
_SHORT_SCHEMES: Final = (REPOSITORY_SCHEME, "i:")


@dataclass(frozen=True)
class Place:
    """One end of a transfer."""

    path: str
    in_repository: bool

    @classmethod
    def of(cls, url: str) -> Place:
        """From the form that tasks use."""
        for scheme in _SHORT_SCHEMES:
            if url.startswith(scheme):
                return cls(url.removeprefix(scheme), in_repository=True)
        return cls(url, in_repository=False)


@dataclass(frozen=True)
class JobView:
    """A job, with what the pages need worked out; `message` has the rest."""

    message: job_pb2.Job
    state: str
    source: Place
    destination: Place

    @classmethod
    def of(cls, message: job_pb2.Job) -> JobView:
        """From the API's message."""
        return cls(
            message,
            STATES.get(message.state, "pending"),
            Place.of(message.task.src_url),
            Place.of(message.task.dst_url),
        )

    @property
    def id(self) -> str:
        """The job's id."""
        return self.message.id

    @property
    def direction(self) -> Direction:
        """Which way it goes."""
        return Direction.UPLOAD if self.destination.in_repository else Direction.DOWNLOAD

    @property
    def ended(self) -> bool:
        """Whether nothing happens any more unless somebody asks."""
        return self.state in ENDED

    @property
    def record_stamp(self) -> str:
        """Changes when there may be more to read about what failed."""
        progress = self.message.progress
        return f"{len(self.message.attempts)}.{progress.files_failed}.{self.state}"

    @property
    def files_done(self) -> int:
        """Files that are at the destination, whether moved or there before."""
        return self.message.progress.files_transferred + self.message.progress.files_skipped

    @property
    def bytes_done(self) -> int:
        """Bytes that are at the destination."""
        return self.message.progress.bytes_transferred + self.message.progress.bytes_skipped

    @property
    def percent(self) -> int | None:
        """How far it is, 0 to 100; None while it can't be told. A job that isn't complete never shows 100."""
        progress = self.message.progress
        if self.state == "completed":
            return 100
        if not progress.totals_final:
            return None if self.state == "active" or not progress.files_total else 0
        total, done = progress.bytes_total, self.bytes_done
        if not total:
            total, done = progress.files_total, self.files_done
        return min(99, done * 100 // total) if total else None

    @property
    def created_at(self) -> datetime | None:
        """When it was submitted."""
        return moment(self.message, "created_at")

    @property
    def started_at(self) -> datetime | None:
        """When its newest attempt began."""
        return moment(self.message, "started_at")

    @property
    def ended_at(self) -> datetime | None:
        """When it ended."""
        return moment(self.message, "ended_at")

    @property
    def next_process_at(self) -> datetime | None:
        """When it goes on."""
        return moment(self.message, "next_process_at")

    @property
    def seconds_to_next(self) -> float | None:
        """How long until it is tried again; None if it doesn't wait for that."""
        if self.state not in {"retry", "scheduled"} or self.next_process_at is None:
            return None
        return max(0.0, (self.next_process_at - datetime.now(UTC)).total_seconds())

    @property
    def seconds(self) -> float | None:
        """How long the newest attempt took, or has taken; None where none has begun or the next one is awaited."""
        end = self.ended_at if self.ended else datetime.now(UTC) if self.state == "active" else None
        return None if self.started_at is None or end is None else (end - self.started_at).total_seconds()

    @property
    def seconds_left(self) -> float | None:
        """How long it will take yet, where that can be told; not from the speed of an attempt's first moments."""
        progress = self.message.progress
        if self.state != "active" or not progress.HasField("seconds_left") or (self.seconds or 0) < _SETTLED_SECONDS:
            return None
        return progress.seconds_left


def moment(message: job_pb2.Job | job_pb2.Attempt, name: str) -> datetime | None:
    """A time of a message; None where it isn't set."""
    if not message.HasField(name):  # type: ignore[arg-type] # the names are literals in the stubs
        return None
    value: Timestamp = getattr(message, name)
    return value.ToDatetime(tzinfo=UTC)
