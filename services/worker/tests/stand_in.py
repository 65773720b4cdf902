"""Speaks s-isync's protocol, and misbehaves as the source path says: /BEHAVIOUR/... Standard library only."""

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

REFUSAL = {"scope": "session", "class": "fatal", "code": "login_refused", "message": "The zone refuses alice."}
MISSED = REFUSAL | {"message": "b: no."}


def say(event: str, **keys: object) -> None:
    """Write an event."""
    sys.stdout.write(json.dumps({"event": event, "time": time.time(), **keys}) + "\n")
    sys.stdout.flush()


def totals(files: int, done: int, failed: int = 0) -> dict[str, object]:
    """Count files of 1000 bytes each."""
    return {
        "files_total": files,
        "files_transferred": done,
        "files_failed": failed,
        "bytes_total": files * 1000,
        "bytes_transferred": done * 1000,
        "totals_final": True,
    }


def end(code: int, outcome: str, done: int = 3, **more: object) -> NoReturn:
    """Write the last event of a run of three files, and end."""
    say("end", **totals(3, done, 3 - done), outcome=outcome, exit_code=code, **more)
    sys.exit(code)


def ok(_mark: Path) -> None:
    """Do as s-isync does."""
    for done in range(4):
        say("progress", **totals(3, done), bytes_per_second=10, seconds_left=1, current=["a"])
    say("file", path="a", outcome="transferred", bytes=1000, checksum="sha2:x", error=None)
    end(0, "complete")


def partial(_mark: Path) -> None:
    """Fail one file."""
    say("file", path="b", outcome="failed", bytes=5, checksum=None, error=MISSED)
    end(3, "partial", done=2, failures=[MISSED])


def chatter(_mark: Path) -> None:
    """Tell of many files."""
    for _ in range(100):
        say("file", path="a", outcome="transferred", bytes=1000, checksum="sha2:x", error=None)
    end(0, "complete")


def garbage(_mark: Path) -> None:
    """Write much that is no event."""
    sys.stdout.buffer.write(b"\xff\xfe\n[]\n{\n" + b"x" * 300_000 + b'\n{"event": 7}\n' + b"[" * 60_000 + b"\n")
    sys.stdout.buffer.flush()
    sys.stderr.write("a log line\n")
    end(0, "complete")


def identity(mark: Path) -> None:
    """Write down what this process is and sees."""
    found = {
        "uid": os.getresuid(),
        "gid": os.getresgid(),
        "groups": os.getgroups(),
        "environment": dict(os.environ),
        "cwd": str(Path.cwd()),
        "arguments": sys.argv,
        "sid": os.getsid(0) == os.getpid(),
        "fds": sorted(int(entry.name) for entry in Path("/proc/self/fd").iterdir()),
        "writable": sorted(
            fd for fd in range(3, 100) if Path(f"/proc/self/fd/{fd}").exists() and fcntl.fcntl(fd, fcntl.F_GETFL) & 3
        ),
        "limits": {
            "core": resource.getrlimit(resource.RLIMIT_CORE),
            "files": resource.getrlimit(resource.RLIMIT_NOFILE),
            "memory": resource.getrlimit(resource.RLIMIT_AS),
        },
        "status": Path("/proc/self/status").read_text(),
        "connection": CONNECTION,
    }
    mark.write_text(json.dumps(found))
    end(0, "complete")


def slow(mark: Path) -> None:
    """Go on for minutes, unless this is the second run."""
    if len(leave_mark(mark)) > 1:
        end(0, "complete")
    for step in range(6000):
        say("progress", **totals(10_000, step), bytes_per_second=1, seconds_left=None, current=[])
        time.sleep(0.05)


def brief(mark: Path) -> None:
    """Go on until told."""
    leave_mark(mark)
    while not mark.with_suffix(".go").exists():
        say("progress", **totals(3, 1), bytes_per_second=1, seconds_left=None, current=[])
        time.sleep(0.05)
    end(0, "complete")


def silent(mark: Path) -> None:
    """Say nothing."""
    leave_mark(mark)
    time.sleep(300)


def working(mark: Path) -> None:
    """Wait for the zone's own work."""
    leave_mark(mark)
    for step in range(50):
        left = 30 - step / 20
        say("progress", **totals(3, 1), bytes_per_second=0, seconds_left=None, current=[], working_seconds=left)
        time.sleep(0.05)
    end(0, "complete")


def stubborn(mark: Path) -> None:
    """Take no SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    slow(mark)


def family(mark: Path) -> None:
    """Have a child that leaves the session."""
    subprocess.Popen(["sleep", "300"], start_new_session=True)
    slow(mark)


def leave_mark(mark: Path) -> list[str]:
    """Add this process to those that ran."""
    with mark.open("a") as out:
        out.write(f"{os.getpid()}\n")
    return mark.read_text().split()


ARGUMENTS = sys.argv[1:]
with os.fdopen(int(ARGUMENTS[ARGUMENTS.index("--connection-fd") + 1]), "rb") as pipe:
    CONNECTION = json.load(pipe)
SOURCE, DESTINATION = ARGUMENTS[ARGUMENTS.index("--") + 1 :]
BEHAVIOURS = {
    "refused": lambda _mark: end(10, "failed", error=REFUSAL),
    "liar": lambda _mark: end(0, "complete", done=2),
    "mute": lambda _mark: sys.exit(0),
    "crash": lambda _mark: os.kill(os.getpid(), signal.SIGSEGV),
    **{
        act.__name__: act
        for act in (ok, partial, garbage, chatter, identity, slow, brief, silent, working, stubborn, family)
    },
}
say("start", protocol=1, source=SOURCE, destination=DESTINATION)
BEHAVIOURS[SOURCE.split("/")[1]](Path(DESTINATION.removeprefix("i:")))
