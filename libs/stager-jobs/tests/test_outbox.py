"""What is to be told of jobs: made with the end of an attempt, told at least once, each addressee alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis
from stager_jobs.job import ErrorClass, Job, JobError, NewJob
from stager_jobs.rq_store import RqJobQueue
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Lease, Verdict
from stager_jobs.rq_store.outbox import Kind, Notice, Outbox
from stager_jobs.rules import Rules

LATE = JobError(ErrorClass.TRANSIENT, "timeout", "It took too long.")


@pytest.fixture
def outbox(redis: Redis) -> Outbox:
    """The outbox of an empty Redis."""
    return Outbox(redis)


@pytest.fixture
def run(queue: RqJobQueue, claims: Callable[..., Claims], new: Callable[..., NewJob]) -> Callable[[], Lease]:
    """Submits a job and claims it."""

    def begin(worker: str = "w1") -> Lease:
        (job,) = queue.submit([new()])
        assert isinstance(job, Job)
        one = claims(worker, Rules(retry_delays=(0, 0)))
        claim = one.claim(QUEUES)
        assert claim
        return one.lease(claim)

    return begin


@pytest.mark.parametrize(
    ("verdict", "kind"), [(Verdict.COMPLETE, Kind.COMPLETED), (Verdict.FAIL, Kind.FAILED), (Verdict.HAND_BACK, None)]
)
def test_the_end_of_a_job_is_told(
    run: Callable[[], Lease], outbox: Outbox, verdict: Verdict, kind: Kind | None
) -> None:
    """One notice for a job that completed or failed for good, however often its worker says so."""
    lease = run()
    lease.finish(verdict)
    lease.finish(verdict)
    notice = outbox.take(60)
    assert (notice and notice.kind) == kind
    assert outbox.take(60) is None


def test_a_deadline_is_told_once(run: Callable[[], Lease], outbox: Outbox, claims: Callable[..., Claims]) -> None:
    """At the first attempt that was out of time, then only that the job has failed."""
    lease, worker = run(), claims("w1", Rules(retry_delays=(0, 0)))
    lease.finish(Verdict.RETRY, LATE)
    for _ in range(4):
        claim = worker.claim(QUEUES)
        assert claim
        worker.lease(claim).finish(Verdict.RETRY, LATE)
    told = [outbox.take(60), outbox.take(60), outbox.take(60)]
    assert [notice and (notice.kind, notice.attempt) for notice in told] == [
        (Kind.DEADLINE, 1),
        (Kind.FAILED, 5),
        None,
    ]


def test_a_stopped_job_is_not_told(run: Callable[[], Lease], outbox: Outbox, queue: RqJobQueue) -> None:
    """Who stops a job knows."""
    lease = run()
    queue.stop(lease._claim.job_id)
    lease.finish(Verdict.FAIL, LATE)
    assert outbox.take(60) is None


def test_who_takes_and_dies_loses_nothing(run: Callable[[], Lease], outbox: Outbox, redis: Redis) -> None:
    """A notice comes back after its time, with the number of its try, until it is done."""
    run().finish(Verdict.COMPLETE)
    first = outbox.take(0)
    second = outbox.take(0)
    assert first
    assert second
    assert (first.name, first.tries, second.name, second.tries) == (second.name, 1, first.name, 2)
    outbox.later(second, 3600)
    assert outbox.take(60) is None
    outbox.done(second)
    assert list(redis.scan_iter("stager:outbox*")) == []


def test_each_addressee_is_told_alone(run: Callable[[], Lease], outbox: Outbox) -> None:
    """Split again by another worker, a notice makes nothing twice; done for one is not done for the other."""
    run().finish(Verdict.COMPLETE)
    whole = outbox.take(60)
    assert whole
    outbox.split(whole, ["mail", "hook-1"])
    outbox.split(whole, ["mail", "hook-1"])
    taken = [outbox.take(60), outbox.take(60)]
    assert sorted(notice.to for notice in taken if notice) == ["hook-1", "mail"]
    assert outbox.take(60) is None


def test_foreign_entries_are_dropped(outbox: Outbox, redis: Redis) -> None:
    """Whatever somebody writes there, it stops nobody."""
    redis.zadd("stager:outbox", {"nonsense": 0, b"\xff\xfe": 0, "completed 1 " + "x" * 500: 0, "failed 2 id": 1})
    assert outbox.take(60) == Notice(Kind.FAILED, "id", 2)
    assert redis.zcard("stager:outbox") == 1
