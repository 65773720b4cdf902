"""The stack of deploy/compose.yaml, really run: prepared, started, asked, and taken down."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stager_sandbox.free_port import free_ports

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
ENGINE = os.environ.get("CONTAINER_ENGINE", "podman")
SERVICES = ("redis", "api", "worker", "ui", "admin")
SECONDS = 120


def run(*command: str | Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command; what it says stands in the failure if it fails."""
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SECONDS, cwd=ROOT, check=False
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


class Stack:
    """A stack in a folder of its own; a context manager, which takes it down with its volumes.

    Attributes:
        folder: What deploy/prepare.py made.
        ports: By part, where it is published.
    """

    def __init__(self, name: str, *, sandbox: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        self.folder.chmod(0o755)
        self.ports = dict(zip(("api", "ui", "admin", "login"), free_ports(4), strict=True))
        self._name = f"{name}{os.getpid()}"
        self._files = ["deploy/compose.yaml", *(["deploy/compose.sandbox.yaml"] if sandbox else [])]
        options = [f"--{part}-port={port}" for part, port in self.ports.items()]
        run(sys.executable, "deploy/prepare.py", self.folder, *options, *(["--sandbox"] if sandbox else []))
        if sandbox:  # short, since tests stop workers
            with (self.folder / "config/worker.yml").open("a") as settings:
                settings.write("\nstop_grace: 1\n")
        (self.folder / "project").mkdir(exist_ok=True)
        (self.folder / "sssd").mkdir()
        said = run("sh", "-c", '. "$0" && env', self.folder / "env.sh").stdout
        told = dict(line.split("=", 1) for line in said.splitlines() if line.startswith("STAGER_"))
        own = {"STAGER_PROJECT": str(self.folder / "project"), "STAGER_SSSD": str(self.folder / "sssd")}
        self._environment = os.environ | told | own

    def __enter__(self) -> Self:
        try:
            self.compose("up", "-d", "--no-build")
            self.wait_healthy()
        except BaseException:
            self._take_down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._take_down()

    def compose(self, *arguments: str) -> str:
        """Run compose on it."""
        program: list[str | Path] = [ENGINE, "compose"] if ENGINE == "docker" else [BIN / "podman-compose"]
        files = [part for file in self._files for part in ("-f", file)]
        return run(*program, "-p", self._name, *files, *arguments, environment=self._environment).stdout

    def container(self, service: str) -> str:
        """A service's container."""
        return f"{self._name}{'-' if ENGINE == 'docker' else '_'}{service}{'-' if ENGINE == 'docker' else '_'}1"

    def inside(self, service: str, *command: str) -> str:
        """What a command says in a service's container."""
        return run(ENGINE, "exec", self.container(service), *command).stdout

    def wait_healthy(self, *services: str) -> None:
        """Wait until their health checks say that they are well."""
        deadline = time.monotonic() + SECONDS
        for service in services or SERVICES:
            while fault := self._fault(service):
                assert time.monotonic() < deadline, f"{service}: {fault}\n{self.said(service)}"
                time.sleep(0.5)

    def said(self, service: str) -> str:
        """The last lines of a service's log."""
        done = subprocess.run(
            [ENGINE, "logs", "--tail", "40", self.container(service)], capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def stager(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the `stager` command against it."""
        environment = {"STAGER_CONFIG": str(self.folder / "secrets/client.toml"), "PATH": "/usr/bin:/bin"}
        return subprocess.run(
            [BIN / "stager", *arguments], env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    def move(self, source: str, destination: str, person: str = "alice") -> dict[str, Any]:
        """Move a tree as a person, who is the local user of that name; gives the job once it has ended."""
        job_id = self.submit(source, destination, person)
        self.stager("watch", job_id)
        return self.job(job_id)

    def submit(self, source: str, destination: str, person: str = "alice") -> str:
        """Have a tree moved as a person; gives the job's id."""
        task = {
            "title": "moved",
            "srcURL": source,
            "dstURL": destination,
            "drUser": person,
            "drPass": self.password(person),
            "stagerUser": person,
            "stagerEmail": f"{person}@example.org",
        }
        document = self.folder / "secrets" / "task.json"
        document.write_text(json.dumps(task))
        submitted = self.stager("submit", "--json", document)
        assert submitted.returncode == 0, submitted.stderr
        return str(json.loads(submitted.stdout)["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """How a job stands."""
        done = self.stager("get", "--json", job_id)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def password(self, person: str) -> str:
        """A person's, the same everywhere."""
        lines = (self.folder / "secrets/people").read_text().splitlines()
        return dict(line.split() for line in lines)[person]

    def _fault(self, service: str) -> str:
        """What a service's health check complains of; nothing if it is well."""
        container = self.container(service)
        if ENGINE == "podman":  # has no clock of its own for them without systemd
            done = subprocess.run(
                [ENGINE, "healthcheck", "run", container], capture_output=True, text=True, timeout=30, check=False
            )
            return f"{done.returncode} {done.stdout} {done.stderr}" if done.returncode else ""
        state = run(ENGINE, "inspect", "--format", "{{.State.Health.Status}}", container).stdout.strip()
        return "" if state == "healthy" else state

    def _take_down(self) -> None:
        self.compose("down", "-v")
        shutil.rmtree(self.folder, ignore_errors=True)
