"""The admin service as its users meet it: a real process, a real Redis, real HTTP."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from stager_admin.login import Throttle
from stager_sandbox.redis_server import RedisServer

PROGRAM = Path(sys.executable).parent / "stager-admin"


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server of this module's own."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture
def address(redis_url: str, tmp_path: Path) -> Iterator[str]:
    """A running admin service."""
    with running(redis_url, tmp_path) as found:
        yield found


@contextmanager
def running(redis_url: str, tmp_path: Path, more: str = "") -> Iterator[str]:
    """An admin service with more settings; its log is in the folder."""
    config = tmp_path / "admin.yml"
    users = f"users:\n  root: {PasswordHasher(1, 8, 1).hash('right')}\n"
    config.write_text(f"redis_url: {redis_url}\nport: 0\n{users}{more}")
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([PROGRAM, "--config", config], stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout
    ready = process.stdout.readline()
    assert ready.startswith("ready "), (tmp_path / "log").read_text()
    yield f"http://{ready.split()[1]}"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def ask(
    url: str, password: str = "right", *, user: str = "root", method: str = "GET", **headers: str
) -> tuple[int, str]:
    """Status and text of an answer, with a login."""
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    request = urllib.request.Request(
        url,
        method=method,
        headers={"Authorization": f"Basic {login}", **{k.replace("_", "-"): v for k, v in headers.items()}},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def enqueue_failed(redis_url: str) -> str:
    """A failed job in the default queue."""
    redis = Redis.from_url(redis_url)
    queue = Queue("default", connection=redis, serializer=JSONSerializer)
    job = queue.enqueue("nowhere.function", description="a transfer")
    queue.remove(job)
    queue.failed_job_registry.add(job, ttl=60)
    job.set_status("failed")
    return job.id


def test_pages_need_the_right_password(address: str) -> None:
    """The dashboard opens with the right password and with no other."""
    assert ask(f"{address}/rq/")[0] == 200
    assert ask(f"{address}/rq/", "wrong")[0] == 401
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{address}/rq/", timeout=10)


def test_guessing_is_slowed(address: str) -> None:
    """After five wrong passwords even the right one has to wait."""
    answers = [ask(f"{address}/rq/", "wrong")[0] for _ in range(6)]
    assert answers == [401] * 5 + [429]
    assert ask(f"{address}/rq/")[0] == 429


def test_guessing_doesnt_lock_the_administrator_out() -> None:
    """Nor does a flood of names fill the memory; and passwords tried at once are no more than those tried in turn."""
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    assert throttle.attempt("root", "192.0.2.1", lambda: True)
    for number in range(6):
        assert not throttle.attempt("root", f"198.51.100.{number}", lambda: False)
    assert throttle.blocked("root", "198.51.100.99")
    assert not throttle.blocked("root", "192.0.2.1")
    now[0] = 61.0
    assert not throttle.blocked("root", "198.51.100.99")
    for number in range(20_000):
        throttle.attempt(f"name{number}", str(number), lambda: False)
    assert len(throttle._failures) <= 10_000
    tried: list[int] = []

    def check() -> bool:
        tried.append(1)
        return False

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: throttle.attempt("root", "203.0.113.1", check), range(20)))
    assert len(tried) == 5


def test_looking_changes_nothing(address: str, redis_url: str) -> None:
    """Every page that answers GET, for a failed job and one whose worker is gone: Redis is as it was."""
    job_id, lost = enqueue_failed(redis_url), enqueue_failed(redis_url)
    redis = Redis.from_url(redis_url)
    redis.hset(f"rq:job:{lost}", "status", "started")
    redis.zadd("rq:wip:default", {f"{lost}:execution": 1})
    before = {key: redis.dump(key) for key in redis.scan_iter()}
    lists = [
        f"/rq/0/{kind}/jobs/default/{name}/8/asc/1{end}"
        for kind, end in (("view", ""), ("data", ".json"))
        for name in ("queued", "started", "failed", "finished", "canceled", "deferred", "scheduled")
    ]
    pages = ["/rq/", "/rq/0/view", "/rq/0/view/workers", "/rq/0/data/queues.json", "/rq/0/data/workers.json"]
    pages += [f"/rq/0/view/job/{job_id}", f"/rq/0/data/job/{lost}.json", *lists]
    assert {ask(address + page)[0] for page in pages} == {200}
    changing = ["requeue/default", f"job/{job_id}/requeue", f"job/{job_id}/delete", "queue/default/failed/empty"]
    for page in [*changing, "queue/default/compact"]:
        for method in ("GET", "HEAD", "OPTIONS"):
            assert ask(f"{address}/rq/{page}", method=method)[0] in {405, 200}
    assert {key: redis.dump(key) for key in redis.scan_iter()} == before
    redis.flushall()


def test_texts_are_no_markup(address: str, redis_url: str) -> None:
    """Fault 7: a job's description and call go into rq-dashboard's pages as they are; so no answer holds a tag."""
    job_id = enqueue_failed(redis_url)
    Redis.from_url(redis_url).hset(f"rq:job:{job_id}", "description", "<img src=x onerror=alert(1)>")
    for page in ("/rq/0/data/jobs/default/failed/8/asc/1.json", f"/rq/0/data/job/{job_id}.json"):
        status, text = ask(address + page)
        assert status == 200
        assert "&lt;img src=x" in text
        assert "<" not in text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("host: 0.0.0.0", "passwords in clear"),
        ("certificate: /a", "belong together"),
        ('redis_url: "rediss://h/0?ssl_cert_reqs=none"', "what is verified is no part of it"),
    ],
)
def test_nothing_is_open_without_a_word(tmp_path: Path, more: str, words: str) -> None:
    """Neither passwords in clear beyond this machine nor a Redis that nobody verifies."""
    config = tmp_path / "admin.yml"
    lines = {"redis_url": "redis://127.0.0.1/0"} if not more.startswith("redis_url") else {}
    config.write_text("\n".join([*(f"{k}: {v}" for k, v in lines.items()), more, "users: {root: x}", "port: 0"]))
    result = subprocess.run([PROGRAM, "--config", config], capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 2
    assert words in result.stderr


def test_jobs_are_shown_without_pickle(address: str, redis_url: str) -> None:
    """A job stored as JSON is shown; its pages and lists answer."""
    job_id = enqueue_failed(redis_url)
    status, text = ask(f"{address}/rq/0/data/jobs/default/failed/8/asc/1.json")
    assert status == 200
    assert job_id in text
    for page in (f"/rq/0/view/job/{job_id}", f"/rq/0/data/job/{job_id}.json", "/rq/0/data/workers.json"):
        assert ask(address + page)[0] == 200
    assert ask(f"{address}/rq/0/view/job/none")[0] == 404


def test_pickled_job_runs_nothing(address: str, redis_url: str, tmp_path: Path) -> None:
    """Data that would run code when read as pickle is not run by any page."""
    planted = tmp_path / "planted"
    pickle = b"cos\nsystem\n(S'touch " + os.fsencode(planted) + b"'\ntR."
    job_id = enqueue_failed(redis_url)
    Redis.from_url(redis_url).hset(f"rq:job:{job_id}", "data", pickle)
    Redis.from_url(redis_url).hset(f"rq:job:{job_id}", "meta", pickle)
    for page in (
        "/rq/0/data/jobs/default/failed/8/asc/1.json",
        f"/rq/0/data/job/{job_id}.json",
        f"/rq/0/view/job/{job_id}",
    ):
        ask(address + page)
    ask(f"{address}/rq/job/{job_id}/requeue", method="POST", Sec_Fetch_Site="same-origin")
    assert not planted.exists()


def test_changes_only_by_post_from_own_pages(address: str, redis_url: str) -> None:
    """A requeue by GET or from another site is refused; from the dashboard's own page it is done."""
    enqueue_failed(redis_url)
    url = f"{address}/rq/requeue/default"
    assert ask(url)[0] == 405
    assert ask(url, method="POST")[0] == 403
    assert ask(url, method="POST", Sec_Fetch_Site="cross-site")[0] == 403
    assert ask(url, method="POST", Origin="https://evil.example")[0] == 403
    assert ask(url, method="POST", Sec_Fetch_Site="same-origin")[0] == 200


