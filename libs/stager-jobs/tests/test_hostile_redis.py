"""Whoever can write to Redis writes nonsense into it: workers, listings and sweeps go on with all that is sound."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from redis import Redis
from stager_jobs.errors import JobStoreError, StoreUnavailableError
from stager_jobs.figures import QueueFigures
from stager_jobs.job import ErrorClass, FileFault, Job, JobError, NewJob, Progress, State
from stager_jobs.rq_store import RqJobInspector, RqJobQueue
from stager_jobs.rq_store.janitor import Janitor
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Mark, Verdict
from stager_jobs.rq_store.outbox import Outbox
from stager_jobs.rules import Rules

FAULT = JobError(ErrorClass.PARTIAL, "partial", "One of two files failed.")
RULES = Rules(retry_delays=(0, 3600), active_per_owner=100)


class Stage:
    """Jobs in every state, and all that is done with them."""

    def __init__(self, redis: Redis, new: Callable[..., NewJob]) -> None:
        self.redis, self.new = redis, new
        self.queue, self.inspector = RqJobQueue(redis, RULES), RqJobInspector(redis, RULES)

    def claims(self, worker: str) -> Claims:
        """A worker's side; its process is of a machine that nobody knows."""
        return Claims(self.redis, RULES, worker, Mark("elsewhere", 1, "1"))

    def set(self, count: int = 1) -> None:
        """So many jobs that completed, failed, wait for a retry, run, wait, and were stopped."""
        for verdict in (Verdict.COMPLETE, Verdict.FAIL, Verdict.RETRY, None):
            for number in range(count):
                self.queue.submit([self.new("jan", f"{verdict} {number}", dr_pass="sealed:x")])
                worker = self.claims(f"first-{number}")
                claim = worker.claim(QUEUES)
                assert claim
                lease = worker.lease(claim)
                lease.fault(FileFault("a", "EACCES", "It may not be read."))
                lease.update(Progress(files_total=2, files_failed=1, current=("a",)))
                if verdict is Verdict.RETRY:
                    lease.finish(verdict, FAULT)
                    claim = worker.claim(QUEUES)
                    assert claim
                    lease = worker.lease(claim)
                if verdict:
                    lease.finish(verdict, None if verdict is Verdict.COMPLETE else FAULT)
        self.queue.submit([self.new("jan", f"waits {number}") for number in range(count)])
        stopped = self.queue.submit([self.new("jan", f"stopped {number}") for number in range(count)])
        for job in stopped:
            assert isinstance(job, Job)
            self.queue.stop(job.id)

    def play(self) -> None:
        """A sound job of somebody else's goes all its way; and whatever else is done may fail, but in plain words."""
        (sound,) = self.queue.submit([self.new("bob", "sound")])
        assert isinstance(sound, Job)
        worker = self.claims("second")
        for number in range(1000):
            worker.take_from_dead(lambda _mark: False)
            claim = worker.claim(QUEUES)
            if claim is None:
                break
            lease = worker.lease(claim)
            lease.update(Progress(files_total=number))
            lease.finish(Verdict.COMPLETE)
        else:
            pytest.fail("jobs come without end")
        self.look(sound.id)
        self.meddle(sound.id)
        Janitor(self.redis).sweep()
        self.look(sound.id)

    def look(self, sound: str) -> None:
        """All that is shown."""
        page = self.inspector.list("bob")
        assert [(job.id, job.state) for job in page.jobs] == [(sound, State.COMPLETED)]
        assert dict(page.counts) == {State.COMPLETED: 1}
        seen = [job.id for job in self.inspector.list("jan", size=1000).jobs]
        seen += [job.id for job in self.inspector.list("jan", states={State.FAILED}, search="a", counted=False).jobs]
        for job_id in seen:
            self.inspector.report(job_id)
        assert isinstance(self.inspector.figures(), QueueFigures)
        outbox = Outbox(self.redis)
        for _ in range(200):
            notice = outbox.take(0)
            if notice is None:
                break
            outbox.split(notice, []) if notice.tries > 1 else outbox.later(notice, 0)

    def meddle(self, sound: str) -> None:
        """Stop, restart and delete whatever is there."""
        ids = [str(key, "utf-8", "replace").removeprefix("rq:job:") for key in self.redis.keys("rq:job:*")]
        for job_id in ids:
            if job_id == sound:
                continue
            for act in (self.queue.stop, self.queue.restart, self.queue.delete):
                try:
                    act(job_id)
                except StoreUnavailableError:
                    raise
                except JobStoreError:
                    pass


@pytest.fixture
def stage(redis: Redis, new: Callable[..., NewJob]) -> Stage:
    """With jobs in every state."""
    return Stage(redis, new)


