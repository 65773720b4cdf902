"""Keeps other processes of the same user out of this one's memory.

The password of a service account is not the user's own, but the process that needs it runs as the user. Linux lets a
user's processes read each other's memory and open each other's pipes, unless one says that it is not to be dumped.
"""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

from s_isync.zone_settings import bad_configuration

_PR_SET_DUMPABLE = 4


def close_own_memory() -> None:
    """Let nobody but root look into this process from now on; to be called before a secret comes in.

    Raises:
        EndOfRunError: another process of the same user traces this one already.
    """
    with suppress(AttributeError):  # no Linux
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    tracer = _tracer()
    if tracer and _owner(tracer) == os.getuid() != 0:
        raise bad_configuration(f"process {tracer} traces this one; run without --connection-fd to debug it")


def _tracer() -> int:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("TracerPid:")), 0)


def _owner(pid: int) -> int | None:
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return None
