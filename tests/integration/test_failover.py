"""Redis with Sentinel: a master that dies takes no accepted job with it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from argon2 import PasswordHasher
from chaos_jobs import Fate, Wishes
from chaos_world import Machine, World
from redis_group import RedisGroup
from runnable_isync import PROGRAM, runnable_isync
from stager_jobs.errors import StoreUnavailableError
from stager_jobs.job import NewJob, State, Task
from stager_jobs.rq_store import RqJobInspector, RqJobQueue
from stager_jobs.rules import Rules
from stager_redis import connect
from stager_ui.app import create_app
from stager_ui.settings import UiSettings

if TYPE_CHECKING:
    from conftest import LocalUsers

pytestmark = [pytest.mark.xdist_group("failover"), pytest.mark.timeout(240)]

JOBS = 24
SECONDS = 150


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that every user can enter."""
    path = Path(tempfile.mkdtemp(prefix="stager-failover-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def group(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RedisGroup]:
    """A group for one test, of Redis or of what the test names."""
    program = shutil.which(f"{getattr(request, 'param', 'redis')}-server")
    if program is None and hasattr(request, "param"):
        pytest.skip(f"{request.param}-server isn't installed: scripts/system-packages {request.param}")
    with RedisGroup(tmp_path, Path(program) if program else None) as running:
        yield running


@pytest.fixture
def world(root: Path, tmp_path: Path, local_users: LocalUsers) -> Iterator[World]:
    """API, zone and a worker on a group of Redis servers instead of one."""
    users = sorted({local_users.user, local_users.other})
    isync = runnable_isync(root, pwd.getpwnam(users[0]).pw_uid) if os.geteuid() == 0 else PROGRAM
    if isync is None:
        pytest.skip("neither this Python nor /usr/bin/python3 can be run by other users")
    running = World(root, users, isync, [Machine("here", shared=True)])
    running.redis = RedisGroup(tmp_path)
    try:
        running.start()
        yield running
    finally:
        running.stop()


def test_a_dead_master_loses_no_job(world: World) -> None:
    """Killed in the middle of jobs and of submits; each accepted job ends completed, its destination its source."""
    wishes = Wishes(world, 1, JOBS, time.monotonic() + SECONDS)
    for wish in wishes.all:
        wish.fate = Fate.RUN
    wishes.prepare()
    inspector = RqJobInspector(connect(world.redis.url))
    submitting = threading.Thread(target=wishes.submit_all, daemon=True)
    submitting.start()
    while not [job for job in standing(inspector, wishes) if job is State.COMPLETED]:
        assert time.monotonic() < wishes.deadline, wishes.errors
        time.sleep(0.05)
    began = standing(inspector, wishes)
    dead = world.redis.kill_master()
    assert began.count(State.COMPLETED) < JOBS
    while standing(inspector, wishes).count(State.COMPLETED) < JOBS:
        assert not wishes.errors, wishes.errors
        assert time.monotonic() < wishes.deadline, standing(inspector, wishes)
        time.sleep(0.2)
    submitting.join(30)
    assert world.redis.master.port != dead
    assert all(wishes.arrived(wish) == wishes.sent(wish) for wish in wishes.all)
    owned = [job for user in world.users for job in inspector.list(user, size=1000).jobs]
    assert len(owned) == JOBS, "a submit that was repeated made a second job"


def standing(inspector: RqJobInspector, wishes: Wishes) -> list[State | None]:
    """How each job stands, None where there is none; all of them where nobody can tell now."""
    try:
        jobs = inspector.get_many([wish.job_id or "none" for wish in wishes.all])
    except StoreUnavailableError:
        return [None] * JOBS
    return [job and job.state for job in jobs]


@pytest.mark.parametrize("group", ["redis", "valkey"], indirect=True)
def test_a_submit_waits_for_a_replica(group: RedisGroup) -> None:
    """What no replica has is not acknowledged; the same request is, once one has it, and makes no second job."""
    redis = connect(group.url)
    queue = RqJobQueue(redis, Rules(copies=1))
    new = NewJob(Task("scans", "jan@ru.nl", "/project/a", "i:/zone/a", "jan"), principal="jan", request_id="once")
    replicas = group.replicas
    for replica in replicas:
        replica.freeze()
    try:
        with pytest.raises(StoreUnavailableError, match="replica"):
            queue.submit([new])
    finally:
        for replica in replicas:
            replica.thaw()
    deadline = time.monotonic() + 30
    while True:
        try:
            (job,) = queue.submit([new])
            break
        except StoreUnavailableError:  # the replicas may take a while to catch up
            assert time.monotonic() < deadline
    dead = group.kill_master()
    group.wait_for_another_than(dead)
    inspector = RqJobInspector(redis)
    assert [found.id for found in inspector.list("jan", size=10).jobs] == [job.id]


def test_web_application_and_dashboard_find_the_new_master(group: RedisGroup, tmp_path: Path) -> None:
    """Both are well again after a failover, without a restart."""
    application = create_app(
        UiSettings.model_validate(
            {
                "public_url": "http://localhost",
                "redis": {"url": group.url},
                "session": {"secret": "s" * 40},
                "oidc": {"issuer": "http://127.0.0.1:1", "client_id": "stager-ui", "client_secret": "secret"},
                "api": {"target": "127.0.0.1:1", "plaintext": True},
                "repository": {"webdav_url": "http://127.0.0.1:1/"},
            }
        )
    ).test_client()
    config = tmp_path / "admin.yml"
    config.write_text(f"port: 0\nusers:\n  root: {PasswordHasher(1, 8, 1).hash('right')}\n")
    program = [Path(sys.executable).parent / "stager-admin", "--config", config]
    environment = os.environ | {"STAGER_ADMIN_REDIS_URL": group.url}
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            address = f"http://{process.stdout.readline().split()[1]}"

            def ill() -> list[int]:
                pages = [
                    httpx.get(f"{address}{path}", auth=("root", "right"), timeout=30) for path in ("/health", "/rq/")
                ]
                codes = [application.get("/health").status_code, *(page.status_code for page in pages)]
                return [code for code in codes if code != httpx.codes.OK]

            assert ill() == []
            group.wait_for_another_than(group.kill_master())
            deadline = time.monotonic() + 60
            while ill():
                assert time.monotonic() < deadline, ill()
                time.sleep(0.2)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
