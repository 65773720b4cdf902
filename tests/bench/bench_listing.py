"""What listing and looking cost with 100 jobs in Redis, and with 110,000 of 200 users.

python tests/bench/bench_listing.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from redis import Redis
from stager_jobs.job import NewJob, State, Task
from stager_jobs.rq_store import RqJobInspector, RqJobQueue
from stager_jobs.rq_store.janitor import Janitor
from stager_jobs.rq_store.record import new_record
from stager_jobs.rules import Rules
from stager_redis import connect
from stager_sandbox.redis_server import RedisServer

USERS, FINISHED, WAITING = 200, 100_000, 10_000
ROUNDS = 300
OWNER = "user000"


def new_job(user: int, number: int) -> NewJob:
    """A job as people submit it."""
    owner = f"user{user:03}"
    task = Task(f"scans of {number}", f"{owner}@ru.nl", f"/project/3010000.01/raw/{number}", f"i:/z/{number}", owner)
    return NewJob(task, owner)


def fill(redis: Redis, users: int, finished: int, waiting: int) -> None:
    """Put that many jobs into Redis; the finished ones as their records are left by workers."""
    now, rules = time.time(), Rules()
    for start in range(0, finished, 1000):
        with redis.pipeline(transaction=False) as pipeline:
            for number in range(start, min(start + 1000, finished)):
                new, job_id, made = new_job(number % users, number), f"f{number:031}", now - number
                fields = new_record(job_id, new, rules, redis)
                ended = {"status": "finished", "stager_created": made, "stager_ended": made + 9, "stager_attempts": 1}
                ended |= {"stager_attempt_1_started": made, "stager_attempt_1_ended": made + 9}
                pipeline.hset(f"rq:job:{job_id}", items=[*fields, *[part for pair in ended.items() for part in pair]])
                pipeline.expire(f"rq:job:{job_id}", 172_800)
                pipeline.zadd("rq:finished:default", {job_id: now + 172_800})
                pipeline.zadd(f"stager:jobs:{new.task.stager_user}", {job_id: made})
                pipeline.sadd("stager:owners", new.task.stager_user)
            pipeline.execute()
    queue = RqJobQueue(redis)
    for start in range(0, waiting, 500):
        queue.submit([new_job(number % users, number) for number in range(start, min(start + 500, waiting))])


def medians(few: Callable[[], object], many: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of two acts, taken in turns so that whatever else the machine does hits both alike."""
    spans: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for act, found in zip((few, many), spans, strict=True):
            began = time.perf_counter()
            act()
            found.append(time.perf_counter() - began)
    return statistics.median(spans[0]) * 1000, statistics.median(spans[1]) * 1000


def ways_to_look(redis: Redis) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    inspector = RqJobInspector(redis)
    job_id = inspector.list(OWNER, size=1).jobs[0].id
    return {
        "get one job": lambda: inspector.get(job_id),
        "first page of 20": lambda: inspector.list(OWNER, size=20, counted=False),
        "first page of 20, counted": lambda: inspector.list(OWNER, size=20),
        "first page of 20 completed": lambda: inspector.list(OWNER, size=20, states={State.COMPLETED}, counted=False),
        "figures for Prometheus": inspector.figures,
    }


def main() -> None:
    """Measure both, and say how they compare."""
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisServer(Path(folder) / "few") as small,
        RedisServer(Path(folder) / "many") as large,
    ):
        few, many = connect(small.url, timeout=60), connect(large.url, timeout=60)
        fill(few, 1, 50, 50)
        fill(many, USERS, FINISHED, WAITING)
        for name, act in ways_to_look(few).items():
            one, other = medians(act, ways_to_look(many)[name])
            print(f"{name:28} {one:6.2f} ms with 100 jobs, {other:6.2f} ms with 110,000: {other / one:.2f}x")
        began = time.perf_counter()
        Janitor(many).sweep()
        swept = time.perf_counter() - began
        memory = many.info("memory")["used_memory"] / 1e6
        print(f"Redis holds the many in {memory:.0f} MB; the janitor sweeps them in {swept:.1f} s")


if __name__ == "__main__":
    main()
