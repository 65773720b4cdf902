"""The `stager-worker` command as it is run: its processes, its signals, and what becomes of their jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from stager_jobs.job import Job, State
from stager_jobs.rq_store import RqJobInspector, RqJobQueue
from stager_sandbox.redis_server import RedisServer
from stager_worker.pool import _start as start_process
from stager_worker.stopping import Stopping

COMMAND = Path(sys.executable).parent / "stager-worker"
Submit = Callable[..., Job]
StartWorker = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start_worker(folder: Path, stand_in: Path, redis_server: RedisServer, redis: object) -> Iterator[StartWorker]:
    """Starts `stager-worker`; ends it afterwards."""
    del redis
    config = folder / "worker.yml"
    config.touch(0o600)
    config.write_text(
        yaml.safe_dump(
            {
                "dr": {"organisationalUnits": [{"name": "dccn", "irodsUser": "service", "irodsPass": "pw"}]},
                "isync": {"program": str(stand_in)},
                "log_directory": str(folder / "log"),
                "system_users": ["root"],
                "stop_grace": 1,
                "jobs": {"retry_delays": [0, 0]},
            }
        )
    )
    started: list[subprocess.Popen[bytes]] = []

    def start(concurrency: int = 1) -> subprocess.Popen[bytes]:
        command = [str(COMMAND), "--config", str(config), "--concurrency", str(concurrency)]
        with (folder / "worker.log").open("ab") as log:
            worker = subprocess.Popen(command, env={**os.environ, "STAGER_REDIS_URL": redis_server.url}, stderr=log)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.terminate()
    for worker in started:
        assert worker.wait(timeout=30) is not None


@pytest.fixture
def wait_for(inspector: RqJobInspector) -> Callable[..., Job]:
    """Waits until a job is in a state."""

    def wait(job: Job, state: State, seconds: float = 30) -> Job:
        deadline = time.monotonic() + seconds
        while (found := inspector.get(job.id)).state is not state:
            assert time.monotonic() < deadline, f"still {found}"
            time.sleep(0.05)
        return found

    return wait


def test_asked_to_end_while_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that comes between a process's birth and its first own line is not lost."""
    fork = os.fork

    def fork_and_ask() -> int:
        pid = fork()
        if pid == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return pid

    def work(stopping: Stopping) -> None:
        deadline = time.monotonic() + 30
        while not stopping():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    monkeypatch.setattr(os, "fork", fork_and_ask)
    _, status = os.waitpid(start_process(work), 0)
    assert status == 0


def test_jobs_are_done(start_worker: StartWorker, submit: Submit, wait_for: Callable[..., Job]) -> None:
    """What was submitted before and after the start of a worker completes."""
    before = submit("ok")
    start_worker(concurrency=2)
    wait_for(before, State.COMPLETED)
    wait_for(submit("ok"), State.COMPLETED)


def test_one_slot_waits_and_no_more_run_than_may(
    start_worker: StartWorker, submit: Submit, wait_for: Callable[..., Job], folder: Path
) -> None:
    """An idle worker has one slot beside its keeper; with work it has as many as it may, and a job each."""
    worker = start_worker(concurrency=2)
    _wait_until(lambda: len(_children(worker.pid)) == 2)
    jobs = [submit("brief", folder / f"mark{number}") for number in range(3)]
    _wait_until(lambda: sum((folder / f"mark{number}").exists() for number in range(3)) == 2)
    time.sleep(1)
    assert len(_children(worker.pid)) == 3
    assert sum((folder / f"mark{number}").exists() for number in range(3)) == 2
    for number in range(3):
        (folder / f"mark{number}.go").touch()
    for job in jobs:
        wait_for(job, State.COMPLETED)
    _wait_until(lambda: len(_children(worker.pid)) == 2)


def test_retries_come_by_themselves(start_worker: StartWorker, submit: Submit, wait_for: Callable[..., Job]) -> None:
    """A failing job is tried as often as the rules say, then it has failed."""
    start_worker()
    assert len(wait_for(submit("partial"), State.FAILED).attempts) == 5


