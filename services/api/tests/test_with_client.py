"""The service as people and programs meet it: the SDK, the `stager` command and the example streamer."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from api_harness import BIN, OPEN, ROOT, SECONDS, Api, RedisServer, Users, start_api
from redis import Redis
from stager.v1 import credential_service_pb2
from stager_client import (
    AsyncStagerClient,
    ClientSettings,
    InvalidRequestError,
    Job,
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    Retry,
    StagerClient,
    StagerError,
    TooManyError,
    WrongStateError,
    state_name,
)
from stager_credentials import Keyring
from stager_credentials.key_directory import add_key, set_current
from stager_jobs.job import ErrorClass, JobError, Progress
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Lease, Mark, Verdict
from stager_jobs.rules import Rules

EXAMPLE = Path(__file__).parents[3] / "libs/stager-client/examples/streamer.py"
QUICK = Retry(tries=3, first_delay=0.05, patience=20)


@pytest.fixture
def client(api: Api) -> Iterator[StagerClient]:
    """The SDK, as jan's service."""
    with StagerClient(ClientSettings(api.address, user="jan", password="pw", timeout=SECONDS), QUICK) as made:
        yield made


@pytest.fixture
def document(users: Users) -> dict[str, Any]:
    """A task document with a clear password."""
    return {
        "title": "scans", "drUser": "jan@ru.nl", "drPass": "S3cret-päss", "srcURL": "/project/3010000.01/raw",
        "dstURL": "i:/nl.ru.donders/di/dccn/DAC_3010000.01_173/raw", "stagerUser": users.jan,
    }  # fmt: skip


@pytest.fixture
def take(redis: Redis) -> Callable[[], Lease]:
    """A worker's hold on the job that waits first."""
    claims = Claims(redis, Rules(), "w1", Mark())

    def claim() -> Lease:
        found = claims.claim(QUEUES)
        assert found
        return claims.lease(found)

    return claim


def test_submit_watch_stop_restart_delete(
    client: StagerClient, document: dict[str, Any], take: Callable[[], Lease]
) -> None:
    """A job's life through the SDK."""
    job = client.submit(document)
    assert job.task.dr_pass == ""
    assert client.get(job.id) == job
    events = client.watch([job.id])
    assert state_name(next(events).job.state) == "pending"
    held = take()
    assert state_name(next(events).job.state) == "active"
    held.update(Progress(files_total=2, files_transferred=1))
    held.finish(Verdict.FAIL, JobError(ErrorClass.FATAL, "login_refused", "The repository refuses the login."))
    assert state_name(list(events)[-1].job.state) == "failed"
    with pytest.raises(WrongStateError) as refused:
        client.stop(job.id)
    assert refused.value.reason == "WRONG_STATE"
    with pytest.raises(WrongStateError):
        client.restart(job.id)
    assert state_name(client.restart(job.id, password="fresh").state) == "pending"
    assert state_name(client.stop(job.id).state) == "stopped"
    assert [one.id for one in client.jobs(states=["stopped"], search="SCANS")] == [job.id]
    client.delete(job.id)
    with pytest.raises(NotFoundError):
        client.get(job.id)


def test_every_fault_comes_with_its_key(client: StagerClient, document: dict[str, Any]) -> None:
    """As the service judges it; validating makes no job."""
    document |= {"title": "", "srcURL": "project", "timeout": -1}
    for call in (client.submit, client.validate):
        with pytest.raises(InvalidRequestError) as caught:
            call(document)
        named = {fault.field: fault.reason for fault in caught.value.violations}
        assert named == {"title": "MISSING", "srcURL": "NOT_ABSOLUTE", "timeout": "OUT_OF_RANGE"}
        assert caught.value.reason == "INVALID_REQUEST"
    good, bad = client.validate_many([document | {"title": "x", "srcURL": "/x", "timeout": 1}, document])
    assert good is None
    assert isinstance(bad, InvalidRequestError)
    assert bad.reason == "INVALID_REQUEST"
    assert {fault.field: fault.reason for fault in bad.violations} == named
    assert list(client.jobs()) == []


