"""What is wiped goes from Redis's disk as well: Fault 4 of the first stagers kept sealed passwords for months."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer
from stager_jobs.job import Job, NewJob
from stager_jobs.rq_store import RqJobQueue
from stager_jobs.rq_store.append_only_file import AppendOnlyFile
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Verdict
from stager_sandbox.redis_server import RedisServer

SEALED = "sealed:v1:k:M4rkedOnTheDisk"
End = Callable[[Job], None]


@pytest.fixture
def ways_to_end(queue: RqJobQueue, claims: Callable[..., Claims]) -> dict[str, End]:
    """How a job's credential goes."""

    def run(verdict: Verdict) -> None:
        worker = claims()
        claim = worker.claim(QUEUES)
        assert claim
        assert claim.credential == SEALED
        worker.lease(claim).finish(verdict)

    return {
        "completed": lambda _: run(Verdict.COMPLETE),
        "failed": lambda _: run(Verdict.FAIL),
        "stopped": lambda job: queue.stop(job.id),
        "deleted": lambda job: queue.delete(job.id),
    }


def stands_on_disk(server: RedisServer) -> bool:
    """Whether any of Redis's files holds the sealed password."""
    files = [path for path in Path(server.directory).rglob("*") if path.is_file()]
    assert any("aof" in path.name for path in files)
    return any(SEALED.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize("end", ["completed", "failed", "stopped", "deleted"])
def test_a_wiped_credential_goes_from_the_disk(
    redis_server: RedisServer,
    redis: Redis,
    queue: RqJobQueue,
    new: Callable[..., NewJob],
    ways_to_end: dict[str, End],
    end: str,
) -> None:
    """However the job ends; the password of one that waits stays, and nothing is written anew without need."""
    file = AppendOnlyFile(redis)
    (job,) = queue.submit([new(dr_pass=SEALED)])
    assert isinstance(job, Job)
    assert not file.forget(0)
    deadline = time.monotonic() + 30
    while not stands_on_disk(redis_server):  # Redis puts a write off while the disk is busy with the one before
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ways_to_end[end](job)
    assert file.forget(3600)
    deadline = time.monotonic() + 30
    while stands_on_disk(redis_server):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    redis.set("stager:wiped", "1")
    assert not file.forget(3600)


def test_a_credential_that_somebody_else_removed_goes_as_well(
    redis_server: RedisServer, redis: Redis, queue: RqJobQueue, new: Callable[..., NewJob]
) -> None:
    """An admin deletes a waiting job with RQ's own means: whoever sweeps up after that says so."""
    (job,) = queue.submit([new(dr_pass=SEALED)])
    assert isinstance(job, Job)
    RqJob.fetch(job.id, connection=redis, serializer=JSONSerializer).delete()
    file = AppendOnlyFile(redis)
    file.note_wiped()
    assert file.forget(0)
    deadline = time.monotonic() + 30
    while stands_on_disk(redis_server):
        assert time.monotonic() < deadline
        time.sleep(0.05)
