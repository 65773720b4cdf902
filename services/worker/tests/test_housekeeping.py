"""A worker's keeper beside its slots: mails, metrics, health, old files; and what slots do with keys and reports."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from redis import Redis
from stager_credentials import Keyring
from stager_credentials.key_directory import add_key, set_current
from stager_jobs.job import Job, State
from stager_jobs.rq_store import RqJobInspector
from stager_sandbox.free_port import free_port
from stager_sandbox.mail import MailFolder
from stager_sandbox.redis_server import RedisServer
from stager_worker.keys import KeyDirectory
from stager_worker.old_files import remove_old_files

COMMAND = Path(sys.executable).parent / "stager-worker"
Submit = Callable[..., Job]


@pytest.fixture
def port() -> int:
    """A free port."""
    return free_port()


@pytest.fixture
def config(folder: Path, stand_in: Path, tmp_path: Path, port: int, redis: Redis) -> Iterator[Path]:
    """A worker.yml with mail and metrics."""
    del redis
    with MailFolder(tmp_path / "mail") as mails:
        path = folder / "worker.yml"
        path.touch(0o600)
        settings = {
            "dr": {"organisationalUnits": [{"name": "dccn", "irodsUser": "service", "irodsPass": "pw"}]},
            "isync": {"program": str(stand_in)},
            "log_directory": str(folder / "log"),
            "system_users": ["root"],
            "stop_grace": 1,
            "concurrency": 1,
            "mail": {"host": "127.0.0.1", "port": mails.port, "security": "none", "sender": "stager@example.org"},
            "metrics": {"port": port},
        }
        path.write_text(yaml.safe_dump(settings))
        yield path


@pytest.fixture
def worker(config: Path, redis_server: RedisServer, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A running worker; it ends well when it is told to."""
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen([COMMAND, "--config", config], env=environment(redis_server), stderr=log)
    yield process
    process.terminate()
    assert process.wait(30) == 0


def environment(redis_server: RedisServer) -> dict[str, str]:
    """With the address of Redis."""
    return {**os.environ, "STAGER_REDIS_URL": redis_server.url}


def health(config: Path, redis_server: RedisServer) -> tuple[int, str]:
    """Exit code and words of the health check."""
    done = subprocess.run(
        [COMMAND, "--config", config, "health"],
        env=environment(redis_server),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def eventually(probe: Callable[[], object], seconds: float = 30) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_worker_tells_counts_and_is_well(
    worker: subprocess.Popen[bytes],
    config: Path,
    submit: Submit,
    inspector: RqJobInspector,
    tmp_path: Path,
    port: int,
    redis_server: RedisServer,
) -> None:
    """A mail and the metrics come from the worker itself; its health check says yes, and no once Redis is away."""
    job = submit("ok", stager_email="jan@example.org")
    failed = submit("refused")
    eventually(lambda: inspector.get(failed.id).state is State.FAILED)
    assert inspector.get(job.id).state is State.COMPLETED
    eventually(lambda: len(list((tmp_path / "mail").glob("*.eml"))) == 1)

    def told() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    eventually(lambda: 'stager_failures_total{code="login_refused",error_class="fatal"} 1.0' in told())
    eventually(lambda: 'stager_notices_total{kind="completed",outcome="sent",way="mail"} 1.0' in told())
    text = told()
    assert 'stager_attempts_total{queue="default",verdict="complete"} 1.0' in text
    assert 'stager_transferred_bytes_total{direction="upload"} 6000.0' in text
    assert 'stager_wait_seconds_count{queue="default"} 2.0' in text
    assert 'stager_queue_waiting_jobs{queue="default"} 0.0' in text
    assert health(config, redis_server) == (0, "ok\n")
    redis_server.kill()
    try:
        code, words = health(config, redis_server)
        assert code == 1
        assert "Redis" in words
    finally:
        redis_server.start()
    eventually(lambda: health(config, redis_server)[0] == 0)
    assert worker.poll() is None


def test_health_without_a_worker(config: Path, redis_server: RedisServer) -> None:
    """Redis alone is not well enough."""
    code, words = health(config, redis_server)
    assert code == 1
    assert "no worker of" in words


def test_a_worker_may_start_before_redis(
    redis_server: RedisServer, redis: Redis, config: Path, folder: Path, submit: Submit, inspector: RqJobInspector
) -> None:
    """It waits, and takes jobs once Redis is there."""
    job = submit("ok")
    redis_server.stop()
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen([COMMAND, "--config", config], env=environment(redis_server), stderr=log)
    eventually(lambda: "waiting for Redis" in (folder / "worker.log").read_text())
    assert process.poll() is None
    redis_server.start()
    eventually(redis.ping)
    eventually(lambda: inspector.get(job.id).state is State.COMPLETED)
    process.terminate()
    assert process.wait(30) == 0


def test_a_hanging_redis_ends_no_transfer(
    worker: subprocess.Popen[bytes],
    redis_server: RedisServer,
    submit: Submit,
    inspector: RqJobInspector,
    folder: Path,
) -> None:
    """A Redis that doesn't answer for a while holds up nothing but the news of it."""
    job = submit("brief", folder / "mark")
    eventually((folder / "mark").exists)
    redis_server.freeze()
    eventually(lambda: "waiting for Redis" in (folder / "worker.log").read_text())
    (folder / "mark.go").touch()
    eventually(lambda: not (Path("/proc") / (folder / "mark").read_text().strip() / "exe").exists())
    redis_server.thaw()
    eventually(lambda: inspector.get(job.id).state is State.COMPLETED, seconds=40)
    assert len(inspector.get(job.id).attempts) == 1
    assert worker.poll() is None


def test_faults_are_reported(
    worker: subprocess.Popen[bytes], submit: Submit, inspector: RqJobInspector, folder: Path
) -> None:
    """What failed and why comes with the job, and where each file's fate is listed."""
    del worker
    job = submit("partial")
    eventually(lambda: inspector.get(job.id).state is State.RETRY)
    report = inspector.report(job.id)
    assert [(fault.path, fault.code) for fault in report.faults] == [("b", "login_refused")]
    assert report.full_list == f"{socket.gethostname()}:{folder / 'log' / job.id}.report.jsonl"
    assert report.job.attempts[0].progress.files_transferred == 2


def test_a_rotated_key_needs_no_restart(tmp_path: Path) -> None:
    """What is sealed with a key that came later opens; a keyring that can't be read any more is no end."""
    add_key(tmp_path, "old")
    keys = KeyDirectory(tmp_path)
    add_key(tmp_path, "new")
    set_current(tmp_path, "new")
    sealed = Keyring.load(tmp_path).sealing_key("new").seal("pw", owner="jan", dr_user="jan@ru.nl")
    assert keys.open(sealed, owner="jan", dr_user="jan@ru.nl") == "pw"
    (tmp_path / "old.pem").write_text("nonsense")
    assert keys.open(sealed, owner="jan", dr_user="jan@ru.nl") == "pw"


def test_old_files_go(tmp_path: Path) -> None:
    """Logs and reports that nobody has written to for long; other files stay."""
    for name in ("old.log", "old.report.jsonl", "new.log", "notes.txt"):
        (tmp_path / name).touch()
    for name in ("old.log", "old.report.jsonl", "notes.txt"):
        os.utime(tmp_path / name, (1, 1))
    assert remove_old_files(tmp_path, 3600) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.log", "notes.txt"]
