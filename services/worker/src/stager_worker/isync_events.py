"""Reads what s-isync says (docs/isync-protocol.md), and believes none of it: it runs as the user.

Lines too long are dropped, lines that are no event are counted, numbers are what they say or zero. Nothing here
raises for anything that comes in.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

LONGEST_LINE = 64 * 1024
PROTOCOL = 1
_LARGEST = 2**63 - 1
_LONGEST_TEXT = 4096
_PATHS = 16
_ERRORS = 20


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of files and bytes."""

    files_total: int = 0
    files_transferred: int = 0
    files_skipped: int = 0
    files_failed: int = 0
    files_deleted: int = 0
    bytes_total: int = 0
    bytes_transferred: int = 0
    bytes_skipped: int = 0
    bytes_checked: int = 0
    scan_errors: int = 0

    @property
    def all_there(self) -> bool:
        """Whether every file found is at the destination, and none was missed."""
        return self.files_total == self.files_transferred + self.files_skipped and self.scan_errors == 0


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong with one file, folder or session; or what was passed over, such as a symbolic link."""

    code: str
    message: str
    path: str = ""
    passed_over: bool = False


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """How far the run is."""

    totals: Totals
    totals_final: bool
    bytes_per_second: float
    seconds_left: float | None
    current: tuple[str, ...]
    working_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class FileEvent:
    """The fate of one file."""

    path: str
    outcome: str
    bytes: int
    checksum: str
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """Something went wrong that is no single file."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class EndEvent:
    """How the run ended."""

    totals: Totals
    outcome: str
    problem: Problem | None
    failures: tuple[Problem, ...]


Event = ProgressEvent | FileEvent | ErrorEvent | EndEvent


@dataclass(slots=True)
class EventReader:
    """Turns bytes into events, in bounded memory."""

    garbage: int = 0
    """How many lines were no events, or too long."""
    _rest: bytearray = field(default_factory=bytearray)
    _skipping: bool = False

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events in the lines that `data` completes."""
        self._rest += data
        *lines, rest = self._rest.split(b"\n")
        self._rest = rest
        for line in lines:
            if self._skipping:
                self._skipping = False
                continue
            event = parse_line(bytes(line)) if len(line) <= LONGEST_LINE else None
            if event:
                yield event
            elif event is None:
                self.garbage += 1
        if len(self._rest) > LONGEST_LINE:
            self.garbage += not self._skipping
            self._skipping = True
            self._rest.clear()


def parse_line(line: bytes) -> Event | Literal[False] | None:
    """The event in a line; False for one that is of no interest here, None for what is no event."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict) or not isinstance(values.get("event"), str):
        return None
    parse = _PARSERS.get(values["event"])
    return parse(values) if parse else False


def _progress(values: dict[str, Any]) -> ProgressEvent:
    return ProgressEvent(
        totals=_totals(values),
        totals_final=values.get("totals_final") is True,
        bytes_per_second=_number(values.get("bytes_per_second")) or 0.0,
        seconds_left=_number(values.get("seconds_left")),
        current=tuple(_text(path) for path in _list(values.get("current"))[:_PATHS]),
        working_seconds=_number(values.get("working_seconds")),
    )


def _file(values: dict[str, Any]) -> FileEvent:
    return FileEvent(
        path=_text(values.get("path")),
        outcome=_text(values.get("outcome")),
        bytes=_count(values.get("bytes")),
        checksum=_text(values.get("checksum")),
        problem=_problem(values.get("error")),
    )


def _error(values: dict[str, Any]) -> ErrorEvent | None:
    problem = _problem(values.get("error"))
    return ErrorEvent(problem) if problem else None


def _end(values: dict[str, Any]) -> EndEvent:
    failures = (_problem(item) for item in _list(values.get("failures"))[:_ERRORS])
    return EndEvent(
        totals=_totals(values),
        outcome=_text(values.get("outcome")),
        problem=_problem(values.get("error")),
        failures=tuple(failure for failure in failures if failure),
    )


_PARSERS: Mapping[str, Callable[[dict[str, Any]], Event | None]] = {
    "progress": _progress,
    "file": _file,
    "error": _error,
    "end": _end,
}


def _totals(values: dict[str, Any]) -> Totals:
    return Totals(**{item.name: _count(values.get(item.name)) for item in fields(Totals)})


def _problem(value: object) -> Problem | None:
    if not isinstance(value, dict):
        return None
    passed_over = value.get("class") == "skipped"
    return Problem(_text(value.get("code"))[:100], _text(value.get("message")), _text(value.get("path")), passed_over)


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST else 0


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LARGEST:
        return None
    return float(value) if math.isfinite(value) else None


def _text(value: object) -> str:
    """Text as it may be shown and stored: lone surrogates would be neither."""
    return value[:_LONGEST_TEXT].encode(errors="replace").decode() if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
