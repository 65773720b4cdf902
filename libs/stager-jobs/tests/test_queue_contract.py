"""What JobQueue promises, on a real Redis."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis
from rq import Queue
from stager_jobs.errors import (
    CredentialMissingError,
    JobNotFoundError,
    RequestIdTakenError,
    TooManyWaitingError,
    WrongStateError,
)
from stager_jobs.job import ErrorClass, Job, JobError, NewJob, State
from stager_jobs.rq_store import RqJobInspector, RqJobQueue
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claim, Claims, Order, Verdict
from stager_jobs.rules import Rules

pytestmark = pytest.mark.parametrize("redis_server", ["redis", "valkey"], indirect=True, scope="session")

New = Callable[..., NewJob]
MakeClaims = Callable[..., Claims]


def submit(queue: RqJobQueue, job: NewJob) -> Job:
    """Submit one that must be taken."""
    (outcome,) = queue.submit([job])
    assert isinstance(outcome, Job)
    return outcome


def take(claims: Claims) -> Claim:
    """Claim one that must be there."""
    claim = claims.claim(QUEUES)
    assert claim
    return claim


def test_submit_stores_a_pending_job(queue: RqJobQueue, inspector: RqJobInspector, new: New) -> None:
    """A submitted job can be read back as it was asked for, without its credential."""
    job = submit(queue, new(dr_pass="sealed:v1:k:x"))
    found = inspector.get(job.id)
    assert found == job
    assert (found.state, found.owner, found.task.title, found.max_attempts) == (State.PENDING, "jan", "scans", 5)
    assert found.task.dr_pass == ""


def test_repeat_of_a_request_returns_the_same_job(queue: RqJobQueue, new: New, redis: Redis) -> None:
    """The same request id and task make one job, however often and freshly sealed they come."""
    first = submit(queue, new(request_id="r1", dr_pass="sealed:one"))
    again = submit(queue, new(request_id="r1", dr_pass="sealed:two"))
    assert again.id == first.id
    assert redis.llen("rq:queue:default") == 1


def test_request_id_with_another_task_is_refused(queue: RqJobQueue, new: New) -> None:
    """Each outcome stands by itself: one of many may be refused."""
    outcomes = queue.submit([new(request_id="r1"), new(request_id="r1", title="other"), new(request_id="r2")])
    assert [type(outcome) for outcome in outcomes] == [Job, RequestIdTakenError, Job]


def test_too_many_waiting_jobs_are_refused(redis: Redis, new: New, claims: MakeClaims) -> None:
    """Beyond the limit a new job is refused, a repeat is not, other owners are not, nor when an admin made room."""
    queue = RqJobQueue(redis, Rules(waiting_per_owner=2))
    outcomes = queue.submit([new(request_id="1"), new(request_id="2"), new(request_id="3"), new("ann")])
    assert [type(outcome) for outcome in outcomes] == [Job, Job, TooManyWaitingError, Job]
    submit(queue, new(request_id="1"))
    for worker in (claims("w1"), claims("w2")):
        take(worker)
    submit(queue, new(request_id="3"))
    assert isinstance(queue.submit([new(request_id="4")])[0], TooManyWaitingError)
    Queue("default", connection=redis).empty()
    submit(queue, new(request_id="4"))


def test_request_ids_belong_to_their_principal(queue: RqJobQueue, new: New) -> None:
    """Two principals that choose the same request id get two jobs."""
    assert submit(queue, new(request_id="r")).id != submit(queue, new("ann", request_id="r")).id


@pytest.mark.parametrize("way", ["deleted", "expired"])
def test_an_id_is_never_used_again(queue: RqJobQueue, new: New, redis: Redis, way: str) -> None:
    """A request id whose job is gone makes a job of its own: what the other one left isn't taken for its own."""
    first = submit(queue, new(request_id="r"))
    if way == "deleted":
        queue.delete(first.id)
        assert not redis.keys("stager:request:*")
    else:
        queue.stop(first.id)
        assert 0 < redis.ttl(redis.keys("stager:request:*")[0]) <= redis.ttl(f"rq:job:{first.id}") + 1
        redis.delete(f"rq:job:{first.id}")
    second = submit(queue, new("jan", request_id="r", title="other"))
    assert second.id != first.id
    assert submit(queue, new("jan", request_id="r", title="other")).id == second.id


def test_a_restarted_job_is_still_found_by_its_request(queue: RqJobQueue, new: New, redis: Redis) -> None:
    """A repeat of the submit after a restart finds the job, for as long as one waits."""
    job = submit(queue, new(request_id="r"))
    queue.stop(job.id)
    queue.restart(job.id)
    assert submit(queue, new(request_id="r")).id == job.id
    assert redis.ttl(redis.keys("stager:request:*")[0]) > 29 * 86_400


