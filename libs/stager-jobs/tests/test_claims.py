"""Whose turn it is, and what becomes of jobs whose workers or whose Redis go away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job as RqJob
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from stager_jobs.errors import JobNotFoundError
from stager_jobs.job import OWNER_AT_LIMIT, ErrorClass, Job, JobError, NewJob, Progress, State
from stager_jobs.rq_store import RqJobInspector, RqJobQueue
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Lease, Mark, Order, Verdict
from stager_jobs.rq_store.worker import TransferWorker
from stager_jobs.rules import FENCE_MARGIN, Rules

pytestmark = pytest.mark.parametrize("redis_server", ["redis", "valkey"], indirect=True, scope="session")

New = Callable[..., NewJob]
MakeClaims = Callable[..., Claims]
Begin = Callable[[], Lease]


def submit(queue: RqJobQueue, *jobs: NewJob) -> list[str]:
    """Submit jobs that must be taken; their ids."""
    outcomes = queue.submit(jobs)
    return [outcome.id for outcome in outcomes if isinstance(outcome, Job)]


def order(claims: MakeClaims, inspector: RqJobInspector, rules: Rules | None = None) -> list[str]:
    """Run all that waits with one worker, and say whose jobs came one after the other."""
    worker, owners = claims(rules=rules), []
    while claim := worker.claim(QUEUES):
        owners.append(inspector.get(claim.job_id).owner)
        worker.lease(claim).finish(Verdict.COMPLETE)
    return owners


def test_one_owners_jobs_run_in_order(queue: RqJobQueue, claims: MakeClaims, new: New) -> None:
    """First come, first served within an owner."""
    ids = submit(queue, *[new(title=str(number)) for number in range(5)])
    worker, seen = claims(), []
    while claim := worker.claim(QUEUES):
        seen.append(claim.job_id)
        worker.lease(claim).finish(Verdict.COMPLETE)
    assert seen == ids


def test_owners_take_turns(queue: RqJobQueue, claims: MakeClaims, new: New, inspector: RqJobInspector) -> None:
    """A single job of another owner comes after one running job, however many wait before it."""
    submit(queue, *[new(title=str(number)) for number in range(200)])
    worker = claims()
    first = worker.claim(QUEUES)
    assert first
    submit(queue, new("ann"))
    worker.lease(first).finish(Verdict.COMPLETE)
    assert order(claims, inspector)[0] == "ann"


def test_who_comes_again_and_again_starves_nobody(
    queue: RqJobQueue, claims: MakeClaims, new: New, inspector: RqJobInspector
) -> None:
    """An owner that submits one job after the other shares with one that submitted many at once."""
    submit(queue, *[new(title=str(number)) for number in range(20)])
    worker, owners = claims(), Counter[str]()
    submit(queue, new("ann"))
    for _ in range(12):
        claim = worker.claim(QUEUES)
        assert claim
        owner = inspector.get(claim.job_id).owner
        owners[owner] += 1
        worker.lease(claim).finish(Verdict.COMPLETE)
        if owner == "ann":
            submit(queue, new("ann"))
    assert owners == {"jan": 6, "ann": 6}


def test_fair_share(queue: RqJobQueue, claims: MakeClaims, new: New, inspector: RqJobInspector) -> None:
    """With three of an owner's jobs running the fourth waits, says why, and runs when one has ended."""
    ids = submit(queue, *[new(title=str(number)) for number in range(4)])
    workers = [claims(f"w{number}") for number in range(4)]
    held = [worker.claim(QUEUES) for worker in workers]
    assert [claim and claim.job_id for claim in held] == [*ids[:3], None]
    waits = inspector.get(ids[3])
    assert "3 jobs of jan are running" in waits.waiting_reason
    assert waits.waiting_code == OWNER_AT_LIMIT
    assert held[0]
    workers[0].lease(held[0]).finish(Verdict.COMPLETE)
    waits = inspector.get(ids[3])
    assert (waits.waiting_reason, waits.waiting_code) == ("", "")
    again = workers[3].claim(QUEUES)
    assert again
    assert again.job_id == ids[3]


