"""Runs a program, and ends all that it started when it ends or when this process's parent dies.

    python -m stager_sandbox.guard PROGRAM [ARGUMENT]...

A death signal reaches a parent's children only; what they start may take its time over ending, or never notice. This
process adopts whatever its descendants leave behind, so that it can end them all. SIGTERM and SIGINT go to the program.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from stager_sandbox.processes import die_with_parent

_PR_SET_CHILD_SUBREAPER = 36
_POLL_SECONDS = 0.1


def main() -> int:
    """Run the program in the arguments; gives its exit code, or 1 where the parent died."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)  # the parent's death is for this process to see, not to die of
    program = subprocess.Popen(sys.argv[1:], preexec_fn=die_with_parent())  # noqa: S603, PLW1509 - libc only

    def forward(number: int, _frame: FrameType | None) -> None:
        program.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, forward)
    while program.poll() is None and os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    _end_descendants()
    code = program.poll()
    return 1 if code is None or code < 0 else code


def _end_descendants() -> None:
    """Kill until nothing is left: children of those killed become this process's own."""
    while children := _children():
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(child, 0)


def _children() -> list[int]:
    own = os.getpid()
    found = Path(f"/proc/{own}/task/{own}/children").read_text().split()
    return [int(child) for child in found]


if __name__ == "__main__":
    sys.exit(main())