@pytest.mark.parametrize("found", [b"nowhere", b"../x", b"\xff", None])
def test_a_request_that_leads_nowhere(queue: RqJobQueue, new: New, redis: Redis, found: bytes | None) -> None:
    """Whatever stands where a request id is remembered, the submit makes a job, and only one."""
    queue.delete(submit(queue, new(request_id="r")).id)
    submit(queue, new(request_id="r"))
    (key,) = redis.keys("stager:request:*")
    redis.delete(key)
    if found is None:
        redis.rpush(key, "x")
    else:
        redis.set(key, found)
    job = submit(queue, new(request_id="r"))
    assert submit(queue, new(request_id="r")).id == job.id


def test_a_claimed_job_is_active_and_held(
    queue: RqJobQueue, inspector: RqJobInspector, claims: MakeClaims, new: New
) -> None:
    """A claim takes the job out of the queue, begins an attempt and hands out the credential."""
    job = submit(queue, new(dr_pass="sealed:secret"))
    claim = take(claims())
    assert (claim.job_id, claim.credential) == (job.id, "sealed:secret")
    assert claims("w2").claim(QUEUES) is None
    found = inspector.get(job.id)
    assert (found.state, len(found.attempts), found.attempts[0].ended) == (State.ACTIVE, 1, None)


def test_completion_wipes_the_credential(
    queue: RqJobQueue, inspector: RqJobInspector, claims: MakeClaims, new: New, redis: Redis
) -> None:
    """After the end nothing of the sealed credential is left in Redis, and the record will expire."""
    job = submit(queue, new(dr_pass="sealed:secret"))
    worker = claims()
    assert worker.lease(take(worker)).finish(Verdict.COMPLETE) == "finished"
    found = inspector.get(job.id)
    assert (found.state, found.last_error) == (State.COMPLETED, None)
    assert found.ended is not None
    assert found.attempts[0].ended is not None
    assert b"sealed:secret" not in b"".join(redis.hgetall(f"rq:job:{job.id}").values())
    assert 0 < redis.ttl(f"rq:job:{job.id}") <= Rules().keep_completed


def test_finish_is_safe_to_repeat(queue: RqJobQueue, claims: MakeClaims, new: New) -> None:
    """The second answer is the first one's."""
    submit(queue, new())
    worker = claims()
    lease = worker.lease(take(worker))
    assert lease.finish(Verdict.COMPLETE) == lease.finish(Verdict.COMPLETE) == "finished"


FAULT = JobError(ErrorClass.TRANSIENT, "unreachable", "The zone doesn't answer.")


def test_retries_wait_longer_and_end(
    queue: RqJobQueue, inspector: RqJobInspector, claims: MakeClaims, new: New, redis: Redis
) -> None:
    """A job that fails again and again is tried after each delay in turn, then fails for good."""
    worker = claims(rules=Rules(retry_delays=(30, 60, 90, 120)))
    job = submit(queue, new())
    for delay in (30, 60, 90, 120):
        worker.lease(take(worker)).finish(Verdict.RETRY, FAULT)
        found = inspector.get(job.id)
        assert found.state is State.RETRY
        assert found.next_process is not None
        assert found.last_failed is not None
        assert (found.next_process - found.last_failed).total_seconds() == pytest.approx(delay, abs=1)
        assert found.max_attempts == 5
        redis.zadd("rq:scheduled:default", {job.id: 1})
    assert worker.lease(take(worker)).finish(Verdict.RETRY, FAULT) == "failed"
    found = inspector.get(job.id)
    assert (found.state, len(found.attempts), found.last_error) == (State.FAILED, 5, FAULT)


def test_fatal_failures_are_not_retried(
    queue: RqJobQueue, inspector: RqJobInspector, claims: MakeClaims, new: New
) -> None:
    """A fail verdict ends the job at the first attempt."""
    job = submit(queue, new())
    worker = claims()
    worker.lease(take(worker)).finish(Verdict.FAIL, FAULT)
    assert inspector.get(job.id).state is State.FAILED


def test_stop_of_a_waiting_job_is_at_once(queue: RqJobQueue, claims: MakeClaims, new: New, redis: Redis) -> None:
    """A stopped waiting job is taken by no worker, and a repeat changes nothing."""
    job = submit(queue, new(dr_pass="sealed:x"))
    assert queue.stop(job.id).state is State.STOPPED
    assert queue.stop(job.id).state is State.STOPPED
    assert claims().claim(QUEUES) is None
    assert not redis.hexists(f"rq:job:{job.id}", "stager_credential")


