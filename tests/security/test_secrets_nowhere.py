"""Whole transfers with known secrets; then nothing but the files that hold them by design may tell any of them."""

from __future__ import annotations

import base64
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest
import yaml
from redis import Redis
from secret_search import Secrets, Watch, forms_of, in_files, in_redis
from stager_redis import connect
from stager_sandbox.demo.cast import BIN, Cast
from stager_sandbox.demo.place import Place
from stager_sandbox.demo.services import Services, demo_login
from stager_sandbox.free_port import free_port
from stager_sandbox.processes import Child
from stager_sandbox.zone import ZoneFiles

if TYPE_CHECKING:
    from integration_stack import LocalUsers, Stack

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.timeout(280)]

ADMIN = "Adm1n-of-the-dashboard"
FRESH_PLACES = [Path("/tmp"), Path("/var/tmp"), Path("/dev/shm")]  # noqa: S108 - that is where one would look


def test_the_search_finds_what_is_planted(tmp_path: Path) -> None:
    """In every form, in files, environments and command lines; else finding nothing would mean nothing."""
    secret = "S3cret/with+odd=päss"
    secrets = Secrets({"it": secret})
    for form in (
        secret.encode(), base64.b64encode(f"jan:{secret}".encode()), base64.b64encode(secret.encode()),
        json.dumps({"a": secret}).encode(), secret.encode().hex().encode(),
    ):  # fmt: skip
        assert secrets.find(b"xx" + form + b"yy") == {"it"}, form
    assert not secrets.find(b"nothing of it")
    (tmp_path / "f").write_text(secret)
    assert [name for name, data in in_files([tmp_path], since=0) if secrets.find(data)] == [str(tmp_path / "f")]
    with Watch(secrets, [tmp_path]) as watch:
        held = [
            subprocess.Popen(["sleep", "30"], env={"PASS": secret}),
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)", secret]),
        ]
        deadline = time.monotonic() + 20
        while len({place.split(":")[0] for place, _ in watch.found}) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        for one in held:
            one.kill()
            one.wait()
    assert {place.split(":")[0] for place, _ in watch.found} == {
        "process environ", "process cmdline", f"temporary file {tmp_path}/f",
    }  # fmt: skip


class Watched:
    """The stager with mail, metrics, audit file and dashboard, its Redis under observation."""

    def __init__(self, running: ExitStack, root: Path, users: LocalUsers) -> None:
        from integration_stack import PROGRAM, Stack, runnable_isync

        isync = runnable_isync(root, pwd.getpwnam(users.user).pw_uid) if os.geteuid() == 0 else PROGRAM
        if isync is None:
            pytest.skip("neither this Python nor /usr/bin/python3 can be run by other users")
        me = () if os.geteuid() in {0, *range(1000, 65534)} else (users.user,)
        cast = Cast(
            {"alice": users.user, "bob": users.other, "carol": ""},
            acts_as=tuple({users.user, users.other}), system_users=me, isync=isync, workers=0, guarded=False,
            worker_settings={"jobs": {"retry_delays": [1], "lease": 35, "fence": 10}},
        )  # fmt: skip
        self.place = Place(root / "demo")
        running.enter_context(self.place.held())
        self.services = Services(running, self.place, cast, demo_login("Demo-l0gin-password"))
        told = self.services.sandbox
        self.passwords = {who["name"]: who["password"] for who in told["users"]}
        zone = ZoneFiles.at(self.place.sandbox / "zone", told["zone"]["name"])
        self.audit = self.place.logs / "audit.jsonl"
        self.metrics = [self._api(running), self._worker(running, told["mail"])]
        self.admin = self._admin(running, told["redis"]["url"])
        self.stack = Stack(self.place, self.services, users.user, users.other, users.group, zone, self.passwords)
        self.redis_url = told["redis"]["url"]
        self.mails = Path(told["mail"]["folder"])

    def _start(self, running: ExitStack, name: str, command: list[Any], *, ready: bool = True) -> str:
        plain = {key: value for key, value in os.environ.items() if not key.startswith("STAGER_")}
        child = Child(name, command, log=self.place.logs / f"{name}.log", environment=plain)
        running.callback(child.stop, 30)
        self.services.children.append(child)
        return child.wait_ready() if ready else ""

    def _api(self, running: ExitStack) -> str:
        settings = yaml.safe_load(self.place.api_settings.read_text())
        port = free_port()
        settings |= {
            "grpc": {"port": 0},
            "metrics": {"port": port},
            "logs": {"level": "debug", "audit_file": str(self.audit)},
            "jobs": {"log_directory": str(self.place.logs / "jobs")},
        }
        path = self._private("api-2.yml", settings)
        address = self._start(running, "api-2", [BIN / "stager-api", "--config", path])
        text = self.place.client_settings.read_text()
        self.place.client_settings.write_text(text.replace(json.dumps(self.services.address), json.dumps(address)))
        return f"http://127.0.0.1:{port}/metrics"

    def _worker(self, running: ExitStack, mail: dict[str, Any]) -> str:
        settings = yaml.safe_load(self.place.worker_settings.read_text())
        port = free_port()
        settings |= {
            "concurrency": 2,
            "isync": settings["isync"] | {"options": ["--bwlimit", "100K"]},  # so that the watch comes to see it
            "log_level": "debug",
            "sweep_every": 1,
            "forget_every": 1,
            "metrics": {"port": port},
            "mail": {
                "host": mail["host"], "port": mail["port"], "security": "none", "sender": "stager@example.org",
                "admins": ["admin@example.org"],
            },
        }  # fmt: skip
        path = self._private("worker-2.yml", settings)
        self._start(running, "worker-2", [BIN / "stager-worker", "--config", path], ready=False)
        return f"http://127.0.0.1:{port}/metrics"

    def _admin(self, running: ExitStack, redis_url: str) -> str:
        hashed = subprocess.run(
            [BIN / "stager-admin", "hash-password"], input=f"{ADMIN}\n{ADMIN}\n", capture_output=True, text=True,
            check=True, start_new_session=True,
        )  # fmt: skip
        settings = {"redis_url": redis_url, "users": {"root": hashed.stdout.split()[-1]}, "port": 0}
        path = self._private("admin.yml", settings)
        return "http://" + self._start(running, "admin", [BIN / "stager-admin", "--config", path])

    def _private(self, name: str, settings: dict[str, Any]) -> Path:
        path = self.place.private / name
        path.touch(0o600)
        path.write_text(yaml.safe_dump(settings))
        return path

    def secrets(self) -> dict[str, str]:
        """Everything that somebody could use."""
        worker = yaml.safe_load(self.place.worker_settings.read_text())
        api = yaml.safe_load(self.place.api_settings.read_text())
        keys = "".join(path.read_text() for path in self.place.keys.glob("*.pem") if ".pub." not in path.name)
        return {
            **{f"password of {name}": password for name, password in self.passwords.items()},
            "fresh password": "Fr3sh-" + self.passwords["alice"],
            "wrong password": "Wr0ng-but-still-secret",
            "service account": worker["dr"]["organisationalUnits"][0]["irodsPass"],
            "login of the caller": "Demo-l0gin-password",
            "redis": self.redis_url.rpartition("@")[0].rpartition(":")[2],
            "ppm client secret": api["projects"]["ppm"]["client_secret"],
            "private key": keys.splitlines()[5],
            "admin": ADMIN,
        }

    def may_hold(self) -> list[Path]:
        """The files that hold secrets by design; all of them are their owner's alone."""
        private = self.place.private
        return [
            *(path for path in private.iterdir() if path.is_file()),
            self.place.keys, private / "sandbox",
        ]  # fmt: skip