def test_errors_are_told_by_class(api: Api, client: StagerClient, document: dict[str, Any], users: Users) -> None:
    """Not signed in, not allowed, not found."""
    with pytest.raises(NotAllowedError) as refused:
        client.submit(document | {"stagerUser": users.piet})
    assert refused.value.reason == "MAY_NOT_ACT_AS"
    with pytest.raises(NotAllowedError):
        client.submit({key: value for key, value in document.items() if key != "drPass"})
    with pytest.raises(NotFoundError):
        client.resolve_collection("9999999.99")
    with pytest.raises(NotFoundError):
        list(client.watch(["nosuch"]))
    wrong = ClientSettings(api.address, user="jan", password="wrong")
    with StagerClient(wrong, QUICK) as other, pytest.raises(NotSignedInError):
        other.get("x")


def test_key_rotation_is_not_noticed(
    tmp_path: Path, settings: dict[str, Any], redis_server: RedisServer, redis: Redis, document: dict[str, Any],
    users: Users,
) -> None:  # fmt: skip
    """One and many tasks sealed with a key that is gone are sealed anew and taken, each once; bad ones stay refused."""
    keys = tmp_path / "keys"
    keys.mkdir()
    add_key(keys, "old")
    api = start_api(tmp_path, {**settings, "sealing_keys": str(keys)}, redis_server.url)
    try:
        with StagerClient(ClientSettings(api.address, user="jan", password="pw"), QUICK) as client:
            client.submit(document)
            add_key(keys, "new")
            set_current(keys, "new")
            (keys / "old.pub.pem").unlink()
            (keys / "old.pem").unlink()
            _until_current(api, "new")
            tasks = [document | {"title": f"t{number}"} for number in range(5)] + [document | {"title": ""}]
            *taken, bad = client.submit_many(tasks)
            assert all(isinstance(job, Job) for job in taken)
            assert isinstance(bad, InvalidRequestError)
            assert {fault.field for fault in bad.violations} == {"title"}
            assert len(list(client.jobs())) == 6
        ring = Keyring.load(keys)
        sealed = [redis.hget(f"rq:job:{job.id}", "stager_credential") for job in taken if isinstance(job, Job)]
        assert {ring.open((text or b"").decode(), owner=users.jan, dr_user="jan@ru.nl") for text in sealed} == {
            "S3cret-päss"
        }
    finally:
        assert api.stop() == 0


def _until_current(api: Api, key_id: str) -> None:
    """Wait until the service hands out this key."""
    deadline = time.monotonic() + SECONDS
    while api.credentials.GetSealingKey(credential_service_pb2.GetSealingKeyRequest()).key_id != key_id:
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_asyncio_client_does_the_same(api: Api, document: dict[str, Any], users: Users) -> None:
    """Submit, list, measure, room."""

    async def run() -> None:
        settings = ClientSettings(api.address, user="jan", password="pw", timeout=SECONDS)
        async with AsyncStagerClient(settings, QUICK) as client:
            job = await client.submit(document)
            assert [one.id async for one in client.jobs()] == [job.id]
            assert (await client.report_page(job.id)).complete is False
            assert [file async for file in client.report(job.id)] == []
            last = [one async for one in client.measure([OPEN + "/none"])][-1]
            assert (last.final, last.measured[0].problem) == (True, 1)
            assert (await client.free_space(OPEN)).total_bytes > 0
            with pytest.raises(WrongStateError):
                await client.log(job.id)

    assert users
    asyncio.run(run())


