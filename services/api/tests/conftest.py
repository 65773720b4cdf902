"""A running `stager-api` with a real Redis, real sealing keys and, as root, real Linux users."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from api_harness import JAN, OPEN, ROOT, SECONDS, Api, MakeTask, RedisServer, Submit, Users, WebServer, start_api
from redis import Redis
from stager.v1 import (
    job_pb2,
    job_service_pb2,
)
from stager_api.identity.passwords import hash_password
from stager_credentials import SealingKey
from stager_credentials.key_directory import add_key
from stager_redis import connect


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Redis]:
    """A connection to an empty Redis."""
    client = connect(redis_server.url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(scope="session")
def users() -> Iterator[Users]:
    """Local users made for the tests."""
    if not ROOT:
        me = pwd.getpwuid(os.geteuid()).pw_name
        yield Users(me, "daemon", "")
        return
    made = Users(f"jan{os.getpid()}", f"piet{os.getpid()}", f"grp{os.getpid()}")
    subprocess.run(["groupadd", made.group], check=True)
    for name, extra in ((made.jan, ["-G", made.group]), (made.piet, [])):
        subprocess.run(["useradd", "-m", *extra, name], check=True)
    yield made
    for name in (made.jan, made.piet):
        subprocess.run(["userdel", "-r", name], check=False, capture_output=True)
    subprocess.run(["groupdel", made.group], check=False)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one sealing key."""
    folder = tmp_path_factory.mktemp("keys")
    add_key(folder, "k1")
    return folder


@pytest.fixture(scope="session")
def settings(keys: Path, users: Users) -> dict[str, Any]:
    """What most tests run the service with: a service for each user, and one for both, all with the password `pw`."""
    password_hash = hash_password("pw")

    def entry(*names: str, accounts: tuple[str, ...] = ()) -> dict[str, Any]:
        return {"password_hash": password_hash, "acts_as": list(names), "service_accounts": list(accounts)}

    return {
        "grpc": {"port": 0},
        "sealing_keys": str(keys),
        "service_users": {
            "jan": entry(users.jan),
            "piet": entry(users.piet),
            "streamer": entry(users.jan, users.piet, accounts=("dccn-streamer",)),
            "everybody": entry("*"),
            "roots": entry("root"),
        },
        "accounts": {"first_uid": 1000 if ROOT else 0},
        "directories": {"roots": [OPEN, "~"], "seconds": 10},
        "projects": {"static": {"3010000.01": "/nl.ru.donders/di/dccn/DAC_3010000.01_173"}},
        "limits": {"stop_seconds": 2},
    }


@pytest.fixture(scope="session")
def running_api(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], redis_server: RedisServer
) -> Iterator[Api]:
    """One service for all tests that need no settings of their own."""
    api = start_api(tmp_path_factory.mktemp("api"), settings, redis_server.url)
    yield api
    assert api.stop() == 0


@pytest.fixture
def api(running_api: Api, redis: Redis) -> Api:
    """The service, with an empty Redis."""
    assert redis
    return running_api


@pytest.fixture(scope="session")
def seal(keys: Path) -> Callable[..., str]:
    """Seals a password for an owner."""
    key = SealingKey.from_pem("k1", (keys / "k1.pub.pem").read_text())

    def sealed(owner: str, dr_user: str = "jan@ru.nl") -> str:
        return key.seal("secret", owner=owner, dr_user=dr_user)

    return sealed


@pytest.fixture
def task(users: Users, seal: Callable[..., str]) -> MakeTask:
    """Makes a good task of jan's, or of another `stager_user`, with fields changed."""

    def make(**fields: object) -> job_pb2.Task:
        owner = fields.get("stager_user", users.jan)
        return job_pb2.Task(
            **{
                "title": "scans",
                "dr_user": "jan@ru.nl",
                "dr_pass": seal(owner),
                "src_url": "/project/3010000.01/raw",
                "dst_url": "i:/nl.ru.donders/di/dccn/DAC_3010000.01_173/raw",
                "stager_user": owner,
                **fields,
            }
        )

    return make


@pytest.fixture
def submit(api: Api, task: MakeTask) -> Submit:
    """Submits a good task and gives the job."""

    def make(metadata: list[tuple[str, str]] = JAN, **fields: object) -> job_pb2.Job:
        request = job_service_pb2.SubmitRequest(task=task(**fields))
        return api.jobs.Submit(request, metadata=metadata, timeout=SECONDS).job

    return make


@pytest.fixture
def web() -> Iterator[WebServer]:
    """An HTTP server to be asked."""
    server = WebServer()
    yield server
    server.close()
