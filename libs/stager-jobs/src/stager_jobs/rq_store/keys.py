"""The names that things have in Redis: RQ's own, and the few beside them that begin with `stager:`."""

from __future__ import annotations

from datetime import UTC, datetime

from rq.job import JobStatus

from stager_jobs.job import Priority, State

QUEUES = tuple(priority.value for priority in (Priority.CRITICAL, Priority.DEFAULT, Priority.LOW))
CHANGES = "stager:changes"
"""Channel: `C` or `D` (changed, deleted), a space, the job's id, a space, its owner."""
WAKE = "stager:wake"
"""List of tokens, one for each job that came; an idle worker waits on it. Losing one costs seconds, not the job."""


def text(reply: object) -> str:
    """A reply of Redis as text; whatever is no UTF-8 can't be a name of ours, and matches none."""
    return reply.decode(errors="replace") if isinstance(reply, bytes) else str(reply)


def rq_time(stamp: str) -> datetime:
    """A time as RQ writes it.

    Raises:
        ValueError: It is none.
    """
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def job_key(job_id: str) -> str:
    """RQ's record of a job, a hash; ours are the fields that begin with `stager_`."""
    return f"rq:job:{job_id}"


def leases_key(queue: str) -> str:
    """Sorted set of `JOB:EXECUTION`, scored by until when a worker holds the job."""
    return f"stager:leases:{queue}"


def faults_key(job_id: str) -> str:
    """List: what went wrong with single files in a job's newest attempt, as JSON."""
    return f"stager:faults:{job_id}"


def owner_key(owner: str) -> str:
    """Index: an owner's job ids, scored by when they were made."""
    return f"stager:jobs:{owner}"


def state_of(status: str, *, attempted: bool) -> State:
    """The state that RQ's status stands for; `attempted` tells a retry from a first run that waits for its time.

    Statuses that only other programs or admins set are shown as what they come to.
    """
    match status:
        case JobStatus.STARTED:
            return State.ACTIVE
        case JobStatus.FINISHED:
            return State.COMPLETED
        case JobStatus.FAILED:
            return State.FAILED
        case JobStatus.STOPPED | JobStatus.CANCELED:
            return State.STOPPED
        case JobStatus.SCHEDULED:
            return State.RETRY if attempted else State.SCHEDULED
        case _:
            return State.PENDING
