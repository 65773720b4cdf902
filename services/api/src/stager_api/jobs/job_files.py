"""What workers leave about a job in their log directory: the fate of each file, and what s-isync logged.

Both hold names and texts from files of users. They are data: cut, never trusted.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

_LINE_BYTES = 128 * 1024
"""More than a worker writes: three texts of 4096 characters, each of them six bytes in JSON at the most."""
_LOOK_AT_BYTES = 8 * 1024 * 1024
"""Of a report, for one page at the most: a filter that finds little gives short pages, not slow ones."""
_LARGEST = 2**63 - 1
_TEXT = 4096


class FileOutcome(StrEnum):
    """What became of a file; an error is about no single file."""

    TRANSFERRED = "transferred"
    SKIPPED = "skipped"
    FAILED = "failed"
    DELETED = "deleted"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class FileReport:
    """The fate of one file in an attempt (0: not known which). `bytes` is its size."""

    attempt: int
    path: str
    outcome: FileOutcome
    bytes: int = 0
    checksum: str = ""
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class JobFiles:
    """The directory of `ID.report.jsonl` and `ID.log`. Job ids are those of jobs that exist."""

    directory: Path

    def page(
        self, job_id: str, offset: int, outcomes: Collection[FileOutcome], size: int
    ) -> tuple[list[FileReport], int | None]:
        """A page of the report, and where the next one begins, in bytes; None: nowhere.

        Raises:
            FileNotFoundError: There is no report here.
        """
        found: list[FileReport] = []
        with _open(self.directory / f"{job_id}.report.jsonl") as file:
            end = os.fstat(file.fileno()).st_size
            file.seek(min(offset, end))
            while len(found) < size and file.tell() < min(end, offset + _LOOK_AT_BYTES):
                line = file.readline(_LINE_BYTES)
                if not line.endswith(b"\n") and file.tell() >= end:
                    break  # still being written
                report = _report(line)
                if report and (not outcomes or report.outcome in outcomes):
                    found.append(report)
            here = file.tell()
        return found, here if here < end and (found or here > offset) else None

    def log_end(self, job_id: str, size: int) -> tuple[str, bool]:
        """The last whole lines of the log, within `size` bytes, and whether more came before.

        Raises:
            FileNotFoundError: There is no log here.
        """
        with _open(self.directory / f"{job_id}.log") as file:
            begin = max(0, os.fstat(file.fileno()).st_size - size)
            file.seek(begin)
            data = file.read(size)
        if begin:
            data = data.partition(b"\n")[2] or data
        return data.decode("utf-8", "replace"), begin > 0


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise FileNotFoundError(f"{path} is no file")
        yield file


def _report(line: bytes) -> FileReport | None:
    try:
        values = json.loads(line)
        outcome = FileOutcome(values["outcome"])
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return FileReport(
        min(_count(values.get("attempt")), 2**31 - 1),
        _text(values.get("path")),
        outcome,
        _count(values.get("bytes")),
        _text(values.get("checksum")),
        _text(values.get("code")),
        _text(values.get("message")),
    )


def _count(value: Any) -> int:  # noqa: ANN401 - JSON of any type
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST else 0


def _text(value: Any) -> str:  # noqa: ANN401 - as above
    return value[:_TEXT].encode(errors="replace").decode() if isinstance(value, str) else ""
