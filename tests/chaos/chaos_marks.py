"""Marks that transfers leave, by which a test sees whether one ran twice at once."""

from __future__ import annotations

from pathlib import Path

# Run instead of s-isync: notes that it runs and holds a lock for as long as anything of the transfer lives. A second
# one at the same time is written down; the pause gives faults something to hit.
_MARKED_ISYNC = """#!/usr/bin/python3 -I
import fcntl, os, sys, time
marks, isync = {marks!r}, {isync!r}
task = sys.argv[sys.argv.index("--task") + 1]
lock = os.open(f"{{marks}}/{{task}}.lock", os.O_RDWR | os.O_CREAT, 0o666)
os.set_inheritable(lock, True)
def note(name):
    with open(f"{{marks}}/{{name}}", "a") as out:
        out.write(task + "\\n")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    note("twice")
note("runs")
time.sleep(os.getpid() % 10 / 10)
os.execv(isync, [isync, *sys.argv[1:]])
"""


class Marks:
    """Transfers that were begun, and those that began beside another one of the same job.

    Args:
        folder: Made; every user may write to it.
        isync: The program that is marked.
    """

    def __init__(self, folder: Path, isync: Path) -> None:
        folder.mkdir()
        folder.chmod(0o777)
        self._twice, self._runs = folder / "twice", folder / "runs"
        for path in (self._twice, self._runs):
            path.touch()
            path.chmod(0o666)
        self.program = folder / "s-isync"
        self.program.write_text(_MARKED_ISYNC.format(marks=str(folder), isync=str(isync)))
        self.program.chmod(0o755)

    def twice(self) -> list[str]:
        """Jobs of which a second transfer began before the first had ended."""
        return self._twice.read_text().split()

    def runs(self) -> int:
        """How many transfers were begun."""
        return len(self._runs.read_text().split())
