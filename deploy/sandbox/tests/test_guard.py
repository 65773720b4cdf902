"""The guard around programs that start others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

GUARD = [sys.executable, "-m", "stager_sandbox.guard"]
LONG = [f"{seconds}.{os.getpid()}" for seconds in (61, 62)]  # other runs' processes aren't meant
STUBBORN = f"trap '' TERM HUP; setsid sleep {LONG[0]} & setsid sh -c \"trap '' TERM; sleep {LONG[1]} & wait\" & wait"


def sleepers() -> list[int]:
    """The processes of the test that run."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if process.info["cmdline"] in [["sleep", seconds] for seconds in LONG]:
            found.append(process.pid)
    return found


def wait_for(count: int) -> None:
    """Wait until so many of them run."""
    deadline = time.monotonic() + 30
    while len(sleepers()) != count:
        assert time.monotonic() < deadline, f"{len(sleepers())} run, not {count}"
        time.sleep(0.05)


def test_nothing_outlives_a_killed_parent(tmp_path: Path) -> None:
    """Kill -9 of the guard's parent ends grandchildren, even such as have sessions of their own and heed no signal."""
    script = tmp_path / "stubborn"
    script.write_text(STUBBORN)
    program = f"import subprocess, time; subprocess.Popen({[*GUARD, 'sh', str(script)]!r}); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", program])
    wait_for(2)
    parent.kill()
    parent.wait()
    wait_for(0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_goes_to_the_program(number: signal.Signals) -> None:
    """The program is asked to end, in its own way and with its own code."""
    program = (
        "import signal, sys, time\nfor n in (2, 15): signal.signal(n, lambda *_: sys.exit(7))\n"
        "print(1, flush=True)\ntime.sleep(60)"
    )
    guard = subprocess.Popen([*GUARD, sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert guard.stdout
    guard.stdout.readline()
    guard.send_signal(number)
    assert guard.wait(20) == 7
    guard.stdout.close()