def stager(api: Api, *arguments: str, text: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """A run of the command as jan's service."""
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "STAGER_ADDRESS": api.address, "STAGER_USER": "jan",
        "STAGER_PASSWORD": "pw", **more,
    }  # fmt: skip
    return subprocess.run(
        [BIN / "stager", *arguments],
        env=environment, input=text, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_command_from_submit_to_report(
    api: Api, document: dict[str, Any], take: Callable[[], Lease], tmp_path: Path
) -> None:
    """The README's way, with the real service behind it."""
    checked = stager(api, "submit", "--check", "-", text=json.dumps(document))
    assert (checked.returncode, checked.stdout) == (0, "in order: 1\n")
    bad = stager(api, "submit", "-", text=json.dumps(document | {"srcUrl": "x", "title": ""}))
    assert bad.returncode == 3
    assert "did you mean srcURL?" in bad.stderr
    assert "title: is needed" in bad.stderr
    made = stager(api, "submit", "--json", "-", text=json.dumps([document, document]))
    assert made.returncode == 0, made.stderr
    first, second = (result["job"]["id"] for result in json.loads(made.stdout)["results"])
    held = take()
    held.update(Progress(files_total=3, files_transferred=2, files_failed=1, totals_final=True))
    held.finish(Verdict.FAIL, JobError(ErrorClass.PARTIAL, "partial", "1 file failed"))
    watched = stager(api, "watch", "--json", first)
    assert watched.returncode == 10
    assert json.loads(watched.stdout.splitlines()[-1])["job"]["state"] == "failed"
    reported = stager(api, "report", first)
    assert reported.returncode == 0
    assert "attempt 1: 2 transferred, 0 skipped, 1 failed of 3 files" in reported.stdout
    assert stager(api, "log", first).returncode == 6
    stopped = stager(api, "stop", "--json", second, "nosuch")
    assert stopped.returncode == 5
    listed = json.loads(stager(api, "list", "--json").stdout)
    assert [job["state"] for job in listed["jobs"]] == ["stopped", "failed"]
    assert stager(api, "project", "3010000.01").stdout == "/nl.ru.donders/di/dccn/DAC_3010000.01_173\n"
    assert stager(api, "measure", "/etc").returncode == 5
    assert stager(api, "get", first, STAGER_PASSWORD="wrong").returncode == 4
    assert stager(api, "get", first, STAGER_ADDRESS="127.0.0.1:1", STAGER_TIMEOUT="1").returncode == 7
    assert tmp_path.exists()


def test_example_streamer_sends_with_the_service_account(
    api: Api, take: Callable[[], Lease], redis: Redis, users: Users
) -> None:
    """A project number and a folder in, an end that is told; no password of the repository anywhere."""
    done = threading.Event()

    def work() -> None:
        while not done.wait(0.1):
            try:
                lease = take()
            except AssertionError:
                continue
            lease.update(Progress(files_total=1, files_transferred=1, bytes_total=9, bytes_transferred=9))
            lease.finish(Verdict.COMPLETE)
            return

    worker = threading.Thread(target=work)
    worker.start()
    try:
        ran = subprocess.run(
            [sys.executable, EXAMPLE, "3010000.01", "/project/3010000.01/raw/sub-01"],
            env={
                "PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "STAGER_ADDRESS": api.address,
                "STAGER_USER": "streamer", "STAGER_PASSWORD": "pw", "STREAMER_DR_USER": "dccn-streamer",
                "STREAMER_STAGER_USER": users.jan,
            },
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        done.set()
        worker.join(SECONDS)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[-1].endswith("completed, 1 files")
    [key] = redis.scan_iter("rq:job:*")
    assert redis.hget(key, "stager_principal") == b"service:streamer"
    assert not redis.hexists(key, "stager_credential")


def test_throttled_login_says_so(tmp_path: Path, settings: dict[str, Any], redis_server: RedisServer) -> None:
    """TooManyError, which the command tells apart from a wrong password."""
    api = start_api(tmp_path, {**settings, "logins": {"failures_by_name": 1}}, redis_server.url)
    try:
        errors: list[type[StagerError]] = []
        for number in range(2):
            login = ClientSettings(api.address, user="jan", password=f"wrong{number}")
            with StagerClient(login, QUICK) as client, pytest.raises(StagerError) as caught:
                client.get("x")
            errors.append(type(caught.value))
        assert errors == [NotSignedInError, TooManyError]
    finally:
        assert api.stop() == 0


@pytest.mark.skipif(not ROOT, reason="needs root, to list as another user")
def test_directories_are_walked_as_the_user(client: StagerClient, users: Users) -> None:
    """Entries, sizes and room of the user's own home."""
    home = Path("/home") / users.jan
    (home / "data").mkdir()
    (home / "data" / "f").write_bytes(b"12345")
    os.chown(home / "data", home.stat().st_uid, home.stat().st_gid)
    assert [entry.name for entry in client.list_directory(str(home / "data"))] == ["f"]
    *_, last = client.measure([str(home / "data")])
    assert (last.measured[0].files, last.measured[0].bytes) == (1, 5)