def test_stop_through_the_queue(
    start_worker: StartWorker, submit: Submit, wait_for: Callable[..., Job], queue: RqJobQueue, folder: Path
) -> None:
    """A running job stops long before its end; restarted, it runs on and completes."""
    start_worker()
    job = submit("slow", folder / "mark")
    wait_for(job, State.ACTIVE)
    pid = _pid(folder / "mark")
    queue.stop(job.id)
    wait_for(job, State.STOPPED)
    assert not _runs(pid)
    queue.restart(job.id)
    assert len(wait_for(job, State.COMPLETED).attempts) == 2


@pytest.mark.parametrize("victim", ["slot", "pool"])
def test_killed_workers_jobs_are_taken_over(
    start_worker: StartWorker, submit: Submit, wait_for: Callable[..., Job], folder: Path, victim: str
) -> None:
    """Kill -9 of the process that runs a job, or of all of a worker: its transfer dies, another one completes it."""
    first = start_worker()
    job = submit("slow", folder / "mark")
    wait_for(job, State.ACTIVE)
    pid = _pid(folder / "mark")
    start_worker()
    slots = _children(first.pid)
    if victim == "pool":
        first.kill()
    for slot in slots:
        os.kill(slot, signal.SIGKILL)
    found = wait_for(job, State.COMPLETED)
    assert not _runs(pid)
    assert [attempt.error and attempt.error.code for attempt in found.attempts] == ["worker_lost", None]
    assert found.max_attempts == 6


def test_sigterm_hands_jobs_back(
    start_worker: StartWorker, submit: Submit, wait_for: Callable[..., Job], folder: Path
) -> None:
    """A worker that ends leaves nothing running, and another one takes over what it ran."""
    first = start_worker()
    job = submit("slow", folder / "mark")
    wait_for(job, State.ACTIVE)
    pid = _pid(folder / "mark")
    first.terminate()
    assert first.wait(timeout=20) == 0
    assert not _runs(pid)
    assert wait_for(job, State.PENDING).last_error is None
    start_worker()
    wait_for(job, State.COMPLETED)


def test_redis_may_die_and_come_back(
    start_worker: StartWorker, submit: Submit, wait_for: Callable[..., Job], folder: Path, redis_server: RedisServer
) -> None:
    """A running transfer goes on without Redis, a waiting job isn't lost, and both complete once it is back."""
    start_worker()
    running, waiting = submit("brief", folder / "mark"), submit("ok")
    wait_for(running, State.ACTIVE)
    pid = _pid(folder / "mark")
    redis_server.kill()
    time.sleep(3)
    assert _runs(pid)
    (folder / "mark.go").touch()
    _wait_until(lambda: not _runs(pid))
    redis_server.start()
    assert len(wait_for(running, State.COMPLETED).attempts) == 1
    wait_for(waiting, State.COMPLETED)


def test_an_open_file_of_passwords_is_refused(folder: Path) -> None:
    """A worker.yml with a service account's password that every user can read, or that a user owns."""
    config = folder / "worker.yml"
    config.write_text("dr: {organisationalUnits: [{name: a, irodsUser: b, irodsPass: s3cret}]}\n")
    for mode, owner in ((0o644, 0), (0o600, 65534)):
        if os.geteuid() != 0 and owner:
            continue
        config.chmod(mode)
        if owner:
            os.chown(config, owner, owner)
        done = subprocess.run([str(COMMAND), "--config", str(config)], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "holds passwords" in done.stderr
        assert "s3cret" not in done.stderr


def test_a_failed_start_says_why(folder: Path) -> None:
    """One line for each fault, and a non-zero exit."""
    config = folder / "worker.yml"
    config.write_text("concurrency: many\nisync:\n  program: s-isync\n")
    done = subprocess.run([str(COMMAND), "--config", str(config)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{config}:1: concurrency" in done.stderr
    assert f"{config}:3: isync.program" in done.stderr
    assert "Traceback" not in done.stderr


def _wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _pid(mark: Path) -> int:
    deadline = time.monotonic() + 30
    while not (mark.exists() and mark.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(mark.read_text().split()[0])


def _runs(pid: int) -> bool:
    """Whether it is there and no zombie, which whoever adopted it may not have buried yet."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
