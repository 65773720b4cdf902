"""What a person sees where there is no terminal, with `-v`, or in a dry run: plain lines."""

import time
from dataclasses import dataclass, field
from typing import Protocol

from s_isync.errors import ErrorClass, Problem
from s_isync.exit_codes import ExitCode
from s_isync.names import printable
from s_isync.reporter import End, FileResult, Outcome, Progress, Start

_EVERY = 10.0  # seconds between two progress lines
_PLANNED = {Outcome.PLANNED: "transfer", Outcome.WOULD_DELETE: "delete"}
_FAR_UP = 20  # lines; a failure that was told of so long ago is named again at the end
_NAMED_AGAIN = 5
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


class LineStream(Protocol):
    """The part of a text stream that lines are written to."""

    def write(self, text: str, /) -> object:
        """Take text."""

    def flush(self) -> None:
        """Let it be seen."""


@dataclass(slots=True)
class _Count:
    files: int = 0
    bytes: int = 0


@dataclass(slots=True)
class PlainLines:
    """A listener that writes lines.

    Attributes:
        stream: where to.
        each_file: whether files that went well have a line, too.
        with_progress: whether there is a line every few seconds.
        quiet: whether only errors have lines.
    """

    stream: LineStream
    each_file: bool = False
    with_progress: bool = True
    quiet: bool = False
    _last: float = field(default_factory=time.monotonic)
    _planned: dict[Outcome, _Count] = field(default_factory=dict)
    _dry_run: bool = False
    _written: int = 0
    _first_failure: int | None = None

    def start(self, start: Start) -> None:
        """Say what is about to happen."""
        self._dry_run = start.dry_run
        if self.quiet:
            return
        doing = "Would copy" if start.dry_run else "Copying"
        self._line(f"{doing} {start.source} to {start.destination}")

    def progress(self, progress: Progress) -> None:
        """Say how far it is, now and then."""
        now = time.monotonic()
        if self.with_progress and not self.quiet and now - self._last >= _EVERY:
            self._last = now
            self._line(describe_progress(progress))

    def file(self, result: FileResult) -> None:
        """Say what became of a file."""
        if result.problem is not None:
            self._failure(f"failed   {result.path}: {result.problem.message}")
        elif result.outcome in _PLANNED:
            planned = self._planned.setdefault(result.outcome, _Count())
            planned.files += 1
            planned.bytes += result.bytes
            self._said(f"{_PLANNED[result.outcome]:<8} {result.path} ({size_text(result.bytes)})")
        elif self.each_file:
            self._said(f"{result.outcome.value:<8} {result.path} ({size_text(result.bytes)})")

    def folder(self, path: str, outcome: Outcome) -> None:
        """Say what would be done with a folder."""
        self._said(f"{'make' if outcome is Outcome.PLANNED else _PLANNED[outcome]:<8} {path}/")

    def error(self, problem: Problem) -> None:
        """Say what went wrong."""
        where = f"{problem.path}: " if problem.path else ""
        if problem.error_class is not ErrorClass.SKIPPED:
            self._failure(f"error: {where}{problem.message}")
        elif self.each_file:
            self._said(f"passed over: {where}{problem.message}")

    def end(self, end: End) -> None:
        """Say how it went."""
        if self.quiet and end.exit_code in {ExitCode.COMPLETE, ExitCode.NOTHING_DONE}:
            return
        for line in describe_end(end, self._plan() if self._dry_run else None):
            self._line(line)
        if self._first_failure is not None and self._written - self._first_failure > _FAR_UP:
            again = [problem for problem in end.failures if problem.error_class is not ErrorClass.SKIPPED]
            for problem in again[:_NAMED_AGAIN]:
                self._line(f"failed first: {problem.path + ': ' if problem.path else ''}{problem.message}")

    def _plan(self) -> str:
        parts = []
        for outcome, word in _PLANNED.items():
            count = self._planned.get(outcome, _Count())
            if count.files or outcome is Outcome.PLANNED:
                parts.append(f"{word} {count.files} files ({size_text(count.bytes)})")
        return f"a run would {' and '.join(parts)}"

    def _failure(self, text: str) -> None:
        if self._first_failure is None:
            self._first_failure = self._written
        self._line(text)

    def _said(self, text: str) -> None:
        if not self.quiet:
            self._line(text)

    def _line(self, text: str) -> None:
        self.stream.write("".join(c if c.isprintable() else repr(c)[1:-1] for c in printable(text)) + "\n")
        self.stream.flush()
        self._written += 1


def size_text(count: float) -> str:
    """Bytes for a person: `1.5 MB`."""
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("the last unit takes any count")


def describe_progress(progress: Progress) -> str:
    """One line about a run under way."""
    totals = progress.totals
    more = "" if totals.totals_final else " so far"
    done = totals.files_transferred + totals.files_skipped
    left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
    return (
        f"{done} of {totals.files_total}{more} files, {size_text(totals.bytes_transferred + totals.bytes_skipped)} of "
        f"{size_text(totals.bytes_total)}, {size_text(progress.bytes_per_second)}/s{left}"
    )


def describe_end(end: End, plan: str | None = None) -> list[str]:
    """A few lines about a run that is over; `plan` says what a dry run has come to."""
    totals = end.totals
    deleted = f", {totals.files_deleted} deleted" if totals.files_deleted else ""
    done = plan or f"{totals.files_transferred} transferred ({size_text(totals.bytes_transferred)})"
    summary = (
        f"{end.exit_code.label}: {totals.files_total} files, {size_text(totals.bytes_total)}; {done}, "
        f"{totals.files_skipped} skipped, {totals.files_failed} failed{deleted}, {end.seconds:.1f} s"
    )
    lines = [summary]
    if totals.scan_errors:
        noun = "error" if totals.scan_errors == 1 else "errors"
        lines.append(f"{totals.scan_errors} {noun} besides those of files; see the lines that begin with 'error'")
    if end.problem is not None:
        lines.append(end.problem.message)
    elif end.exit_code is ExitCode.INTERRUPTED:
        lines.append("stopped by a signal; run it again to go on")
    return lines
