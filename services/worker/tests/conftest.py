"""A real Redis, a stand-in for s-isync where its odd cases are wanted, and users of this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from stager_jobs.job import Job, NewJob, Task
from stager_jobs.rq_store import RqJobInspector, RqJobQueue
from stager_redis import connect
from stager_sandbox.redis_server import RedisServer
from stager_worker.settings import Isync, OrganisationalUnit, Repository, WorkerSettings


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Redis]:
    """A connection to an empty Redis."""
    client = connect(redis_server.url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def queue(redis: Redis) -> RqJobQueue:
    """Where tests submit."""
    return RqJobQueue(redis)


@pytest.fixture
def inspector(redis: Redis) -> RqJobInspector:
    """Where tests look."""
    return RqJobInspector(redis)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user of the machine may write to, as pytest's own are not."""
    path = Path(tempfile.mkdtemp(prefix="stager-worker-"))
    path.chmod(0o1777)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def stand_in(folder: Path) -> Path:
    """The stand-in as a program that any user can run."""
    program = folder / "s-isync"
    text = (Path(__file__).parent / "stand_in.py").read_text()
    program.write_text(f"#!/usr/bin/python3 -I\n{text}")
    program.chmod(0o755)
    return program


@pytest.fixture
def settings(folder: Path, stand_in: Path) -> WorkerSettings:
    """A worker's settings, for the stand-in and one service account."""
    unit = OrganisationalUnit.model_validate({"name": "dccn", "irodsUser": "service", "irodsPass": "service-pw"})
    return WorkerSettings(
        dr=Repository(organisationalUnits=(unit,)),
        isync=Isync(program=stand_in),
        log_directory=folder / "log",
        system_users=("root",),
        stop_grace=0,
    )


OWN_USER = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture
def submit(queue: RqJobQueue) -> Callable[..., Job]:
    """Submit a task whose source says how the stand-in behaves."""

    def do(behaviour: str, destination: Path | str = "i:/zone/x", **more: object) -> Job:
        values: dict[str, object] = {
            "title": behaviour,
            "dr_user": "service",
            "src_url": f"/{behaviour}/data",
            "dst_url": f"i:{destination}",
            "stager_user": OWN_USER,
        }
        (job,) = queue.submit([NewJob(Task(**{**values, **more}), principal=OWN_USER)])  # type: ignore[arg-type]
        assert isinstance(job, Job)
        return job

    return do
