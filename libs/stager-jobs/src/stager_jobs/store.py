"""The three small protocols through which services deal with jobs; `rq_store` implements them on RQ and Redis.

All methods may raise StoreUnavailableError. None knows of callers and their rights: who may see a job is decided by
the service that asks, from `Job.owner` and `Job.principal`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from stager_jobs.errors import JobStoreError
from stager_jobs.figures import QueueFigures
from stager_jobs.job import FileFault, Job, NewJob, Progress, State


class JobQueue(Protocol):
    """Changing jobs. Each method is one atomic step, safe to repeat and safe when two callers race."""

    def submit(self, jobs: Sequence[NewJob]) -> list[Job | JobStoreError]:
        """Store jobs and let workers have them; returns once they are in Redis, one outcome for each, in order.

        An outcome may be a RequestIdTakenError or a TooManyWaitingError. A repeat of the same request (its request id
        and task, whatever credential is sealed in it) gives the job that is there, and counts for no limit.
        """
        ...

    def stop(self, job_id: str) -> Job:
        """Ask that a job ends. A waiting job is stopped at once; a running one within 30 seconds.

        Raises:
            JobNotFoundError: There is no such job.
            WrongStateError: It has completed or failed. A stopped job is returned as it is.
        """
        ...

    def restart(self, job_id: str, dr_pass: str = "") -> Job:
        """Run an ended job again under its id, keeping its attempts; `dr_pass` is a fresh sealed credential.

        Raises:
            JobNotFoundError: There is no such job.
            WrongStateError: It waits or runs.
            CredentialMissingError: The job had a credential of its own and none is given.
            TooManyWaitingError: As many of its owner's jobs wait as may.
        """
        ...

    def delete(self, job_id: str) -> None:
        """Remove a job's record and all that belongs to it, stopping it first if it waits or runs.

        Raises:
            JobNotFoundError: There is no such job.
        """
        ...


@dataclass(frozen=True, slots=True)
class JobPage:
    """A page of an owner's jobs, newest first; `next_cursor` is empty on the last page."""

    jobs: tuple[Job, ...]
    next_cursor: str
    counts: Mapping[State, int]
    """How many jobs the owner has in each state, before any filter; empty unless asked for."""


@dataclass(frozen=True, slots=True)
class ReportPage:
    """What became of a job's files, with a page of what went wrong in its newest attempt.

    The counts are in `job.attempts` and `job.progress`: what one attempt transferred the next one skips.
    """

    job: Job
    faults: tuple[FileFault, ...]
    """In the order in which they happened."""
    next_cursor: str
    """Empty on the last page."""
    faults_total: int
    """How many there were; more than can be paged through where `faults_kept` is less."""
    faults_kept: int
    """How many are kept here."""
    full_list: str
    """Where an admin finds the fate of each file of all attempts: HOST:PATH; empty before the first attempt."""


@dataclass(frozen=True, slots=True)
class JobChange:
    """Something happened to a job; `deleted` says that its record is gone."""

    job_id: str
    owner: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Resync:
    """Changes may have been missed: look at everything again."""


class JobInspector(Protocol):
    """Looking at jobs, without changing them. Costs don't grow with other owners' jobs."""

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            JobNotFoundError: There is no such job.
        """
        ...

    def get_many(self, job_ids: Sequence[str]) -> list[Job | None]:
        """Several jobs in one or two round trips, None for those that don't exist, in the order asked."""
        ...

    def list(  # noqa: PLR0913 - filters, each by its name
        self,
        owner: str,
        *,
        states: Collection[State] = (),
        search: str = "",
        cursor: str = "",
        size: int = 50,
        counted: bool = True,
    ) -> JobPage:
        """A page of an owner's jobs. `search` matches id, title, source and destination, in any case.

        A page that isn't `counted` costs the same however many jobs the owner has.

        Raises:
            ValueError: The cursor is none of this store's.
        """
        ...

    def report(self, job_id: str, *, cursor: str = "", size: int = 100) -> ReportPage:
        """What became of a job's files.

        Raises:
            JobNotFoundError: There is no such job.
            ValueError: The cursor is none of this store's.
        """
        ...

    def figures(self) -> QueueFigures:
        """How the queues stand."""
        ...

    def changes(self) -> ChangeFeed:
        """Every change of any job from now on, through one subscription."""
        ...


class ChangeFeed(Protocol):
    """A subscription to changes. It reconnects by itself."""

    def __iter__(self) -> Iterator[JobChange | Resync | None]:
        """Yields each change; None after each second without one; Resync once it listens, and after each reconnect.

        Ends after `close`.
        """
        ...

    def close(self) -> None:
        """End the subscription; may be called from another thread."""
        ...


class ProgressSink(Protocol):
    """Where a worker writes how far a job is; at most 2 Redis writes a second whatever the caller does."""

    def update(self, progress: Progress) -> None:
        """Take the newest figures; older ones that were not written yet are dropped."""
        ...

    def flush(self) -> None:
        """Write the newest figures now."""
        ...
