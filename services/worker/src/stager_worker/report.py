"""What a job leaves in the log directory: a log that people can read, and the fate of each file."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from stager_worker.isync_events import FileEvent, Problem

_LARGEST_LOG = 16 * 1024 * 1024
"""Bytes of log kept for a job: a program run amok must not fill the disk."""
_LARGEST_REPORT = 2 * 1024**3
"""Bytes of report; several millions of files."""

_FULL = {"code": "report_full", "message": "the report is full; the fate of further files is not listed"}


class JobFiles:
    """`ID.log` and `ID.report.jsonl`, both appended to by each attempt. A context manager.

    The log holds what s-isync wrote to stderr, and between it when each attempt began and ended, and what failed.
    A line of the report: `attempt`, `path`, `outcome`, `bytes`, `checksum`, `code`, `message`.
    """

    def __init__(self, folder: Path, job_id: str, attempt: int) -> None:
        """Open both.

        Raises:
            OSError: The folder can't be written to.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.place = f"{socket.gethostname()}:{folder / job_id}.report.jsonl"
        """Where the fate of each file is listed, for people."""
        self._attempt = attempt
        self._log = _append(folder / f"{job_id}.log")
        self._report = _append(folder / f"{job_id}.report.jsonl")
        self._left = max(0, _LARGEST_LOG - self._log.tell())
        self._report_left = _LARGEST_REPORT - self._report.tell()
        self.say(f"attempt {attempt} begins on {socket.gethostname()}")

    def say(self, text: str) -> None:
        """Add a line of our own to the log."""
        now = datetime.now(UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
        self.log(f"{now} UTC {text}\n".encode(errors="backslashreplace"))

    def log(self, data: bytes) -> None:
        """Keep what s-isync wrote to stderr."""
        if data and self._left:
            self._log.write(data[: self._left])
            self._left -= min(len(data), self._left)
            if not self._left:
                self._log.write(b"\n[the log is full; no more is kept]\n")

    def file(self, event: FileEvent) -> None:
        """Add a file."""
        self._add(event.path, event.outcome, event.problem, bytes=event.bytes, checksum=event.checksum or None)

    def problem(self, problem: Problem) -> None:
        """Add what went wrong with something that is no single file."""
        self._add(problem.path, "passed_over" if problem.passed_over else "error", problem)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._log.close()
        self._report.close()

    def _add(self, path: str, outcome: str, problem: Problem | None, **more: object) -> None:
        line = {"attempt": self._attempt, "path": path, "outcome": outcome, **more}
        if problem:
            line |= {"code": problem.code, "message": problem.message}
            # Quoted: a name may hold a line break, and must not pass for a line of its own.
            self.say(f"{json.dumps(path, ensure_ascii=False)} {outcome}: {problem.message} ({problem.code})")
        data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        if self._report_left <= 0:
            return
        self._report_left -= len(data)
        if self._report_left <= 0:
            data = json.dumps({**line, "path": "", "outcome": "error", **_FULL}).encode() + b"\n"
        self._report.write(data)


def _append(path: Path) -> IO[bytes]:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    return os.fdopen(handle, "ab")
