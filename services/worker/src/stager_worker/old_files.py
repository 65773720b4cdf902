"""Removes logs and reports of jobs that nobody has written to for long."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path


def remove_old_files(folder: Path, keep: float) -> int:
    """Remove each job's log and report whose last write is more than `keep` seconds ago; how many there were.

    A running job writes to neither for hours, perhaps; one that was held open loses no more than its older lines.
    """
    oldest, removed = time.time() - keep, 0
    for pattern in ("*.log", "*.report.jsonl"):
        for path in folder.glob(pattern):
            with suppress(FileNotFoundError):
                if path.lstat().st_mtime < oldest:
                    path.unlink()
                    removed += 1
    return removed
