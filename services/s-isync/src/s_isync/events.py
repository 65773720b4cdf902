"""Writes a run as JSON lines (docs/isync-protocol.md)."""

import json
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import BinaryIO

from s_isync.errors import Problem
from s_isync.exit_codes import ExitCode
from s_isync.names import printable
from s_isync.reporter import End, FileResult, Outcome, Progress, Start

PROTOCOL = 1
_LONGEST_LINE = 60 * 1024
_OUTCOME = {
    ExitCode.COMPLETE: "complete",
    ExitCode.NOTHING_DONE: "complete",
    ExitCode.PARTIAL: "partial",
    ExitCode.DIFFERS: "partial",
    ExitCode.INTERRUPTED: "interrupted",
}


@dataclass(slots=True)
class EventStream:
    """A listener that writes each event as one line and flushes it."""

    stream: BinaryIO

    def start(self, start: Start) -> None:
        """Write the `start` event."""
        self._write(
            "start",
            protocol=PROTOCOL,
            version=version("s-isync"),
            task=start.task,
            source=printable(start.source),
            destination=printable(start.destination),
            dry_run=start.dry_run,
        )

    def progress(self, progress: Progress) -> None:
        """Write a `progress` event."""
        left, working = progress.seconds_left, progress.working_seconds
        self._write(
            "progress",
            **progress.totals.as_json(),
            bytes_per_second=round(progress.bytes_per_second),
            seconds_left=None if left is None else round(left, 1),
            current=[printable(path) for path in progress.current],
            working_seconds=None if working is None else round(working, 1),
        )

    def file(self, result: FileResult) -> None:
        """Write a `file` event."""
        self._write(
            "file",
            path=printable(result.path),
            outcome=result.outcome.value,
            bytes=result.bytes,
            checksum=result.checksum,
            error=None if result.problem is None else result.problem.as_json(),
        )

    def folder(self, path: str, outcome: Outcome) -> None:
        """Write a `folder` event."""
        self._write("folder", path=printable(path), outcome=outcome.value)

    def error(self, problem: Problem) -> None:
        """Write an `error` event."""
        self._write("error", error=problem.as_json())

    def end(self, end: End) -> None:
        """Write the `end` event."""
        self._write(
            "end",
            **end.totals.as_json(),
            outcome=_OUTCOME.get(end.exit_code, "failed"),
            exit_code=int(end.exit_code),
            exit_name=end.exit_code.label,
            error=None if end.problem is None else end.problem.as_json(),
            failures=[problem.as_json() for problem in end.failures],
            seconds=round(end.seconds, 3),
        )

    def _write(self, event: str, **keys: object) -> None:
        fields = {"event": event, "time": round(time.time(), 3), **keys}
        line = json.dumps(fields, ensure_ascii=False).encode()
        if len(line) > _LONGEST_LINE:
            for key in ("failures", "current"):
                if isinstance(shortened := fields.get(key), list):
                    fields[key] = shortened[:2]
            line = json.dumps(fields, ensure_ascii=False).encode()
        self.stream.write(line + b"\n")
        self.stream.flush()
