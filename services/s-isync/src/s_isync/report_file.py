"""The `--report` file: one JSON line for each file and each error, for a person to look through afterwards."""

import json
from dataclasses import dataclass
from io import RawIOBase

from s_isync.errors import Problem
from s_isync.names import printable
from s_isync.reporter import End, FileResult, Outcome, Progress, Start


@dataclass(slots=True)
class ReportFile:
    """A listener that keeps `path`, `outcome`, `bytes`, `checksum` and `error` of every file.

    Attributes:
        stream: where to; without a buffer, so that a row that can't be written is known before the run is judged, and
            one that has been told of is there whatever comes.
    """

    stream: RawIOBase

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
        """Nothing to keep."""

    def _write(self, row: dict[str, object]) -> None:
        rest = json.dumps(row, ensure_ascii=False).encode() + b"\n"
        while rest:
            rest = rest[self.stream.write(rest) or 0 :]
