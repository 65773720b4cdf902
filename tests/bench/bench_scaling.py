"""What a job costs Redis, and what workers, transfers and watchers hold: the figures of docs/scaling.md.

python tests/bench/bench_scaling.py

Costs of Redis are in CPU time of its one thread, which other programs on the machine disturb little.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
from chaos_world import BIN, CALLER, PASSWORD, ZONE, Machine, World
from redis import Redis
from stager_client import AsyncStagerClient, ClientSettings
from stager_jobs.job import NewJob, Progress, Task
from stager_jobs.rq_store import RqJobQueue
from stager_jobs.rq_store.lease import Claims, Mark, Verdict
from stager_jobs.rules import Rules
from stager_redis import connect
from stager_sandbox.redis_server import RedisServer

QUEUES = ("critical", "default", "low")
SEALED = f"sealed:v1:2026-11-27:{'x' * 620}"
RULES = Rules(active_per_owner=1_000_000)
ME = psutil.Process().username()


def new_job(number: int, owners: int) -> NewJob:
    """A job as people submit it."""
    owner = f"user{number % owners:04}"
    path = f"/project/3010000.01/raw/sub-{number:06}/ses-mri01"
    target = f"i:/nl.ru.donders/di/dccn/DAC_3010000.01_173/raw/sub-{number:06}/ses-mri01"
    task = Task(f"sub-{number:06} of 3010000.01", f"{owner}@ru.nl", path, target, owner, SEALED, f"{owner}@example.org")
    return NewJob(task, owner)


def fill(redis: Redis, count: int, owners: int) -> None:
    """Submit that many."""
    queue = RqJobQueue(redis, RULES)
    for start in range(0, count, 500):
        queue.submit([new_job(number, owners) for number in range(start, min(start + 500, count))])


def cpu(redis: Redis) -> float:
    """Seconds that Redis has computed so far."""
    told = redis.info("cpu")
    return float(told["used_cpu_user"] + told["used_cpu_sys"])


def held(redis: Redis) -> float:
    """Bytes that Redis holds."""
    return float(redis.info("memory")["used_memory"])


def cost_of_a_job(redis: Redis) -> None:
    """CPU and memory over a job's life: submitted, claimed, followed, completed."""
    count, beats = 2000, 5
    began, empty = cpu(redis), held(redis)
    fill(redis, count, 200)
    submitted, waiting = cpu(redis), held(redis)
    claims = Claims(redis, RULES, "bench", Mark())
    news = finishing = 0.0
    for number in range(count):
        claim = claims.claim(QUEUES)
        assert claim
        lease = claims.lease(claim)
        if number % 10 == 0:
            before = cpu(redis)
            for beat in range(beats):
                lease.update(Progress(files_total=1000, files_transferred=beat, bytes_transferred=beat * 10**9))
                lease.flush()
            news += cpu(redis) - before
        lease.finish(Verdict.COMPLETE)
    finishing, ended = cpu(redis), held(redis)
    told = news / (count / 10 * beats)
    life = (finishing - began - news) / count
    print(f"a job: {(submitted - began) / count * 1e6:.0f} us to submit, {life * 1e6:.0f} us in all without progress")
    print(f"a report of progress: {told * 1e6:.0f} us")
    print(f"memory: {(waiting - empty) / count:.0f} bytes a waiting job, {(ended - empty) / count:.0f} a completed one")
    size = redis.info("persistence").get("aof_current_size", 0)
    print(f"append-only file before it is rewritten: {size / count:.0f} bytes a job")


def cost_of_claims(directory: Path) -> None:
    """How claiming grows with jobs that wait, and with owners who have some."""
    for waiting, owners in ((100, 10), (10_000, 10), (10_000, 1000), (100_000, 1000)):
        with RedisServer(directory / f"{waiting}-{owners}") as server:
            redis = connect(server.url, timeout=60)
            fill(redis, waiting, owners)
            claims = Claims(redis, RULES, "bench", Mark())
            spans = []
            for _ in range(100):
                before = cpu(redis)
                assert claims.claim(QUEUES)
                spans.append(cpu(redis) - before)
            print(f"claim with {waiting} waiting of {owners} owners: {statistics.mean(spans) * 1e3:.2f} ms of Redis")