def test_queues_are_asked_by_weight(redis: Redis) -> None:
    """Each queue comes first as often as its weight says, and none is left out."""
    worker = TransferWorker(redis, Rules(), Mark(), is_dead=lambda _mark: False)
    orders = [worker.queue_order() for _ in range(5000)]
    assert all(sorted(found) == sorted(QUEUES) for found in orders)
    firsts = Counter(found[0] for found in orders)
    assert firsts["critical"] / 5000 == pytest.approx(0.6, abs=0.05)
    assert firsts["low"] / 5000 == pytest.approx(0.1, abs=0.03)


def test_full_queues_are_served_by_weight(queue: RqJobQueue, new: New, redis: Redis) -> None:
    """While all three have jobs, workers take six critical and three default ones for each low one."""
    for priority in QUEUES:
        submit(queue, *[new(title=str(number), priority=priority) for number in range(500)])
    worker = TransferWorker(redis, Rules(active_per_owner=1000), Mark(), is_dead=lambda _mark: False)
    worker._random.seed(1)
    taken = Counter[str]()
    for _ in range(600):
        claim = worker._next()
        assert claim
        taken[claim.queue] += 1
    assert taken["critical"] == pytest.approx(360, abs=45)
    assert taken["default"] == pytest.approx(180, abs=40)
    assert taken["low"] == pytest.approx(60, abs=25)


def test_a_lost_answer_loses_no_job(queue: RqJobQueue, claims: MakeClaims, new: New) -> None:
    """A worker that asks again in the same words gets the same job, not another one."""
    submit(queue, new(), new())
    worker = claims()
    execution = worker._execution
    first = worker.claim(QUEUES)
    worker._execution = execution
    second = worker.claim(QUEUES)
    assert first
    assert first == second


def test_overdue_leases_pass_on(
    queue: RqJobQueue, claims: MakeClaims, new: New, inspector: RqJobInspector, redis: Redis
) -> None:
    """A silent worker's job is taken by another one; the first may not write about it any more."""
    (job_id,) = submit(queue, new())
    first = claims()
    claim = first.claim(QUEUES)
    assert claim
    lease = first.lease(claim)
    redis.zadd("stager:leases:default", {f"{job_id}:{claim.execution}": 1})
    second = claims("w2").claim(QUEUES)
    assert second
    assert second.job_id == job_id
    lease.update(Progress(files_total=99))
    lease.flush()
    assert lease.order is Order.LOST
    assert lease.finish(Verdict.COMPLETE) == "lost"
    found = inspector.get(job_id)
    assert (found.state, found.progress, len(found.attempts)) == (State.ACTIVE, Progress(), 2)
    assert found.attempts[0].error
    assert found.attempts[0].error.code == "worker_lost"


def test_a_job_that_kills_its_workers_ends(
    queue: RqJobQueue, claims: MakeClaims, new: New, inspector: RqJobInspector, redis: Redis
) -> None:
    """Attempts lost with their workers are no fault of the job's, but not for ever."""
    (job_id,) = submit(queue, new())
    rules = Rules(lost_limit=3)
    for _ in range(4):
        claim = claims(rules=rules).claim(QUEUES)
        assert claim
        redis.zadd("stager:leases:default", {f"{job_id}:{claim.execution}": 1})
    assert claims(rules=rules).claim(QUEUES) is None
    found = inspector.get(job_id)
    assert (found.state, len(found.attempts)) == (State.FAILED, 4)


def test_a_stop_reaches_a_dead_workers_job(queue: RqJobQueue, claims: MakeClaims, new: New, redis: Redis) -> None:
    """Where nobody holds the job any more, it stops at once."""
    (job_id,) = submit(queue, new())
    claim = claims().claim(QUEUES)
    assert claim
    redis.zadd("stager:leases:default", {f"{job_id}:{claim.execution}": 1})
    assert queue.stop(job_id).state is State.STOPPED


def test_dead_processes_need_not_be_waited_for(queue: RqJobQueue, claims: MakeClaims, new: New) -> None:
    """Who sees that a worker's process is gone may take its job at once."""
    (job_id,) = submit(queue, new())
    dead = Mark("host", 1234, "99")
    assert claims(mark=dead).claim(QUEUES)
    other = claims("w2")
    assert other.take_from_dead(lambda mark: mark != dead) == 0
    assert other.take_from_dead(lambda mark: mark == dead) == 1
    again = other.claim(QUEUES)
    assert again
    assert again.job_id == job_id


