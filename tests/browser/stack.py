"""The whole service over the sandbox: Redis, zone, WebDAV, OIDC, mail; API, worker and web application before them."""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from stager_credentials.key_directory import add_key
from stager_sandbox.free_port import free_port
from stager_sandbox.people import Person
from stager_sandbox.processes import Child
from stager_sandbox.sandbox import Sandbox

BIN = Path(sys.executable).parent
COLLECTION = "/nl.ru.donders/di/dccn/DAC_3010000.01_173"
"""Where alice may write."""


class Stack:
    """All of it, on loopback, in a folder of its own; a context manager.

    alice and bob are local users that are made for it, carol is none. As root only: transfers run as their users.

    Attributes:
        url: The web application.
        project: The project storage; alice's and bob's folders are in it.
        zone_data: Where the zone keeps itself, for looking into it without its protocol.
        slow: While this file is there, transfers that begin move 10 kB a second.
        passwords: By name, the same everywhere.
    """

    def __init__(self, session_seconds: int = 4 * 3600, token_seconds: int = 600) -> None:
        self._session_seconds = session_seconds
        self._token_seconds = token_seconds
        self._stack = ExitStack()
        self.local_users = {name: f"st{name}{os.getpid()}{secrets.token_hex(2)}" for name in ("alice", "bob")}
        self.passwords: dict[str, str] = {}
        self.url = ""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def home(self, name: str) -> Path:
        """Somebody's folder in the project storage."""
        return self.project / name

    def own(self, path: Path, name: str) -> None:
        """Give a file, or a folder with all in it, to somebody."""
        user = pwd.getpwnam(self.local_users[name])
        for item in [path, *(path.rglob("*") if path.is_dir() else [])]:
            os.chown(item, user.pw_uid, user.pw_gid, follow_symlinks=False)

    def _start(self, stack: ExitStack) -> None:
        base = Path(tempfile.mkdtemp(prefix="stager-"))
        # The users of the transfers have to get through to the project storage.
        base.chmod(0o755)
        stack.callback(shutil.rmtree, base, ignore_errors=True)
        for user in self.local_users.values():
            subprocess.run(["useradd", "--no-create-home", "--user-group", user], check=True, capture_output=True)
            stack.callback(subprocess.run, ["userdel", user], check=False, capture_output=True)
        self.project = base / "project"
        self.project.mkdir(mode=0o755)
        for name in self.local_users:
            self.home(name).mkdir(mode=0o750)
            self.own(self.home(name), name)
        people = [Person(name, "", self.local_users.get(name, "")) for name in ("alice", "bob", "carol")]
        self.sandbox = stack.enter_context(Sandbox(base / "sandbox", people=people, token_seconds=self._token_seconds))
        self.zone_data = base / "sandbox" / "zone"
        told = self.sandbox.description
        self.passwords = {user["name"]: user["password"] for user in told["users"]}
        shutil.copyfile(told["ca_file"], base / "ca.pem")
        (base / "keys").mkdir(mode=0o700)
        add_key(base / "keys", "test")
        self._base = base
        self.slow = base / "slow"
        api = self._run(stack, "api", self._api(told), "stager-api", "serve")
        address = api.wait_ready()
        self.api = api
        self.worker = self._run(stack, "worker", self._worker(told), "stager-worker")
        # Its address has to be known before it starts, for the way back from the OIDC provider.
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.ui = self._run(stack, "ui", self._ui(told, address, port), "stager-ui")
        self.ui.wait_ready()

    def _run(self, stack: ExitStack, name: str, settings: dict[str, Any], program: str, *arguments: str) -> Child:
        config = self._base / f"{name}.yml"
        config.touch(mode=0o600)
        config.write_text(yaml.safe_dump(settings))
        command: list[str | Path] = [BIN / program, *arguments, "--config", config]
        child = Child(name, command, log=self._base / f"{name}.log")
        stack.callback(child.stop, 40)
        return child

    def _api(self, told: dict[str, Any]) -> dict[str, Any]:
        return {
            "grpc": {"port": 0},
            "redis": {"url": told["redis"]["url"]},
            "sealing_keys": str(self._base / "keys"),
            "oauth": {"issuer": told["oidc"]["issuer"], "audience": "data-stager-api"},
            "directories": {"roots": [str(self.project)]},
            "jobs": {"log_directory": str(self._base / "transfers")},
            "logs": {"format": "json"},
        }

    def _worker(self, told: dict[str, Any]) -> dict[str, Any]:
        zone = told["zone"]
        return {
            "redis": {"url": told["redis"]["url"]},
            "dr": {
                "host": zone["host"],
                "port": zone["port"],
                "zone": zone["name"],
                "client_server_policy": "CS_NEG_DONT_CARE",
                "ssl_ca_certificate_file": str(self._base / "ca.pem"),
            },
            "isync": {"program": str(self._isync())},
            "roots": [str(self.project)],
            "keyring": str(self._base / "keys"),
            "log_directory": str(self._base / "transfers"),
            "concurrency": 2,
            "stop_grace": 1,
            "log_format": "json",
        }

    def _isync(self) -> Path:
        """s-isync as a program that any user can run: this environment's Python may lie where only root gets to."""
        program = self._base / "s-isync"
        packages = next(path for path in sys.path if path.endswith("site-packages"))
        program.write_text(
            "#!/usr/bin/python3 -I\n"
            "import os, site, sys\n"
            f"site.addsitedir({packages!r})\n"
            f"if os.path.exists({str(self.slow)!r}): sys.argv[1:1] = ['--bwlimit', '10K']\n"
            "from s_isync.cli import main\nraise SystemExit(main())\n"
        )
        program.chmod(0o755)
        return program

    def _ui(self, told: dict[str, Any], api_address: str, port: int) -> dict[str, Any]:
        return {
            "public_url": self.url,
            "listen": {"port": port, "workers": 2},
            "redis": {"url": told["redis"]["url"].removesuffix("/0") + "/1"},
            "session": {"secret": secrets.token_urlsafe(32), "seconds": self._session_seconds},
            "oidc": {
                "issuer": told["oidc"]["issuer"],
                "client_id": "stager-ui",
                "client_secret": told["oidc"]["clients"]["stager-ui"],
            },
            "api": {"target": api_address, "plaintext": True},
            "repository": {"webdav_url": told["webdav"]["url"], "start": COLLECTION},
            "storage": {"start": str(self.project / "alice")},
            "links": {"repository": "https://data.example.org", "help_desk": "mailto:help@example.org"},
            "logs": {"format": "json"},
        }


def main() -> None:
    """Run it until Enter is pressed, for clicking through it."""
    with Stack() as stack:
        told = {"url": stack.url, "project": str(stack.project), "passwords": stack.passwords}
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
        sys.stdout.flush()
        sys.stdin.readline()


if __name__ == "__main__":
    main()