def key_of_kind(redis: Redis, key: bytes, kind: str) -> None:
    """Put something of this kind in a key's place."""
    redis.delete(key)
    match kind:
        case "string":
            redis.set(key, "nonsense")
        case "list":
            redis.rpush(key, "nonsense")
        case "hash":
            redis.hset(key, "nonsense", "nonsense")
        case "zset":
            redis.zadd(key, {"nonsense": "inf", "a:b:c": 0})
        case _:
            redis.sadd(key, "nonsense")


@pytest.mark.parametrize("kind", ["string", "list", "hash", "zset", "set"])
def test_keys_of_another_kind(stage: Stage, redis: Redis, kind: str) -> None:
    """One key after the other is replaced by something of another kind; no script, listing or sweep stops at it."""
    stage.set()
    kept = {key: redis.dump(key) for key in redis.scan_iter()}
    for key in kept:
        redis.flushall()
        for other, dump in kept.items():
            redis.restore(other, 0, dump)
        key_of_kind(redis, key, kind)
        try:
            stage.play()
        except Exception as error:
            raise AssertionError(f"{key!r} as a {kind}") from error


@pytest.mark.parametrize(
    "value",
    [
        b"", b"\xff\xfe", b"inf", b"nan", b"-1", b"1e400", b"1.5", b"9" * 5000, b"[]", b"[" * 60_000, b"null",
        b'{"class": "fatal", "code": 7, "message": "\\ud800"}', b"../../../tmp/x", b"x" * 1_000_000, b"a\nb:c d",
        b'{"files": [1e999, 1, 1, 1], "bytes": [1, 1, 1], "final": 1, "rate": 1, "left": 1}',
        b'{"files": [1, 1, 1, 1], "bytes": [1, 1, 1], "final": 1, "rate": NaN, "left": Infinity}',
    ],
    ids=lambda value: repr(value[:20]),
)  # fmt: skip
def test_fields_of_any_content(stage: Stage, redis: Redis, value: bytes) -> None:
    """In each record another field holds the same nonsense."""
    stage.set(count=3)
    keys = sorted(redis.keys("rq:job:*")) + sorted(redis.keys("rq:execution:*"))
    fields = sorted({field for key in keys for field in redis.hkeys(key)})
    for start in range(0, len(fields), len(keys)):
        for key, field in zip(keys, fields[start:], strict=False):
            redis.hset(key, field, value)
    redis.set("stager:clock", value)
    for queue in QUEUES:
        redis.set(f"stager:turn:{queue}", value)
    stage.play()


@pytest.mark.parametrize("name", ["../../../tmp/x", "a b", "", "\xff\xfe", "x" * 1000, "a:b"])
def test_ids_that_are_none(stage: Stage, redis: Redis, name: str) -> None:
    """A record whose id could be a path, or no text, runs nowhere, from whatever list it comes."""
    stage.set()
    sound = next(iter(redis.keys("rq:job:*")))
    redis.copy(sound, f"rq:job:{name}".encode("latin-1"))
    member = name.encode("latin-1")
    redis.hset(b"rq:job:" + member, "status", "queued")
    for queue in QUEUES:
        redis.rpush(f"rq:queue:{queue}", member)
        redis.zadd(f"rq:scheduled:{queue}", {member: 0})
        redis.zadd(f"stager:leases:{queue}", {member + b":x": 0, member: 0})
    redis.zadd("stager:jobs:jan", {member: "inf"})
    redis.zadd("stager:outbox", {b"completed 1 " + member: 0})
    Janitor(redis).sweep()
    worker = stage.claims("third")
    while claim := worker.claim(QUEUES):
        assert claim.job_id.isalnum()
        worker.lease(claim).finish(Verdict.COMPLETE)
    stage.play()


@pytest.mark.parametrize("shift", [-1e9, -300, 300, 1e9])
def test_a_clock_that_was_set_takes_no_job_away(
    stage: Stage, redis: Redis, new: Callable[..., NewJob], shift: float
) -> None:
    """After a jump of Redis' clock no lease counts as over; each holds for a whole one from then on."""
    stage.queue.submit([new()])
    claim = stage.claims("w1").claim(QUEUES)
    assert claim
    entry = f"{claim.job_id}:{claim.execution}"
    before = float(redis.get("stager:clock") or 0)
    redis.set("stager:clock", before - shift)
    redis.zincrby("stager:leases:default", -shift, entry)
    assert stage.claims("w2").claim(QUEUES) is None
    score = redis.zscore("stager:leases:default", entry)
    assert score
    assert score == pytest.approx(before + RULES.lease, abs=30)
    with suppress(JobStoreError):
        stage.queue.stop(claim.job_id)
    assert stage.inspector.get(claim.job_id).state is State.ACTIVE
