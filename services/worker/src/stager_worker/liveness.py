"""Tells whether a worker's process of this machine still lives, so that its job needn't wait for its lease."""

from __future__ import annotations

import os
from pathlib import Path

from stager_jobs.rq_store.lease import Mark

_PROC = Path("/proc")


def own_mark() -> Mark:
    """The mark of this process: this boot and process namespace, its number, and when it began."""
    pid = os.getpid()
    return Mark(_host(), pid, _started(pid))


def is_dead(mark: Mark) -> bool:
    """Whether the process is gone for sure; False for those of other machines and containers."""
    host = _host()
    if not host or mark.host != host:
        return False
    return _started(mark.pid) != mark.started


def _host() -> str:
    """This boot of this machine and this process namespace; empty where /proc doesn't tell."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process began, in ticks since boot; empty if it is gone, or a zombie."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return "" if fields[0] in {"Z", "X"} else fields[19]