@pytest.fixture(scope="module")
def watched(local_users: LocalUsers) -> Iterator[Watched]:
    """It, in a folder of its own."""
    root = Path(tempfile.mkdtemp(prefix="stager-watched-"))
    root.chmod(0o755)
    try:
        with ExitStack() as running:
            yield Watched(running, root, local_users)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _transfers(stack: Stack, watched: Watched) -> list[str]:
    """Up, down, refused, by service account, restarted with a fresh password; what the command printed."""
    said = []
    source, back = stack.folder("source", stack.user), stack.folder("back", stack.user)
    for number in range(20):
        (source / f"f{number}").write_bytes(os.urandom(20_000))
        stack.give(source / f"f{number}", stack.user, 0o600)
    mailed = {"stagerEmail": "alice@example.org"}
    home = stack.home("alice")
    service = watched.services.sandbox["service_account"]["name"]
    refused = stack.task(source, f"i:{home}/refused") | {"drPass": "Wr0ng-but-still-secret"} | mailed
    by_service = stack.task(source, f"i:/{home.split('/')[1]}/home/{service}/in")
    by_service = {key: value for key, value in by_service.items() if key != "drPass"} | {"drUser": service}
    up = stack.submit(stack.task(source, f"i:{home}/up") | mailed)
    assert stack.wait(up)["state"] == "completed"
    ids = [up, stack.submit(refused), stack.submit(by_service), stack.submit(stack.task(f"i:{home}/up", back))]
    states = [stack.wait(job_id)["state"] for job_id in ids]
    assert states == ["completed", "failed", "completed", "completed"]
    fresh = stack.place.private / "fresh"
    for password in (watched.secrets()["fresh password"], stack.passwords["alice"]):
        fresh.touch(0o600)
        fresh.write_text(password)
        done = stack.stager("restart", "--drpass-file", fresh, ids[1])
        assert done.returncode == 0, done.stderr
        state = stack.wait(ids[1])["state"]
        said += [done.stdout, done.stderr]
    assert state == "completed"
    for job_id in ids:
        for arguments in (["get"], ["get", "--json"], ["report", "--all"], ["log"], ["watch", "--json"]):
            done = stack.stager(*arguments, job_id)
            assert done.returncode == 0, (arguments, done.stderr)
            said += [done.stdout, done.stderr]
    said.append(stack.stager("list", "--json").stdout)
    fresh.write_text("Wr0ng-but-still-secret")
    done = stack.stager("list", "--user", "demo", "--password-file", fresh)
    assert done.returncode == 4
    return [*said, done.stderr]