def rates(redis: Redis) -> None:
    """Jobs a second by the clock, one client after the other's answer, with both ways to write the file."""
    for policy in ("everysec", "always"):
        redis.config_set("appendfsync", policy)
        redis.flushall()
        claims = Claims(redis, RULES, "bench", Mark())
        queue = RqJobQueue(redis, RULES)
        began = time.perf_counter()
        for number in range(1000):
            queue.submit([new_job(number, 50)])
            claim = claims.claim(QUEUES)
            assert claim
            claims.lease(claim).finish(Verdict.COMPLETE)
        rate = 1000 / (time.perf_counter() - began)
        print(f"appendfsync {policy}: {rate:.0f} jobs a second, submitted, claimed and completed one after the other")


def connections(world: World, machine: Machine) -> None:
    """What an idle worker and a running transfer hold."""
    redis = connect(world.redis.url)
    names = Counter(client["name"] or "unnamed" for client in redis.client_list())
    print(f"connections to Redis, one worker of {world.slots} slots, API idle: {dict(names)}")
    zone_port = int(world._zone_port)
    source = world.root / "project" / "many"
    source.mkdir()
    for number in range(3000):
        (source / f"{number}").write_bytes(os.urandom(1000))
    with world.client() as client:
        task = {"title": "bench", "drUser": ME, "srcURL": str(source), "stagerUser": ME}
        job = client.submit({**task, "dstURL": f"i:/{ZONE}/home/{ME}/many"})
        most, memory = 0, 0.0
        while client.get(job.id).state not in {5, 6, 7}:
            family = psutil.Process(machine.child.pid).children(recursive=True) if machine.child else []
            for process in family:
                with suppress(psutil.Error):
                    if "--connection-fd" in process.cmdline():
                        linked = [c for c in process.net_connections("tcp") if c.raddr and c.raddr.port == zone_port]
                        most = max(most, len(linked))
                        memory = max(memory, process.memory_full_info().pss / 1e6)
            time.sleep(0.05)
        print(f"one transfer: {most} connections to the zone at the most, {memory:.0f} MB")


async def watchers(world: World) -> None:
    """What streams that follow jobs cost the API."""
    assert world.api
    api = psutil.Process(world.api.pid)
    settings = ClientSettings(f"127.0.0.1:{world._api_port}", user=CALLER, password=PASSWORD)
    clients = [AsyncStagerClient(settings) for _ in range(2)]
    before, busy = api.memory_full_info().pss, sum(api.cpu_times()[:2])

    async def follow(client: AsyncStagerClient) -> None:
        async for _ in client.watch(stager_user=ME, skip_ended=True):
            pass

    tasks = [asyncio.create_task(follow(clients[number % 2])) for number in range(1000)]
    await asyncio.sleep(20)
    after, opened = api.memory_full_info().pss, sum(api.cpu_times()[:2])
    print(f"1000 watchers: {(after - before) / 1e6:.0f} MB, {opened - busy:.1f} s of CPU to open them")
    await asyncio.sleep(20)
    idle = sum(api.cpu_times()[:2]) - opened
    print(f"1000 watchers, nothing changes: {idle / 20 * 100:.1f} % of a core")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for client in clients:
        await client.close()


def main() -> None:
    """Measure all."""
    root = Path(tempfile.mkdtemp(prefix="stager-bench-"))
    root.chmod(0o755)
    machine = Machine("here", shared=True)
    world = World(root, [ME], BIN / "s-isync", [machine], slots=4)
    try:
        with RedisServer(root / "alone") as server:
            redis = connect(server.url, timeout=60)
            cost_of_a_job(redis)
            rates(redis)
        cost_of_claims(root)
        world.start()
        time.sleep(6)
        connections(world, machine)
        asyncio.run(watchers(world))
    finally:
        world.stop()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
