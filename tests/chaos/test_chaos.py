"""Faults without end, and nothing lost: the promise of the stager, tried."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from chaos_jobs import Fate, Wishes
from chaos_marks import Marks
from chaos_world import Machine, World, end_worker, slots, transfers
from redis import Redis
from runnable_isync import runnable_isync
from stager_jobs.errors import JobNotFoundError, StoreUnavailableError
from stager_jobs.job import ENDED, State
from stager_jobs.rq_store import RqJobInspector
from stager_jobs.rq_store.janitor import Janitor
from stager_redis import connect

SEED = int(os.environ.get("STAGER_CHAOS_SEED", "20260101"))
JOBS = int(os.environ.get("STAGER_CHAOS_JOBS", "300"))
FAULTY_SECONDS = 200.0  # faults go on for so long at most; a slow machine needs the rest to come to an end
SECONDS = 600.0
_SEVERAL = 2  # transfers; a single one would be hit until its job has no retries left

pytestmark = [pytest.mark.chaos, pytest.mark.root, pytest.mark.timeout(SECONDS + 120)]


@pytest.fixture
def users() -> Iterator[list[str]]:
    """Five local users, made for the test."""
    if os.geteuid() != 0:
        pytest.skip("makes users, so it needs root")
    names = [f"ch{os.getpid()}{letter}" for letter in "abcde"]
    try:
        for name in names:
            subprocess.run(["useradd", "-M", name], check=True)
        yield names
    finally:
        for name in names:
            subprocess.run(["userdel", name], check=False, capture_output=True)


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that every user can enter."""
    path = Path(tempfile.mkdtemp(prefix="stager-chaos-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def marks(root: Path, users: list[str]) -> Marks:
    """The real s-isync, marked."""
    isync = runnable_isync(root, pwd.getpwnam(users[0]).pw_uid)
    if isync is None:
        pytest.skip("no Python here can be run by other users")
    return Marks(root / "marks", isync)


@pytest.fixture
def world(users: list[str], root: Path, marks: Marks) -> Iterator[World]:
    """Everything runs: a worker on this machine, two on machines of their own."""
    machines = [Machine("here", shared=True), Machine("there", shared=False), Machine("yonder", shared=False)]
    running = World(root, users, marks.program, machines)
    try:
        running.start()
        yield running
    finally:
        running.stop()


class Gremlin:
    """Injects a fault now and then, and brings back what is gone. All in the thread that started the world."""

    def __init__(self, world: World, seed: int) -> None:
        self._world, self._dice = world, random.Random(seed)
        self.count: Counter[str] = Counter()
        self._began = time.monotonic()
        self._redis_faults = [(12.0, self._kill_redis), (30.0, self._restart_redis), (50.0, self._kill_redis)]
        self._others: list[tuple[int, Callable[[], bool]]] = [
            (35, self._kill_slot),
            (25, self._kill_transfer),
            (14, self._kill_api),
            (10, self._kill_worker),
            (12, self._end_worker),
            (4, self._freeze_redis),
        ]

    def act(self) -> None:
        """One fault, perhaps, and whatever is due to come back."""
        self._bring_back()
        since = time.monotonic() - self._began
        if self.done and since > FAULTY_SECONDS:
            return
        if self._redis_faults and since > self._redis_faults[0][0]:
            self._redis_faults.pop(0)[1]()
            return
        weights = [weight for weight, _ in self._others]
        ((_, fault),) = self._dice.choices(self._others, weights)
        if fault():
            self.count[fault.__name__.strip("_").replace("_", " ")] += 1

    @property
    def done(self) -> bool:
        """Whether Redis was restarted as often as it should be."""
        return not self._redis_faults

    def rest(self) -> None:
        """Bring everything back."""
        while self._world.api is None or any(machine.child is None for machine in self._world.machines):
            self._bring_back()
            time.sleep(0.1)

    def _bring_back(self) -> None:
        world, now = self._world, time.monotonic()
        if world.api is None and now > world.api_returns_at:
            world.start_api()
        for machine in world.machines:
            if machine.child and machine.child.exit_code() is not None:
                machine.child = None
            if machine.child is None and now > machine.returns_at:
                world.start_worker(machine)

    def _kill_slot(self) -> bool:
        found = [process for machine in self._world.machines for process in slots(machine)]
        return len(self._transfers()) >= _SEVERAL and bool(found) and _kill(self._dice.choice(found).pid)

    def _kill_transfer(self) -> bool:
        found = self._transfers()
        return len(found) >= _SEVERAL and _kill(self._dice.choice(found).pid)

    def _transfers(self) -> list[psutil.Process]:
        return [process for machine in self._world.machines for process in transfers(machine)]

    def _kill_api(self) -> bool:
        if self._world.api is None:
            return False
        self._world.api.kill()
        self._world.api = None
        self._world.api_returns_at = time.monotonic() + self._dice.uniform(0, 1)
        return True

    def _kill_worker(self) -> bool:
        machine = self._dice.choice(self._world.machines)
        if machine.child is None:
            return False
        self._world.kill_worker(machine)
        machine.returns_at = time.monotonic() + self._dice.uniform(0, 3)
        return True

    def _end_worker(self) -> bool:
        machine = self._dice.choice(self._world.machines)
        machine.returns_at = time.monotonic() + 1
        return end_worker(machine)

    def _freeze_redis(self) -> bool:
        self._world.redis.freeze()
        time.sleep(self._dice.uniform(0.5, 4))
        self._world.redis.thaw()
        return True

    def _kill_redis(self) -> None:
        self._world.redis.kill()
        time.sleep(self._dice.uniform(0.2, 3))
        self._world.redis.start()
        self.count["kill redis"] += 1

    def _restart_redis(self) -> None:
        self._world.redis.stop()
        time.sleep(self._dice.uniform(0.2, 3))
        self._world.redis.start()
        self.count["restart redis"] += 1


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def test_nothing_is_lost(world: World, marks: Marks) -> None:
    """Each accepted job ends as it should, its destination is its source, and none ran twice at once."""
    began = time.monotonic()
    wishes = Wishes(world, SEED, JOBS, began + SECONDS)
    wishes.prepare()
    redis = connect(world.redis.url)
    inspector = RqJobInspector(redis)
    gremlin = Gremlin(world, SEED)
    threads = [threading.Thread(target=wishes.submit_all, daemon=True)]
    threads += [threading.Thread(target=wishes.meddle, args=(part, 4), daemon=True) for part in range(4)]
    for thread in threads:
        thread.start()
    pause = random.Random(SEED)
    while not (gremlin.done and not any(thread.is_alive() for thread in threads) and _all_ended(inspector, wishes)):
        assert not wishes.errors, wishes.errors
        assert time.monotonic() < wishes.deadline, _standing(inspector, wishes)
        gremlin.act()
        time.sleep(pause.uniform(0.2, 0.9))
    assert not wishes.errors, wishes.errors
    gremlin.rest()
    ended = time.monotonic() - began
    states = _check_jobs(inspector, wishes)
    assert marks.twice() == []
    world.stop()
    world.redis.start()
    _check_redis(redis, wishes)
    sys.stderr.write(
        f"\nchaos: seed {SEED}, {sum(gremlin.count.values())} faults injected in {ended:.0f} s "
        f"({', '.join(f'{name}: {count}' for name, count in sorted(gremlin.count.items()))}); "
        f"{JOBS} jobs, {marks.runs()} transfers begun, "
        f"{', '.join(f'{name}: {count}' for name, count in sorted(states.items()))}\n"
    )


def _all_ended(inspector: RqJobInspector, wishes: Wishes) -> bool:
    try:
        jobs = inspector.get_many([wish.job_id for wish in wishes.all])
    except StoreUnavailableError:
        return False
    return all(job is None or job.state in ENDED for job in jobs)


def _standing(inspector: RqJobInspector, wishes: Wishes) -> str:
    jobs = inspector.get_many([wish.job_id or "none" for wish in wishes.all])
    states = Counter(job.state.value if job else "gone" for job in jobs)
    open_jobs = [job for job in jobs if job and job.state not in ENDED]
    return f"not all jobs have ended: {states}; {open_jobs[:2]}"


def _check_jobs(inspector: RqJobInspector, wishes: Wishes) -> Counter[str]:
    """Each job against what was asked of it."""
    states: Counter[str] = Counter()
    assert len({wish.job_id for wish in wishes.all}) == JOBS
    for wish in wishes.all:
        try:
            job = inspector.get(wish.job_id)
        except JobNotFoundError:
            assert wish.fate is Fate.DELETE, f"job {wish.number} is lost"
            states["deleted"] += 1
            continue
        states[job.state.value] += 1
        assert wish.fate is not Fate.DELETE, f"job {wish.number} was deleted and is {job.state}"
        expected = {State.COMPLETED, State.STOPPED} if wish.fate is Fate.STOP and wish.stopped else {State.COMPLETED}
        assert job.state in expected, f"job {wish.number} ({wish.fate}) is {job.state}: {job.last_error}"
        if job.state is State.COMPLETED:
            assert wishes.arrived(wish) == wishes.sent(wish), f"job {wish.number} is not what its source is"
    owned = [job for user in wishes.world.users for job in inspector.list(user, size=1000).jobs]
    assert len(owned) == JOBS - states["deleted"], "there are jobs that nobody asked for"
    return states


def _check_redis(redis: Redis, wishes: Wishes) -> None:
    """Nothing is left that waits or runs, and no credential."""
    Janitor(redis).sweep()
    assert [
        key for pattern in ("rq:wip:*", "*lease*", "*lane*", "*execution*", "rq:queue:*") for key in redis.keys(pattern)
    ] == []
    for key in redis.scan_iter():
        dump = redis.dump(key) or b""
        held = redis.hgetall(key) if redis.type(key) == b"hash" else {}
        assert b"sealed:" not in dump + b"".join(held.values()), f"{key!r} holds a credential"
        for password in wishes.world.zone_passwords.values():
            assert password.encode() not in dump