def test_read_only_is_read_only(redis_url: str, tmp_path: Path) -> None:
    """Its own pages may change nothing either."""
    job_id = enqueue_failed(redis_url)
    with running(redis_url, tmp_path, "read_only: true\n") as address:
        for page in ("requeue/default", f"job/{job_id}/requeue", f"job/{job_id}/delete"):
            assert ask(f"{address}/rq/{page}", method="POST", Sec_Fetch_Site="same-origin")[0] == 403
        assert ask(f"{address}/rq/job/{job_id}/delete", method="DELETE", Sec_Fetch_Site="same-origin")[0] == 403
        assert ask(f"{address}/rq/")[0] == 200


def test_the_log_tells_who_failed_and_no_secret(address: str, tmp_path: Path) -> None:
    """A password that was typed in the name's place stands in it no more than one in its own."""
    assert ask(f"{address}/rq/", "M4rked-password")[0] == 401
    assert ask(f"{address}/rq/", "x", user="M4rked-name")[0] == 401
    written = (tmp_path / "log").read_text()
    assert "login failed" in written
    assert "root" in written
    assert "M4rked" not in written


def test_health_needs_no_login(address: str) -> None:
    """A container's health check gets its answer without a password."""
    with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
        assert answer.status == 200


def test_missing_settings_are_named_in_a_line_each(tmp_path: Path) -> None:
    """A failed start says which keys are missing, and ends with 2."""
    config = tmp_path / "admin.yml"
    config.write_text("port: 1\n")
    result = subprocess.run([PROGRAM, "--config", config], capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 2
    assert f"{config}:1: redis_url: Field required" in result.stderr
    assert "Traceback" not in result.stderr
