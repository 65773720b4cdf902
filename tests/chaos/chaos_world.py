"""The whole stager as processes that a test may kill: Redis, zone, API, and workers on several machines.

A machine is a process namespace and a log directory of its own, so that no worker sees another one's processes or
locks: only what stands in Redis keeps two of them from running the same job.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml
from stager_client import ClientSettings, StagerClient
from stager_client.retry import Retry
from stager_credentials.key_directory import add_key
from stager_sandbox.free_port import free_port
from stager_sandbox.processes import Child
from stager_sandbox.redis_server import RedisServer
from stager_sandbox.zone import ZoneFiles

BIN = Path(sys.executable).parent
ZONE = "chaosZone"
CALLER, PASSWORD = "chaos", "chaos-password"
_UNSHARE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


@dataclass
class Machine:
    """A worker on a machine of its own; `shared` ones see each other's processes."""

    name: str
    shared: bool
    child: Child | None = None
    returns_at: float = 0.0

    def descendants(self) -> list[psutil.Process]:
        """All that the worker has started."""
        if self.child is None:
            return []
        with suppress(psutil.Error):
            return psutil.Process(self.child.pid).children(recursive=True)
        return []


@dataclass
class World:
    """What runs; `start` and all that starts programs again belong to the main thread, with which they end."""

    root: Path
    users: list[str]
    isync: Path
    """The program that workers run for each job."""
    machines: list[Machine]
    slots: int = 2
    """Of each worker."""
    zone_passwords: dict[str, str] = field(default_factory=dict)
    api: Child | None = None
    api_returns_at: float = 0.0

    def __post_init__(self) -> None:
        """Make the directories."""
        self.logs = self.root / "logs"
        for folder in (self.logs, self.root / "project"):
            folder.mkdir()
            folder.chmod(0o755)
        self.redis = RedisServer(self.root / "redis")
        self._api_port = free_port()
        self.zone_passwords = {user: f"zone-password-of-{user}" for user in self.users}

    def start(self, *, workers: bool = True) -> None:
        """Start everything."""
        self.redis.start()
        self._start_zone()
        self._write_settings()
        self.start_api().wait_ready()
        for machine in self.machines if workers else ():
            self.start_worker(machine)

    def stop(self) -> None:
        """End everything; safe at any time."""
        for machine in self.machines:
            end_worker(machine)
        for machine in self.machines:
            if machine.child:
                machine.child.stop(40)
                machine.child = None
        if self.api:
            self.api.stop()
        with suppress(AttributeError):
            self.zone_child.stop()
        self.redis.stop()

    def client(self) -> StagerClient:
        """A connection to the API, which tries again for a while."""
        address = f"127.0.0.1:{self._api_port}"
        return StagerClient(ClientSettings(address, user=CALLER, password=PASSWORD, timeout=10), Retry(tries=3))

    def start_api(self) -> Child:
        """Start the API; doesn't wait for it."""
        command = [BIN / "stager-api", "serve", "--config", self.root / "api.yml"]
        self.api = Child("api", command, log=self.logs / "api.log", environment=_environment())
        return self.api

    def start_worker(self, machine: Machine) -> None:
        """Start a machine's worker."""
        command = [*([] if machine.shared else _UNSHARE), BIN / "stager-worker"]
        command += ["--config", self.root / f"{machine.name}.yml"]
        machine.child = Child(machine.name, command, log=self.logs / f"{machine.name}.log", environment=_environment())

    def kill_worker(self, machine: Machine) -> None:
        """Kill a worker and all that it started, as when its machine loses power; its transfers are cut off, too."""
        assert machine.child
        family = machine.descendants()
        machine.child.kill()
        for process in family:
            with suppress(psutil.Error):
                process.kill()
        machine.child = None

    def _start_zone(self) -> None:
        (self.root / "zone").mkdir(mode=0o700)
        settings = {"users": self.zone_passwords, "data": str(self.root / "zone"), "zone_name": ZONE}
        self.zone_child = Child(
            "zone",
            [sys.executable, "-m", "stager_sandbox.zone_process"],
            log=self.logs / "zone.log",
            stdin=json.dumps(settings).encode(),
        )
        self.zone_host, _, self._zone_port = self.zone_child.wait_ready().rpartition(":")
        self.zone = ZoneFiles.at(self.root / "zone", ZONE)

    def _write_settings(self) -> None:
        keys, public = self.root / "keys", self.root / "public-keys"
        add_key(keys, "chaos")
        public.mkdir()
        for name in ("chaos.pub.pem", "current"):
            (public / name).write_bytes((keys / name).read_bytes())
        hashed = subprocess.run(
            [BIN / "stager-api", "hash-password"],
            input=f"{PASSWORD}\n{PASSWORD}\n",
            capture_output=True,
            text=True,
            check=True,
            start_new_session=True,
        )
        self._write(
            "api.yml",
            {
                "grpc": {"host": "127.0.0.1", "port": self._api_port},
                "redis": {"url": self.redis.url},
                "sealing_keys": str(public),
                "service_users": {
                    CALLER: {
                        "password_hash": hashed.stdout.split()[-1],
                        "acts_as": self.users,
                        "service_accounts": self.users,
                    }
                },
                "directories": {"roots": [str(self.root / "project")]},
            },
        )
        for machine in self.machines:
            self._write(
                f"{machine.name}.yml",
                {
                    "redis": {"url": self.redis.url},
                    "dr": {
                        "host": self.zone_host,
                        "port": int(self._zone_port),
                        "zone": ZONE,
                        "client_server_policy": "CS_NEG_REFUSE",
                        "organisationalUnits": [
                            {"name": user, "irodsUser": user, "irodsPass": password}
                            for user, password in self.zone_passwords.items()
                        ],
                    },
                    "isync": {"program": str(self.isync)},
                    "roots": [str(self.root / "project")],
                    "jobs": {"retry_delays": [1] * 20, "lease": 35, "fence": 10},
                    "keyring": str(keys),
                    "log_directory": str(self.logs / f"{machine.name}-jobs"),
                    "stop_grace": 1,
                    "concurrency": self.slots,
                    "first_user_id": 0,
                },
            )

    def _write(self, name: str, settings: dict[str, Any]) -> None:
        path = self.root / name
        path.touch(0o600)
        path.write_text(yaml.safe_dump(settings))


def end_worker(machine: Machine) -> bool:
    """Ask a worker to end, as a rolling update does; False if there is none."""
    if machine.child is None:
        return False
    # unshare passes no signal on; what it has started is the worker.
    family = [psutil.Process(machine.child.pid)] if machine.shared else machine.descendants()[:1]
    with suppress(psutil.Error):
        for process in family:
            process.terminate()
    return bool(family)


def slots(machine: Machine) -> list[psutil.Process]:
    """The processes of a worker that run jobs, and its keeper."""
    found = []
    for process in machine.descendants():
        with suppress(psutil.Error):
            above = process.parent()
            if _is_worker(process) and above and _is_worker(above):
                found.append(process)
    return found


def transfers(machine: Machine) -> list[psutil.Process]:
    """The transfers that a worker runs."""
    found = []
    for process in machine.descendants():
        with suppress(psutil.Error):
            if "--connection-fd" in process.cmdline():
                found.append(process)
    return found


def _is_worker(process: psutil.Process) -> bool:
    command = process.cmdline()
    return any(part.endswith("/stager-worker") for part in command) and "unshare" not in command[0]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("STAGER_")}
