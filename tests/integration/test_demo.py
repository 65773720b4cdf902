"""`make demo`, as somebody who arrives today runs it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from stager_sandbox.demo import services as demo_services
from stager_sandbox.demo.cast import Cast
from stager_sandbox.demo.place import Place

pytestmark = pytest.mark.xdist_group("demo")

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).parent / "stager-sandbox"
LAST_LINE = re.compile(r"demo: (\d+) files, (\d+) bytes up and down, verified, state completed")


def demo(folder: Path, *options: str) -> subprocess.Popen[str]:
    """The demo, begun in its own session."""
    environment = os.environ | {"STAGER_ADDRESS": "127.0.0.1:1", "STAGER_REDIS_URL": "redis://127.0.0.1:1/0"}
    return subprocess.Popen(
        [PROGRAM, "demo", "--folder", folder, *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run_by(folder: Path) -> list[psutil.Process]:
    """Every process that has to do with the demo's folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        shown = " ".join(process.info["cmdline"] or [])
        if str(folder) in shown and process.info["status"] != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
            found.append(process)
    return found


def wait_for_none(folder: Path) -> None:
    """Wait until nothing of the demo runs."""
    deadline = time.monotonic() + 30
    while left := run_by(folder):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all runs, so that sample data is made once."""
    return tmp_path_factory.mktemp("demo") / "demo"


@pytest.mark.parametrize("run", ["first", "second"])
def test_the_round_trip_ends_well(folder: Path, run: str) -> None:
    """It ends with code 0 and the promised line, leaves nothing running, and does so again."""
    with demo(folder, "--once") as process:
        said, _ = process.communicate(timeout=280)
    assert process.returncode == 0, f"{run}: {said}"
    last = LAST_LINE.fullmatch(said.splitlines()[-1])
    assert last, said
    assert int(last[1]) >= 300
    assert int(last[2]) > 200_000_000
    wait_for_none(folder)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_it(folder: Path, number: signal.Signals) -> None:
    """However it ends in the middle of a transfer, everything that it started ends, too."""
    with demo(folder, "--once") as process:
        assert process.stdout
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("active"):
                break
        assert said[-1].startswith("active"), said
        assert len(run_by(folder)) >= 6
        process.send_signal(number)
        process.wait(60)
        wait_for_none(folder)
    assert process.returncode == (130 if number != signal.SIGKILL else -9)


def test_a_second_demo_in_the_same_folder_is_refused(folder: Path) -> None:
    """It says that one runs, and leaves that one alone."""
    with demo(folder) as first:
        assert first.stdout
        while not run_by(folder / "private"):
            time.sleep(0.05)
        with demo(folder, "--once") as second:
            said, _ = second.communicate(timeout=60)
        assert (second.returncode, "runs in" in said) == (1, True)
        assert first.poll() is None
        first.send_signal(signal.SIGINT)
        first.stdout.read()
    assert first.returncode == 0
    wait_for_none(folder)


def test_ports_that_are_taken_while_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A usual port that somebody takes just before the program does is no end: another one does."""
    place = Place(tmp_path / "demo")
    cast = Cast({"alice": "alice"}, acts_as=("alice",), workers=0, guarded=False)
    with socket.create_server(("127.0.0.1", 0)) as api, socket.create_server(("127.0.0.1", 0)) as pages:
        monkeypatch.setattr(demo_services, "USUAL_API_PORT", api.getsockname()[1])
        monkeypatch.setattr(demo_services, "USUAL_UI_PORT", pages.getsockname()[1])
        monkeypatch.setattr(demo_services, "_is_free", lambda _port: True)
        with place.held(), ExitStack() as running:
            login = demo_services.demo_login("demo-password")
            services = demo_services.Services(running, place, cast, login, pages=True)
            services.check()
            assert not services.address.endswith(f":{api.getsockname()[1]}")
            with urllib.request.urlopen(services.pages_url, timeout=10) as answer:
                assert answer.status == 200
            assert f"{services.pages_url}/jobs/" in place.worker_settings.read_text()
