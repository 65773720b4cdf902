"""The services that the demo runs, each by its command, and what they need before."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from stager_sandbox.demo.cast import BIN, Cast
from stager_sandbox.demo.environment import plain_environment
from stager_sandbox.demo.errors import DemoError
from stager_sandbox.demo.place import Place
from stager_sandbox.demo.settings_files import (
    CALLER,
    Login,
    hash_password,
    write_api_settings,
    write_client_settings,
    write_ui_settings,
    write_worker_settings,
)
from stager_sandbox.free_port import free_port
from stager_sandbox.processes import Child, ChildError
from stager_sandbox.sandbox import DESCRIPTION

USUAL_API_PORT = 50051
USUAL_UI_PORT = 8080


class Services:
    """The sandbox, the API and the workers, running; a part of `stack`, which ends them in turn.

    Args:
        stack: What ends them.
        place: Where their files go.
        cast: Who and what they are started for.
        login: How the `stager` command calls.
        pages: Whether the web application runs, too.

    Attributes:
        sandbox: What the sandbox says of itself.
        address: Where the API answers.
        pages_url: Where the web application answers; empty if there is none.
        children: All programs.
    """

    def __init__(self, stack: ExitStack, place: Place, cast: Cast, login: Login, *, pages: bool = False) -> None:
        self._stack = stack
        self._logs = place.logs
        self.children: list[Child] = []
        self.pages_url = ""
        try:
            options = [part for name, local in cast.people.items() for part in ("--user", f"{name}::{local}")]
            up = self._start("sandbox", [BIN / "stager-sandbox", "up", "--data", place.sandbox, *options])
            up.wait_ready()
            self.sandbox: dict[str, Any] = json.loads((place.sandbox / DESCRIPTION).read_text())
            self._make_keys(place)
            shutil.copyfile(self.sandbox["ca_file"], place.ca_file)
            place.ca_file.chmod(0o644)
            login_hash = hash_password(BIN / "stager-api", login.password)
            self.address = self._start_serving(
                "api",
                [BIN / "stager-api", "serve", "--config", place.api_settings],
                USUAL_API_PORT,
                0,  # of the kernel's choice
                lambda port: write_api_settings(place, self.sandbox, cast, login_hash, port),
            )
            if pages:
                at = self._start_serving(
                    "ui",
                    [BIN / "stager-ui", "--config", place.ui_settings],
                    USUAL_UI_PORT,
                    free_port(),  # known before it starts, for the way back from the provider
                    lambda port: write_ui_settings(place, self.sandbox, self.address, port),
                )
                self.pages_url = f"http://{at}"
            # The last, since their mails link to the pages.
            write_worker_settings(place, self.sandbox, cast, self.pages_url)
            guard = [sys.executable, "-m", "stager_sandbox.guard"] if cast.guarded else []
            for number in range(1, cast.workers + 1):
                self._start(f"worker-{number}", [*guard, BIN / "stager-worker", "--config", place.worker_settings])
            write_client_settings(place, self.address, login)
        except ChildError as error:
            raise DemoError(str(error)) from error

    def check(self) -> None:
        """See that all programs run.

        Raises:
            DemoError: One has ended.
        """
        for child in self.children:
            if (code := child.exit_code()) is not None:
                raise DemoError(f"{child.name} ended with code {code}; its log is {child.log}:\n{child.tail()}")

    def _start_serving(
        self, name: str, command: Sequence[str | Path], usual: int, other: int, write_settings: Callable[[int], None]
    ) -> str:
        """Start a program on its usual port, or on another one; where it answers."""
        if _is_free(usual):
            write_settings(usual)
            child = self._start(name, command)
            try:
                return child.wait_ready()
            except ChildError:
                # Somebody may have taken the port since; another fault is met again.
                self.children.remove(child)
        write_settings(other)
        return self._start(name, command).wait_ready()

    def _start(self, name: str, command: Sequence[str | Path]) -> Child:
        child = Child(name, command, log=self._logs / f"{name}.log", environment=plain_environment())
        self._stack.callback(child.stop, 30)
        self.children.append(child)
        return child

    @staticmethod
    def _make_keys(place: Place) -> None:
        """Make the key that passwords are sealed with; the API gets its public half only."""
        done = subprocess.run(  # noqa: S603 - the demo's own program
            [BIN / "stager-credentials", "new-key", place.keys], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise DemoError(f"stager-credentials new-key failed: {done.stderr.strip()}")
        place.public_keys.mkdir()
        for public in [*place.keys.glob("*.pub.pem"), place.keys / "current"]:
            shutil.copyfile(public, place.public_keys / public.name)


def demo_login(password: str) -> Login:
    """How the demo calls the API."""
    return Login(CALLER, password)


def _is_free(port: int) -> bool:
    """Whether nobody listens on that port now."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
