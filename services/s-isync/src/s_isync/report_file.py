"""The `--report` file: one JSON line for each file and each error, for a person to look through afterwards."""

import json
from dataclasses import dataclass
from typing import BinaryIO

from s_isync.errors import Problem
from s_isync.names import printable
from s_isync.reporter import End, FileResult, Outcome, Progress, Start


@dataclass(slots=True)
class ReportFile:
    """A listener that keeps `path`, `outcome`, `bytes`, `checksum` and `error` of every file."""

    stream: BinaryIO

    def start(self, start: Start) -> None:
        """Nothing to keep."""

    def progress(self, progress: Progress) -> None:
        """Nothing to keep."""

    def file(self, result: FileResult) -> None:
        """Keep one file's fate."""
        self._write(
            {
                "path": printable(result.path),
                "outcome": result.outcome.value,
                "bytes": result.bytes,
                "checksum": result.checksum,
                "error": None if result.problem is None else result.problem.as_json(),
            }
        )

    def folder(self, path: str, outcome: Outcome) -> None:
        """Nothing to keep."""

    def error(self, problem: Problem) -> None:
        """Keep an error that is no single file's."""
        path = None if problem.path is None else printable(problem.path)
        self._write({"path": path, "outcome": "error", "bytes": 0, "checksum": None, "error": problem.as_json()})

    def end(self, _end: End) -> None:
        """Flush what is kept."""
        self.stream.flush()

    def _write(self, row: dict[str, object]) -> None:
        self.stream.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
