"""What submitting, starting, following and waiting cost, with everything running: Redis, zone, API, worker.

python tests/bench/bench_running.py
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path

import psutil
from chaos_world import BIN, ZONE, Machine, World
from stager_client import state_name
from stager_jobs.rq_store import RqJobInspector
from stager_redis import connect

ME = pwd.getpwuid(os.geteuid()).pw_name
# Writes what s-isync says to a file as well, for the times in it.
_TEE = """#!/bin/sh
{isync} "$@" | tee -a "{events}"
"""


def task(number: int, source: str) -> dict[str, object]:
    """A task of a service account's, so that sealing is not measured."""
    return {
        "title": f"bench {number}",
        "drUser": ME,
        "srcURL": source,
        "dstURL": f"i:/{ZONE}/home/{ME}/bench-{number}",
        "stagerUser": ME,
    }


def submit_rates(world: World) -> None:
    """Jobs a second, with no worker running."""
    with world.client() as client:
        client.submit(task(0, "/x"))
        began = time.perf_counter()
        for start in range(0, 2000, 100):
            outcomes = client.submit_many([task(start + number, "/x") for number in range(100)])
            assert all(hasattr(outcome, "id") for outcome in outcomes), outcomes[0]
        print(f"submit in batches of 100: {2000 / (time.perf_counter() - began):.0f} jobs a second")

    def one_by_one() -> None:
        with world.client() as own:
            for number in range(100):
                own.submit(task(number, "/x"))

    threads = [threading.Thread(target=one_by_one) for _ in range(8)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"submit one by one from 8 clients: {800 / (time.perf_counter() - began):.0f} jobs a second")


def watching(world: World) -> None:
    """Seconds from a stop to its event on a watch, with no worker running; the contract promises one."""
    took = []
    with world.client() as client:
        for number in range(20):
            job, began = client.submit(task(number, "/x")), 0.0
            for event in client.watch([job.id]):
                if event.final:
                    took.append(time.perf_counter() - began)
                else:
                    began = time.perf_counter()
                    client.stop(job.id)
    print(f"stop to its event on a watch: {statistics.median(took):.3f} s median, {max(took):.3f} s at the most")


def overhead(world: World, events: Path, source: Path) -> None:
    """Seconds from a submit to the first event of its s-isync, and where they go."""
    rows = []
    with world.client() as client:
        for number in range(20):
            time.sleep(0.3)
            events.write_bytes(b"")
            began = time.time()
            job = client.submit(task(number, str(source)))
            answered = time.time()
            while state_name(client.get(job.id).state) not in {"completed", "failed"}:
                time.sleep(0.05)
            job = client.get(job.id)
            assert state_name(job.state) == "completed", job.last_error
            claimed = job.attempts[0].started_at.ToMicroseconds() / 1e6
            said = {}
            for line in events.read_text().splitlines():
                event = json.loads(line)
                said.setdefault(event["event"], event["time"])
            rows.append(
                (
                    said["start"] - began,
                    answered - began,
                    max(0.0, claimed - began),
                    said["start"] - claimed,
                    said["progress"] - said["start"],
                )
            )
    names = (
        "submit to first event",
        "the call",
        "until claimed",
        "fork, import, to first event",
        "login, first progress",
    )
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        print(f"{name:30} {statistics.median(values):.3f} s median, {max(values):.3f} s at the most")


def memory(world: World, machine: Machine) -> None:
    """Idle megabytes: what each process has alone, and its share of what it has in common."""
    assert machine.child
    assert world.api
    pool = psutil.Process(machine.child.pid)
    family = [pool, *pool.children(recursive=True)]
    total = sum(process.memory_full_info().pss for process in family) / 1e6
    print(f"idle worker of any concurrency: {total:.0f} MB in {len(family)} processes")
    print(f"idle API: {psutil.Process(world.api.pid).memory_full_info().pss / 1e6:.0f} MB")


def writes(world: World, source: Path) -> None:
    """Scripts that Redis runs for one job's progress, a second of it."""
    redis = connect(world.redis.url)
    with world.client() as client:
        job = client.submit(task(99, str(source)))
        inspector = RqJobInspector(redis)
        while inspector.get(job.id).progress.files_total == 0:
            time.sleep(0.02)

        def calls() -> int:
            """Each script that tells news publishes once."""
            return int(redis.info("commandstats")["cmdstat_publish"]["calls"])

        first, began = calls(), time.perf_counter()
        while state_name(client.get(job.id).state) == "active":
            time.sleep(0.2)
        seconds = time.perf_counter() - began
        print(f"progress of one job: {(calls() - first) / seconds:.2f} writes a second, over {seconds:.1f} s")


def main() -> None:
    """Measure all."""
    root = Path(tempfile.mkdtemp(prefix="stager-bench-"))
    root.chmod(0o755)
    events = root / "events"
    program = root / "tee-s-isync"
    program.write_text(_TEE.format(isync=BIN / "s-isync", events=events))
    program.chmod(0o755)
    machine = Machine("here", shared=True)
    world = World(root, [ME], program, [machine], slots=4)
    source = root / "project" / "small"
    big = root / "project" / "many"
    try:
        for folder, count in ((source, 1), (big, 3000)):
            folder.mkdir()
            for number in range(count):
                (folder / f"{number}").write_bytes(os.urandom(1000))
        world.start(workers=False)
        submit_rates(world)
        watching(world)
        connect(world.redis.url).flushall()
        world.start_worker(machine)
        time.sleep(6)
        memory(world, machine)
        overhead(world, events, source)
        writes(world, big)
    finally:
        world.stop()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