def test_handed_back_jobs_come_first(queue: RqJobQueue, claims: MakeClaims, new: New) -> None:
    """A job whose worker ends doesn't go to the back of the line."""
    ids = submit(queue, new(title="a"), new(title="b"))
    worker = claims()
    claim = worker.claim(QUEUES)
    assert claim
    assert claim.job_id == ids[0]
    worker.lease(claim).finish(Verdict.HAND_BACK)
    again = worker.claim(QUEUES)
    assert again
    assert again.job_id == ids[0]


class FakeClock:
    """Seconds as the test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_progress_costs_two_writes_a_second(queue: RqJobQueue, claims: MakeClaims, new: New, redis: Redis) -> None:
    """However often a worker updates, Redis sees at most two scripts a second."""
    submit(queue, new())
    worker, clock = claims(), FakeClock()
    claim = worker.claim(QUEUES)
    assert claim
    lease = Lease(worker._scripts, Rules(), "w1", claim, clock)
    before = redis.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
    for step in range(1000):
        clock.now = step / 100
        lease.update(Progress(files_total=1000, files_transferred=step))
    calls = redis.info("commandstats")["cmdstat_evalsha"]["calls"] - before
    assert 15 <= calls <= 21


def test_a_worker_without_redis_is_fenced(queue: RqJobQueue, claims: MakeClaims, new: New) -> None:
    """Long before its lease ends elsewhere, a worker that hears nothing knows that it must end its transfer."""
    submit(queue, new())
    worker, clock = claims(), FakeClock()
    claim = worker.claim(QUEUES)
    assert claim
    rules = Rules()
    lease = Lease(worker._scripts, rules, "w1", claim, clock)
    clock.now = rules.fence + 1
    assert lease.fenced
    lease.flush()
    assert not lease.fenced
    assert rules.fence + FENCE_MARGIN <= rules.lease


FAULT = JobError(ErrorClass.TRANSIENT, "unreachable", "The zone doesn't answer.")


def rq_job(job_id: str, redis: Redis) -> RqJob:
    """The job as an admin's tools fetch it."""
    return RqJob.fetch(job_id, connection=redis, serializer=JSONSerializer)


def test_an_admins_requeue_is_seen_and_runs(
    queue: RqJobQueue, claims: MakeClaims, new: New, inspector: RqJobInspector, redis: Redis
) -> None:
    """RQ's own requeue of a failed job makes it pending, and a worker takes it, for good."""
    (job_id,) = submit(queue, new())
    worker = claims()
    claim = worker.claim(QUEUES)
    assert claim
    worker.lease(claim).finish(Verdict.FAIL, FAULT)
    rq_job(job_id, redis).requeue()
    assert inspector.get(job_id).state is State.PENDING
    again = worker.claim(QUEUES)
    assert again
    assert redis.ttl(f"rq:job:{job_id}") == -1
    worker.lease(again).finish(Verdict.COMPLETE)
    assert inspector.get(job_id).state is State.COMPLETED
    assert redis.zcard("rq:failed:default") == 0


def test_an_admins_cancel_and_delete_and_empty(
    queue: RqJobQueue, claims: MakeClaims, new: New, inspector: RqJobInspector, redis: Redis
) -> None:
    """Cancelled shows as stopped, removed as not found, and no worker takes either."""
    first, second, third = submit(queue, new(title="a"), new(title="b"), new(title="c"))
    rq_job(first, redis).cancel()
    assert inspector.get(first).state is State.STOPPED
    rq_job(second, redis).delete()
    Queue("default", connection=redis).empty()
    for gone in (second, third):
        with pytest.raises(JobNotFoundError):
            inspector.get(gone)
    assert claims().claim(QUEUES) is None
    page = inspector.list("jan")
    assert [job.id for job in page.jobs] == [first]
    assert dict(page.counts) == {State.STOPPED: 1}


def test_an_admins_delete_of_a_running_job_ends_it(queue: RqJobQueue, begin: Begin, new: New, redis: Redis) -> None:
    """Its worker hears that it is no longer its own."""
    (job_id,) = submit(queue, new())
    lease = begin()
    rq_job(job_id, redis).delete()
    lease.flush()
    assert lease.order is Order.LOST
    assert lease.finish(Verdict.HAND_BACK) == "lost"
    assert redis.keys("*wip*") + redis.keys("stager:leases:*") == []