def _dashboard(watched: Watched, redis: Redis) -> list[str]:
    """Every page about every job that the dashboard has."""
    login = httpx.BasicAuth("root", ADMIN)
    pages = ["/rq/", "/rq/0/data/queues.json", "/rq/0/data/workers.json"]
    for key in redis.scan_iter("rq:job:*"):
        job_id = key.decode().rpartition(":")[2]
        pages += [f"/rq/0/view/job/{job_id}", f"/rq/0/data/job/{job_id}.json"]
    pages += [f"/rq/0/data/jobs/default/{name}/20/asc/1.json" for name in ("queued", "finished", "failed", "canceled")]
    told = []
    with httpx.Client(base_url=watched.admin, auth=login, timeout=30) as http:
        for page in pages:
            answer = http.get(page)
            assert answer.status_code == 200, page
            told.append(answer.text)
    return told


class Monitor:
    """Everything that is sent to Redis, as its MONITOR tells it."""

    def __init__(self, url: str) -> None:
        self.lines: list[bytes] = []
        self._client = connect(url)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._client.ping()  # one more command, so that the thread sees that it is to end
        self._thread.join(20)
        self._client.close()

    def _run(self) -> None:
        with self._client.monitor() as monitor:
            self._ready.set()
            while not self._end.is_set():
                self.lines.append(str(monitor.next_command()).encode())


def test_no_secret_is_anywhere_but_where_it_belongs(watched: Watched) -> None:
    """Redis (keys, append-only file, every command), logs, reports, mails, metrics, dashboard, answers, /proc, temp."""
    began = time.time() - 1
    others = [path for place in FRESH_PLACES for path in place.iterdir() if path.is_dir()]
    secrets = Secrets(watched.secrets())
    stack = watched.stack
    own_places = [stack.place.root, Path("/home") / stack.user]
    with connect(watched.redis_url) as redis, Watch(secrets, [*FRESH_PLACES, stack.place.root]) as watch:
        with Monitor(watched.redis_url) as monitor:
            answers = _transfers(stack, watched)
        assert {"s-isync", "stager-worker", "stager-api"} <= watch.programs, "the watch saw nothing of the transfer"
        deadline = time.monotonic() + 60
        while len(list(watched.mails.glob("*.eml"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
        places: list[tuple[str, bytes]] = [("answers", "\n".join(answers).encode())]
        places += [(f"redis {name}", data) for name, data in in_redis(redis)]
        places.append(("redis commands", b"\n".join(monitor.lines)))
        places += [(f"redis file {path}", path.read_bytes()) for path in _redis_files(watched)]
        places += [(f"mail {path}", path.read_bytes()) for path in watched.mails.glob("*.eml")]
        places += [("dashboard", page.encode()) for page in _dashboard(watched, redis)]
        places += [(url, urllib.request.urlopen(url, timeout=20).read()) for url in watched.metrics]
        places += [
            ("redis clients", str(redis.client_list()).encode()),
            ("redis slowlog", str(redis.slowlog_get()).encode()),
        ]
        sealed = [name for name, data in in_redis(redis) if b"sealed:v" in data]
    places += in_files(own_places, since=began, but=watched.may_hold())
    places += in_files(FRESH_PLACES, since=began, but=others)  # folders that were there before are other programs' own
    kinds = {name.split()[0].split("/")[0] for name, _ in places}
    assert {"answers", "redis", "mail", "dashboard", "http:", ""} <= kinds
    assert len(monitor.lines) > 100
    found = {(name, secret) for name, data in places for secret in secrets.find(data)} | watch.found
    assert not found
    assert not sealed, "a credential outlives its job"
    deadline = time.monotonic() + 60
    while left := [path for path in _redis_files(watched) if b"sealed:v" in path.read_bytes()]:
        assert time.monotonic() < deadline, f"a credential outlives its job in {left}"
        time.sleep(0.5)
    names = {name for name, _ in places}
    assert str(watched.audit) in names
    assert sum(name.endswith(".report.jsonl") for name in names if str(stack.place.root) in name) == 4
    assert watched.place.private.stat().st_mode & 0o077 == 0
    assert all(path.is_relative_to(watched.place.private) for path in watched.may_hold())


def _redis_files(watched: Watched) -> list[Path]:
    files = [path for path in (watched.place.sandbox / "redis").rglob("*") if path.is_file()]
    kept = [path for path in files if path.suffix in {".aof", ".rdb", ".log"} or "appendonly" in path.name]
    assert any("aof" in path.name for path in kept)
    return kept


def test_the_forms_differ() -> None:
    """A secret that is looked for in one form only would be found in one form only."""
    assert len(forms_of("S3cret/with+odd=päss")) > 6
