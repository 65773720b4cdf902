"""The whole stager in temporary folders: sandbox, API and workers by their commands, and local users made for it."""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from stager_sandbox.demo.cast import Cast
from stager_sandbox.demo.place import Place
from stager_sandbox.demo.services import Services, demo_login
from stager_sandbox.zone import ZoneFiles

sys.path.insert(0, str(Path(__file__).parent))
from runnable_isync import PROGRAM, runnable_isync

STAGER = Path(sys.executable).parent / "stager"
ROOT = os.geteuid() == 0
SECONDS = 120


@dataclass
class Stack:
    """What runs, and the `stager` command that speaks with it.

    `user` is the local user of alice and `other` that of bob; both are this process's own where it isn't root. `group`
    is one that `user` has beside their own; empty where this process isn't root.
    """

    place: Place
    services: Services
    user: str
    other: str
    group: str
    zone: ZoneFiles
    passwords: dict[str, str] = field(repr=False)

    def stager(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the `stager` command."""
        return subprocess.run(
            [STAGER, *arguments], env=self.environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    @property
    def environment(self) -> dict[str, str]:
        """For the `stager` command."""
        return {"STAGER_CONFIG": str(self.place.client_settings), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

    def task(self, source: Path | str, destination: Path | str, *, person: str = "alice") -> dict[str, Any]:
        """A task of alice's or bob's, as the local user that they are; paths of the zone begin with `i:`."""
        return {
            "title": f"{Path(str(source)).name} of {person}",
            "srcURL": str(source),
            "dstURL": str(destination),
            "drUser": person,
            "drPass": self.passwords[person],
            "stagerUser": self.user if person == "alice" else self.other,
            "timeout": SECONDS,
        }

    def submit(self, task: dict[str, Any]) -> str:
        """Submit a task; gives the job's id."""
        document = self.place.private / "task.json"
        document.write_text(json.dumps(task))
        done = self.stager("submit", "--json", document)
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """How a job stands."""
        done = self.stager("get", "--json", job_id)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def wait(self, job_id: str, *states: str) -> dict[str, Any]:
        """Wait until a job is in one of these states (by default: has ended)."""
        return self.wait_until(job_id, lambda job: job["state"] in (states or ("completed", "failed", "stopped")))

    def wait_until(self, job_id: str, enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until a job is as wanted."""
        deadline = time.monotonic() + SECONDS
        while not enough(job := self.job(job_id)):
            self.services.check()
            assert time.monotonic() < deadline, job
            time.sleep(0.1)
        return job

    def folder(self, name: str, owner: str) -> Path:
        """A folder of the project storage that only its owner can enter."""
        path = self.place.root / "project" / name
        path.mkdir(parents=True)
        self.give(path, owner, 0o700)
        return path

    def give(self, path: Path, owner: str, mode: int, group: str = "") -> None:
        """Change a path's owner, mode and group."""
        path.chmod(mode)
        if ROOT:
            shutil.chown(path, owner, group or None)

    def home(self, person: str) -> str:
        """A person's home collection."""
        return f"/{self.services.sandbox['zone']['name']}/home/{person}"


@dataclass(frozen=True)
class LocalUsers:
    """Local users made for the tests, where this process may make some."""

    user: str
    other: str
    group: str


@pytest.fixture(scope="session")
def local_users() -> Iterator[LocalUsers]:
    """Two of them, the first with a supplementary group; this process's own user where it isn't root."""
    if not ROOT:
        own = pwd.getpwuid(os.geteuid()).pw_name
        yield LocalUsers(own, own, "")
        return
    # The tests of another folder in the same process may have users of their own.
    mark = f"{os.getpid()}{secrets.token_hex(2)}"
    made = LocalUsers(f"sta{mark}", f"stb{mark}", f"stg{mark}")
    try:
        subprocess.run(["groupadd", made.group], check=True)
        subprocess.run(["useradd", "-M", "-G", made.group, made.user], check=True)
        subprocess.run(["useradd", "-M", made.other], check=True)
        yield made
    finally:
        for name in (made.user, made.other):
            subprocess.run(["userdel", name], check=False, capture_output=True)
        subprocess.run(["groupdel", made.group], check=False, capture_output=True)


@pytest.fixture(scope="module")
def stack(local_users: LocalUsers) -> Iterator[Stack]:
    """The whole stager, for the tests of a module."""
    users = local_users
    root = Path(tempfile.mkdtemp(prefix="stager-stack-"))
    root.chmod(0o755)
    try:
        isync = runnable_isync(root, pwd.getpwnam(users.user).pw_uid) if ROOT else PROGRAM
        if isync is None:
            pytest.skip("neither this Python nor /usr/bin/python3 can be run by other users")
        cast = Cast(
            {"alice": users.user, "bob": users.other, "carol": ""},
            acts_as=tuple({users.user, users.other}),
            system_users=() if ROOT or os.geteuid() >= 1000 else (users.user,),
            isync=isync,
            guarded=False,
            worker_settings={
                "concurrency": 2,
                "stop_grace": 1,
                "jobs": {"retry_delays": [1, 1], "lease": 35, "fence": 10},
            },
        )
        place = Place(root / "demo")
        with place.held(), ExitStack() as running:
            services = Services(running, place, cast, demo_login("demo-password"))
            told = services.sandbox
            zone = ZoneFiles.at(place.sandbox / "zone", told["zone"]["name"])
            passwords = {who["name"]: who["password"] for who in told["users"]}
            yield Stack(place, services, users.user, users.other, users.group, zone, passwords)
    finally:
        shutil.rmtree(root, ignore_errors=True)
