"""One transfer of a job at a time on this machine, whatever became of an earlier one.

The lock is an open file that s-isync inherits: the kernel holds it until the last process of a transfer is gone,
even one that is stuck in a file system.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stager_worker.errors import StillRunningError


@contextmanager
def only_one(folder: Path, job_id: str) -> Iterator[int]:
    """Hold a job's lock; yields its file descriptor.

    Raises:
        StillRunningError: Somebody holds it.
        OSError: The folder can't be used.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{job_id}.lock"
    while True:
        # Only to be locked: the user's process that inherits it could write past any quota otherwise.
        lock = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise StillRunningError(f"an earlier run of job {job_id} has not ended yet") from None
        if _is_at(lock, path):
            break
        os.close(lock)  # its last holder removed it between our two steps
    try:
        yield lock
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(lock)


def _is_at(lock: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), path.lstat())
    except FileNotFoundError:
        return False
