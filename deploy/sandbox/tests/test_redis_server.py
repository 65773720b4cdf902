"""The Redis server that every package's tests use."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from stager_sandbox.processes import ChildError
from stager_sandbox.redis_server import RedisServer


def test_it_keeps_what_it_holds_over_a_restart(tmp_path: Path) -> None:
    """Append-only: a stop and a start lose nothing, and the port stays."""
    with RedisServer(tmp_path / "redis") as server:
        redis.Redis.from_url(server.url).set("key", "value")
        port = server.port
        server.stop()
        server.start()
        assert server.port == port
        assert redis.Redis.from_url(server.url).get("key") == b"value"


def test_it_asks_for_its_password(tmp_path: Path) -> None:
    """Nobody gets in without the password, which shows in no list of processes."""
    with RedisServer(tmp_path / "redis") as server:
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=server.port).get("key")
        assert server.password not in Path(f"/proc/{server.pid}/cmdline").read_text()
        assert (tmp_path / "redis").stat().st_mode & 0o077 == 0


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """A port that was asked for and is taken is a clear error."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ChildError, match=f"port {port}: it is taken"), RedisServer(tmp_path / "redis", port=port):
            pass


def test_freezing_hangs_it_and_thawing_brings_it_back(tmp_path: Path) -> None:
    """A frozen server answers nothing, and goes on afterwards as if nothing had been."""
    with RedisServer(tmp_path / "redis") as server:
        client = redis.Redis.from_url(server.url, socket_timeout=0.3, retry=None)
        server.freeze()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        server.thaw()
        assert redis.Redis.from_url(server.url).ping()


def test_it_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    """Kill -9 of the process that started it ends it too."""
    program = (
        "import sys, time; from pathlib import Path; from stager_sandbox.redis_server import RedisServer\n"
        "server = RedisServer(Path(sys.argv[1])); server.start(); print(server.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "redis")], stdout=subprocess.PIPE)
    with parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        os.kill(pid, 0)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}/exe").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}/exe").exists()
