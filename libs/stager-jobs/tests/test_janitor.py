"""Nothing is left of jobs that are gone, and nothing is taken from those that are there."""

from __future__ import annotations

from collections.abc import Callable

from redis import Redis
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer
from stager_jobs.job import FileFault, Job, NewJob, Progress, State
from stager_jobs.rq_store import RqJobInspector, RqJobQueue
from stager_jobs.rq_store.durability import durability_faults
from stager_jobs.rq_store.janitor import Janitor
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Verdict
from stager_jobs.rules import Rules


def test_sweep(
    queue: RqJobQueue,
    inspector: RqJobInspector,
    new: Callable[..., NewJob],
    claims: Callable[..., Claims],
    redis: Redis,
) -> None:
    """After an expiry and an admin's delete no key names the job, its owner is forgotten, others are untouched."""
    (expired, removed, kept) = queue.submit([new(), new(), new("ann")])
    assert isinstance(expired, Job)
    assert isinstance(removed, Job)
    assert isinstance(kept, Job)
    for number in range(3):
        worker = claims(f"w{number}")
        claim = worker.claim(QUEUES)
        assert claim
        lease = worker.lease(claim)
        lease.fault(FileFault("a", "EACCES", "no"))
        lease.update(Progress(files_total=1))
        if claim.job_id != removed.id:
            lease.finish(Verdict.FAIL)
    RqJob.fetch(removed.id, connection=redis, serializer=JSONSerializer).delete()
    redis.delete(f"rq:job:{expired.id}")
    redis.sadd("rq:workers", "rq:worker:long-gone")
    redis.delete("stager:outbox")
    janitor = Janitor(redis)
    assert janitor.sweep() > 0
    names = b" ".join(redis.keys())
    assert expired.id.encode() not in names
    assert redis.smembers("stager:owners") == {b"ann"}
    assert redis.zrange("rq:failed:default", 0, -1) == [kept.id.encode()]
    assert not redis.sismember("rq:workers", "rq:worker:long-gone")
    assert inspector.get(kept.id).state is State.FAILED
    assert len(inspector.report(kept.id).faults) == 1
    assert janitor.sweep() == 0


def test_strays_are_put_back(
    queue: RqJobQueue,
    inspector: RqJobInspector,
    new: Callable[..., NewJob],
    claims: Callable[..., Claims],
    redis: Redis,
) -> None:
    """Jobs that are in no list, at no worker or in no index any more run all the same, and are shown."""
    jobs = queue.submit([new(title=str(number)) for number in range(4)])
    ids = {job.id for job in jobs if isinstance(job, Job)}
    worker = claims(rules=Rules(retry_delays=(3600,)))
    for verdict in (None, Verdict.RETRY, Verdict.COMPLETE):
        claim = worker.claim(QUEUES)
        assert claim
        if verdict:
            worker.lease(claim).finish(verdict)
    janitor = Janitor(redis)
    assert janitor.sweep() == 0
    redis.delete("rq:queue:default", "rq:scheduled:default", "rq:wip:default", "stager:leases:default")
    redis.delete("stager:jobs:jan", "stager:owners")
    assert janitor.sweep() == 4
    assert {job.id for job in inspector.list("jan").jobs} == ids
    while claim := worker.claim(QUEUES):
        worker.lease(claim).finish(Verdict.COMPLETE)
    assert dict(inspector.list("jan").counts) == {State.COMPLETED: 4}
    assert janitor.sweep() == 0


def test_a_redis_that_forgets_is_told_of(redis: Redis) -> None:
    """One that evicts or keeps nothing on disk; a good one is not."""
    assert list(durability_faults(redis)) == []
    redis.config_set("maxmemory-policy", "allkeys-lru")
    redis.config_set("appendonly", "no")
    try:
        assert ["noeviction" in fault for fault in durability_faults(redis)] == [True, False]
    finally:
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("appendonly", "yes")


def test_one_sweeps_at_a_time(redis: Redis) -> None:
    """Of many workers one has its turn."""
    assert [Janitor(redis).claim_turn(60) for _ in range(3)] == [True, False, False]