def test_an_admins_cancel_of_a_running_job_is_a_stop(
    queue: RqJobQueue, begin: Begin, new: New, inspector: RqJobInspector, redis: Redis
) -> None:
    """Its worker hears of it; until it has ended the transfer the job is shown as active, then as stopped."""
    (job_id,) = submit(queue, new(dr_pass="sealed:x"))
    lease = begin()
    rq_job(job_id, redis).cancel()
    lease.flush()
    assert lease.order is Order.STOP
    assert inspector.get(job_id).state is State.ACTIVE
    assert lease.finish(Verdict.HAND_BACK) == "canceled"
    assert inspector.get(job_id).state is State.STOPPED
    assert not redis.hexists(f"rq:job:{job_id}", "stager_credential")


def test_a_job_removed_behind_a_workers_back_is_let_go(
    queue: RqJobQueue, begin: Begin, claims: MakeClaims, new: New, redis: Redis
) -> None:
    """The same request makes another job, and the worker of the one that is gone hears that it has lost it."""
    (job_id,) = submit(queue, new(request_id="r1"))
    lease = begin()
    rq_job(job_id, redis).delete()
    (again,) = submit(queue, new(request_id="r1"))
    assert again != job_id
    lease.flush()
    assert lease.order is Order.LOST
    assert lease.finish(Verdict.COMPLETE) == "lost"
    taken = claims("w2").claim(QUEUES)
    assert taken
    assert taken.job_id == again


@pytest.mark.parametrize("act", ["cancel and restart", "clean up by a fast clock"])
def test_whoever_runs_a_job_is_waited_for(
    queue: RqJobQueue, begin: Begin, claims: MakeClaims, new: New, inspector: RqJobInspector, redis: Redis, act: str
) -> None:
    """Put back behind a worker's back, a job runs again only once that worker has ended it."""
    (job_id,) = submit(queue, new(request_id="r1"))
    lease = begin()
    match act:
        case "cancel and restart":
            rq_job(job_id, redis).cancel()
            queue.restart(job_id)
        case _:
            StartedJobRegistry("default", connection=redis, serializer=JSONSerializer).cleanup(4e9)
    assert inspector.get(job_id).state is State.PENDING
    second = claims("w2")
    other = submit(queue, new(title="other"))
    taken = second.claim(QUEUES)
    assert taken
    assert [taken.job_id] == other
    assert second.claim(QUEUES) is None
    lease.flush()
    assert lease.order is Order.LOST
    assert second.claim(QUEUES) is None
    assert lease.finish(Verdict.COMPLETE) == "lost"
    again = second.claim(QUEUES)
    assert again
    assert again.job_id == job_id
    second.lease(again).finish(Verdict.COMPLETE)
    found = inspector.get(job_id)
    assert found.state is State.COMPLETED
    assert all(attempt.ended for attempt in found.attempts)


def test_suspended_workers_take_nothing(queue: RqJobQueue, claims: MakeClaims, new: New, redis: Redis) -> None:
    """`rq suspend` holds all workers, `rq resume` lets them go."""
    submit(queue, new())
    redis.set("rq:suspended", 1)
    assert claims().claim(QUEUES) is None
    redis.delete("rq:suspended")
    assert claims().claim(QUEUES)


def test_a_damaged_record_holds_up_nobody(queue: RqJobQueue, claims: MakeClaims, new: New, redis: Redis) -> None:
    """Counters that are none, and entries that name nothing, are no reason to stop the queue."""
    bad, good = submit(queue, new("ann", title="bad"), new(title="good"))
    redis.hset(f"rq:job:{bad}", mapping={"stager_attempts": "many", "stager_retries_left": "inf"})
    redis.zadd("stager:leases:default", {"no-colon": 1, "a:b:c": 1})
    redis.zadd("rq:scheduled:default", {"nothing": 1})
    redis.rpush("rq:queue:default", "no-such-job")
    worker = claims()
    taken = []
    while claim := worker.claim(QUEUES):
        taken.append(claim.job_id)
        worker.lease(claim).finish(Verdict.RETRY, FAULT)
    assert sorted(taken) == sorted([bad, good])
