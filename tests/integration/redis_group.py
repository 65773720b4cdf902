"""A master, two replicas and three Sentinels, all real, on loopback: what `redis+sentinel://` is for."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from redis import Redis
from redis.exceptions import RedisError
from stager_sandbox.free_port import free_port
from stager_sandbox.processes import Child
from stager_sandbox.redis_server import RedisServer, find_redis_server

T = TypeVar("T")
GROUP = "stager"
SECONDS = 60
DOWN_AFTER = 5000
"""Milliseconds. On a busy machine servers that are well are silent for a second, too."""


class Member(RedisServer):
    """A server of the group; it follows the one at `master`, or nobody where that is 0."""

    def __init__(self, directory: Path, password: str, program: Path, master: int = 0) -> None:
        super().__init__(directory, password=password, program=program)
        self._master = master

    def _settings(self) -> str:
        following = [f"replicaof 127.0.0.1 {self._master}"] if self._master else []
        return "\n".join(
            [super()._settings(), f'masterauth "{self.password}"', "repl-diskless-sync-delay 0", *following, ""]
        )


class RedisGroup:
    """All of it in a directory, of Redis or of `program`; a context manager. Sentinels have another password."""

    def __init__(self, directory: Path, program: Path | None = None) -> None:
        self._directory, self._program = directory, program or find_redis_server()
        self._password, self._sentinel_password = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        self._members: list[Member] = []
        self._sentinels: dict[int, Child] = {}

    @property
    def url(self) -> str:
        """For clients. The first Sentinel that it names is none: clients have to get on without one."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in (1, *self._sentinels))
        return f"redis+sentinel://:{self._password}@{hosts}/{GROUP}/0?sentinel_password={self._sentinel_password}"

    def start(self) -> None:
        """Start everything, and wait until the replicas follow and the Sentinels know each other."""
        first = self._add(0)
        for _ in range(2):
            self._add(first.port)
        _until(lambda: self._client(first.port).info("replication")["connected_slaves"] == 2)
        for _ in range(3):
            self._watch(first.port)
        for port in self._sentinels:
            _until(lambda port=port: self._sees_all(port))

    def stop(self) -> None:
        """End everything; safe at any time."""
        for child in self._sentinels.values():
            child.stop()
        for member in self._members:
            member.stop()
        self._sentinels, self._members = {}, []

    def kill_master(self) -> int:
        """End the master as a power cut does; gives its port."""
        master = self.master
        master.kill()
        self._members.remove(master)
        return master.port

    @property
    def master(self) -> Member:
        """Whom the Sentinels call the master."""
        told = self._sentinel(next(iter(self._sentinels))).sentinel_master(GROUP)
        return next(member for member in self._members if member.port == told["port"])

    @property
    def replicas(self) -> list[Member]:
        """The others."""
        master = self.master
        return [member for member in self._members if member is not master]

    def wait_for_another_than(self, port: int) -> None:
        """Wait until the master is another one, and another one follows it."""
        _until(lambda: self._sentinel(next(iter(self._sentinels))).sentinel_master(GROUP)["port"] != port)
        _until(lambda: self._client(self.master.port).info("replication")["connected_slaves"] >= 1)

    def _add(self, master: int) -> Member:
        member = Member(self._directory / f"server-{len(self._members)}", self._password, self._program, master)
        member.start()
        self._members.append(member)
        return member

    def _watch(self, master: int) -> None:
        port = free_port()
        settings = self._directory / f"sentinel-{port}.conf"
        settings.touch(0o600)
        settings.write_text(
            f"""bind 127.0.0.1
port {port}
requirepass "{self._sentinel_password}"
sentinel sentinel-pass "{self._sentinel_password}"
sentinel monitor {GROUP} 127.0.0.1 {master} 2
sentinel auth-pass {GROUP} "{self._password}"
sentinel down-after-milliseconds {GROUP} {DOWN_AFTER}
sentinel failover-timeout {GROUP} 4000
sentinel parallel-syncs {GROUP} 2
"""
        )
        child = Child("sentinel", [self._program, settings, "--sentinel"], log=self._directory / f"sentinel-{port}.log")
        self._sentinels[port] = child
        child.wait_for(lambda: _or_none(lambda: self._sentinel(port).ping()))

    def _sees_all(self, port: int) -> bool:
        told = self._sentinel(port).sentinel_master(GROUP)
        return (told["num-slaves"], told["num-other-sentinels"]) == (2, 2)

    def _sentinel(self, port: int) -> Redis:
        return Redis(port=port, password=self._sentinel_password, decode_responses=True, socket_timeout=5)

    def _client(self, port: int) -> Redis:
        return Redis(port=port, password=self._password, socket_timeout=5)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _or_none(ask: Callable[[], T]) -> T | None:
    with suppress(RedisError):
        return ask()
    return None


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not _or_none(true):
        assert time.monotonic() < deadline, "the group of Redis servers isn't as wanted"
        time.sleep(0.05)
