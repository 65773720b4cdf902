"""A real Redis server for the tests, with its append-only file on, as in production."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from stager_jobs.job import NewJob, Priority, Task
from stager_jobs.rq_store import RqJobInspector, RqJobQueue
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Lease, Mark
from stager_jobs.rules import Rules
from stager_redis import connect
from stager_sandbox.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests; Valkey's for those that ask for it."""
    kind = getattr(request, "param", "redis")
    program = shutil.which(f"{kind}-server")
    if program is None and kind != "redis":
        pytest.skip(f"{kind}-server isn't installed: scripts/system-packages {kind}")
    with RedisServer(tmp_path_factory.mktemp(kind), program=Path(program) if program else None) as server:
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
    """The store's changing side."""
    return RqJobQueue(redis)


@pytest.fixture
def inspector(redis: Redis) -> RqJobInspector:
    """The store's looking side."""
    return RqJobInspector(redis)


@pytest.fixture
def claims(redis: Redis) -> Callable[..., Claims]:
    """Makes a worker's side of the store."""

    def make(worker: str = "w1", rules: Rules | None = None, mark: Mark | None = None) -> Claims:
        return Claims(redis, rules or Rules(), worker, mark or Mark())

    return make


@pytest.fixture
def begin(claims: Callable[..., Claims]) -> Callable[[], Lease]:
    """Has a worker claim the next job."""

    def do() -> Lease:
        worker = claims()
        claim = worker.claim(QUEUES)
        assert claim
        return worker.lease(claim)

    return do


def new_job(owner: str = "jan", title: str = "scans", **more: str) -> NewJob:
    """A job to submit; a credential by `dr_pass`, a `request_id`, a `priority`."""
    task = Task(
        title=title,
        dr_user=f"{owner}@ru.nl",
        src_url=f"/project/{title}",
        dst_url=f"i:/zone/{title}",
        stager_user=owner,
        dr_pass=more.get("dr_pass", ""),
    )
    priority = Priority(more.get("priority", "default"))
    return NewJob(
        task, principal=more.get("principal", owner), priority=priority, request_id=more.get("request_id", "")
    )


@pytest.fixture
def new() -> Callable[..., NewJob]:
    """Makes a job to submit."""
    return new_job
