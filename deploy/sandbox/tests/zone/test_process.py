"""The zone as a process: the command, its end, and its violent end."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from irods import exception
from irods.session import iRODSSession
from stager_sandbox.cli import main
from stager_sandbox.zone import ControlError, tell


@contextmanager
def running(data: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command, and the port that it says it answers on."""
    command = [sys.executable, "-c", "from stager_sandbox.cli import main; main()", "zone", "--port", "0"]
    command += ["--data", str(data), "--zone", "nl.ru.donders", "--user", "alice:alice:pw", "--admin", "rods:rodspass"]
    command += ["--collection", "/nl.ru.donders/di/dccn/DAC:alice"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = process.stdout.readline().strip()
        assert ready.startswith("ready 127.0.0.1:")
        yield process, int(ready.rpartition(":")[2])
    finally:
        process.kill()
        process.wait(10)
        if process.stdout:
            process.stdout.close()


def session(port: int) -> iRODSSession:
    """Alice, whose password holds a colon."""
    return iRODSSession(host="localhost", port=port, user="alice", password="alice:pw", zone="nl.ru.donders")


def test_command_answers_and_ends_on_sigterm(tmp_path: Path) -> None:
    """It says that it is ready when it answers, has what was asked for, and ends cleanly when told."""
    with running(tmp_path) as (process, port):
        with session(port) as alice:
            assert alice.collections.exists("/nl.ru.donders/di/dccn/DAC")
            assert alice.collections.exists("/nl.ru.donders/home/alice")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_what_was_closed_survives_a_kill(tmp_path: Path) -> None:
    """After kill -9 everything that was acknowledged is there, and what was being written is not called good."""
    path = "/nl.ru.donders/di/dccn/DAC"
    with running(tmp_path) as (process, port), session(port) as alice:
        for number in range(20):
            with alice.data_objects.open(f"{path}/f{number:02}", "w") as file:
                file.write(b"done")
        unfinished = alice.data_objects.open(f"{path}/open", "w")
        unfinished.raw.write(b"half")
        process.kill()
        process.wait(10)
    with running(tmp_path) as (_, port), session(port) as alice:
        found = {each.name: (each.size, each.replicas[0].status) for each in alice.collections.get(path).data_objects}
        assert found.pop("open") == (4, "0")
        assert found == {f"f{number:02}": (4, "1") for number in range(20)}
        with alice.data_objects.open(f"{path}/f00", "r") as file:
            assert file.read() == b"done"
        with alice.data_objects.open(f"{path}/open", "w") as file:
            file.write(b"again")
        assert alice.data_objects.get(f"{path}/open").replicas[0].status == "1"


def test_faults_are_set_from_outside(tmp_path: Path) -> None:
    """A process beside the zone sets a fault, does damage, restarts it and lifts the fault; nonsense is refused."""
    path = "/nl.ru.donders/di/dccn/DAC"
    with running(tmp_path) as (_, port):
        with session(port) as alice:
            alice.data_objects.create(f"{path}/a")
            assert CliRunner().invoke(main, ["zone-tell", str(tmp_path), "stale", f"path={path}/a"]).exit_code == 0
            assert alice.data_objects.get(f"{path}/a").replicas[0].status == "0"
            assert tell(tmp_path, "add", on="COLL_CREATE", refuse=-1803000)
            with pytest.raises(exception.HIERARCHY_ERROR):
                alice.collections.create(f"{path}/b")
            assert tell(tmp_path, "struck") == 1
        with pytest.raises(ControlError, match="colour"):
            tell(tmp_path, "add", colour="red")
        assert tell(tmp_path, "restart")
        assert tell(tmp_path, "clear")
        with session(port) as alice:
            alice.collections.create(f"{path}/b")
    assert (tmp_path / "control").stat().st_mode & 0o777 == 0o600