def test_stop_of_a_running_job_reaches_its_worker(queue: RqJobQueue, claims: MakeClaims, new: New) -> None:
    """The worker hears of it with its next sign of life, and ends the job as stopped."""
    job = submit(queue, new())
    worker = claims()
    lease = worker.lease(take(worker))
    assert queue.stop(job.id).state is State.ACTIVE
    lease.flush()
    assert lease.order is Order.STOP
    lease.finish(Verdict.RETRY, FAULT)
    assert queue.stop(job.id).state is State.STOPPED


def test_ended_jobs_cant_be_stopped(queue: RqJobQueue, claims: MakeClaims, new: New) -> None:
    """Completed is completed."""
    job = submit(queue, new())
    worker = claims()
    worker.lease(take(worker)).finish(Verdict.COMPLETE)
    with pytest.raises(WrongStateError, match="completed"):
        queue.stop(job.id)


def test_restart_keeps_id_and_history(
    queue: RqJobQueue, inspector: RqJobInspector, claims: MakeClaims, new: New, redis: Redis
) -> None:
    """A restart runs the same record again, with all its retries and no expiry."""
    job = submit(queue, new())
    worker = claims()
    worker.lease(take(worker)).finish(Verdict.FAIL, FAULT)
    again = queue.restart(job.id)
    assert (again.id, again.state, len(again.attempts), again.max_attempts) == (job.id, State.PENDING, 1, 6)
    assert redis.ttl(f"rq:job:{job.id}") == -1
    worker.lease(take(worker)).finish(Verdict.COMPLETE)
    found = inspector.get(job.id)
    assert [attempt.error for attempt in found.attempts] == [FAULT, None]


def test_restart_needs_a_fresh_credential(queue: RqJobQueue, claims: MakeClaims, new: New) -> None:
    """A job that had one of its own can't run without; the one given is what the worker gets."""
    job = submit(queue, new(dr_pass="sealed:old"))
    queue.stop(job.id)
    with pytest.raises(CredentialMissingError):
        queue.restart(job.id)
    queue.restart(job.id, "sealed:new")
    assert take(claims()).credential == "sealed:new"


def test_restarts_count_as_waiting(redis: Redis, new: New) -> None:
    """Nobody gets more jobs to wait by restarting than by submitting."""
    queue = RqJobQueue(redis, Rules(waiting_per_owner=1))
    stopped = submit(queue, new())
    queue.stop(stopped.id)
    waiting = submit(queue, new())
    with pytest.raises(TooManyWaitingError):
        queue.restart(stopped.id)
    queue.stop(waiting.id)
    assert queue.restart(stopped.id).state is State.PENDING


def test_only_one_of_two_restarts_wins(queue: RqJobQueue, new: New) -> None:
    """The second caller hears that the job waits."""
    job = submit(queue, new())
    queue.stop(job.id)
    queue.restart(job.id)
    with pytest.raises(WrongStateError, match="pending"):
        queue.restart(job.id)


def test_delete_removes_everything(queue: RqJobQueue, claims: MakeClaims, new: New, redis: Redis) -> None:
    """After a delete of an ended job no key names it."""
    job = submit(queue, new())
    worker = claims()
    worker.lease(take(worker)).finish(Verdict.FAIL, FAULT)
    queue.delete(job.id)
    with pytest.raises(JobNotFoundError):
        queue.delete(job.id)
    assert [key for key in redis.scan_iter() if job.id.encode() in key] == []
    assert redis.zcard("stager:jobs:jan") == 0
    assert redis.zcard("rq:failed:default") == 0


def test_delete_of_a_running_job_stops_it_first(queue: RqJobQueue, claims: MakeClaims, new: New) -> None:
    """Its record goes when its worker has ended it."""
    job = submit(queue, new())
    worker = claims()
    lease = worker.lease(take(worker))
    queue.delete(job.id)
    lease.flush()
    assert lease.order is Order.DELETE
    assert lease.finish(Verdict.HAND_BACK) == "deleted"
    with pytest.raises(JobNotFoundError):
        queue.delete(job.id)


@pytest.mark.parametrize("act", ["stop", "restart", "delete"])
def test_unknown_jobs(queue: RqJobQueue, act: str) -> None:
    """Each says that there is no such job."""
    with pytest.raises(JobNotFoundError):
        getattr(queue, act)("nothing")
