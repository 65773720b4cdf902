"""Keeps the totals of a run and tells every listener what happens, one thing at a time."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from s_isync.errors import Problem, fault_of_its_own
from s_isync.exit_codes import ExitCode
from s_isync.rate import Rate
from s_isync.totals import Totals

_SHOWN_FAILURES = 20
_SHOWN_CURRENT = 16
_TICK = 0.25  # seconds between two progress events


class Outcome(StrEnum):
    """What became of a file."""

    TRANSFERRED = "transferred"
    SKIPPED = "skipped"
    FAILED = "failed"
    DELETED = "deleted"
    PLANNED = "planned"
    WOULD_DELETE = "would_delete"


@dataclass(frozen=True, slots=True)
class FileResult:
    """The fate of one file: `bytes` is its size, `checksum` as the catalogue writes it."""

    path: str
    outcome: Outcome
    bytes: int
    checksum: str | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """A look at a run under way.

    `working_seconds` says for how long at most a server's own work is still waited for; None if there is none.
    """

    totals: Totals
    bytes_per_second: float
    seconds_left: float | None
    current: list[str]
    working_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended; `problem` is what ended it, `failures` the first errors, `seconds` how long it took."""

    totals: Totals
    exit_code: ExitCode
    problem: Problem | None
    failures: list[Problem]
    seconds: float


@dataclass(frozen=True, slots=True)
class Start:
    """What a run is about to do; texts as the person gave them."""

    task: str | None
    source: str
    destination: str
    dry_run: bool


class Listener(Protocol):
    """Takes what happens in a run. Never called by two threads at once."""

    def start(self, start: Start) -> None:
        """The run begins."""

    def progress(self, progress: Progress) -> None:
        """A look at the run, at most four a second."""

    def file(self, result: FileResult) -> None:
        """A file's fate is known."""

    def folder(self, path: str, outcome: Outcome) -> None:
        """A folder would be made, or deleted."""

    def error(self, problem: Problem) -> None:
        """Something went wrong that is no single file."""

    def end(self, end: End) -> None:
        """The run is over."""


class Reporter:
    """What the threads of a run report to.

    Args:
        listeners: whom to tell.
        lost: called when a listener can't be told any more: nobody reads what it writes, or its disk is full.
    """

    def __init__(self, listeners: Sequence[Listener], lost: Callable[[OSError], None]) -> None:
        self._listeners = list(listeners)
        self._lost = lost
        self._lock = threading.RLock()
        self._totals = Totals()
        self._failures: list[Problem] = []
        self._planned: Counter[Outcome] = Counter()  # files, in a dry run
        self._folders = 0  # that would be made or removed
        self._current: dict[str, int] = {}
        self._began = time.monotonic()
        self._rate = Rate(self._began)
        self._working: Callable[[], float | None] = lambda: None
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)

    def start(self, start: Start) -> None:
        """Tell the listeners, and begin to show progress."""
        with self._lock:
            self._tell(lambda listener: listener.start(start))
        with contextlib.suppress(RuntimeError):  # where hardly a thread can be started, work comes before progress
            self._ticker.start()

    def awaits(self, working_seconds: Callable[[], float | None]) -> None:
        """How to find out for how long at most a server's own work is still waited for."""
        self._working = working_seconds

    def found(self, size: int) -> None:
        """The scan has found a file."""
        with self._lock:
            self._totals.files_total += 1
            self._totals.bytes_total += size

    def folder(self, path: str, outcome: Outcome) -> None:
        """What a run would do with a folder."""
        with self._lock:
            self._folders += 1
            self._tell(lambda listener: listener.folder(path, outcome))

    @property
    def incomplete(self) -> bool:
        """Whether something could not be scanned or made."""
        with self._lock:
            return self._totals.scan_errors > 0

    @property
    def failed(self) -> bool:
        """Whether a file failed."""
        with self._lock:
            return self._totals.files_failed > 0

    @property
    def transferred(self) -> bool:
        """Whether a file has been transferred."""
        with self._lock:
            return self._totals.files_transferred > 0

    @property
    def skipped(self) -> bool:
        """Whether a file was there already."""
        with self._lock:
            return self._totals.files_skipped > 0

    def scan_over(self) -> None:
        """The totals won't grow any more."""
        with self._lock:
            self._totals.totals_final = True

    def begin(self, path: str) -> None:
        """Work on a file begins."""
        with self._lock:
            self._current[path] = 0

    def moved(self, path: str, count: int) -> None:
        """Bytes of a running file have arrived."""
        with self._lock:
            self._current[path] = self._current.get(path, 0) + count
            self._totals.bytes_transferred += count

    def checked(self, count: int) -> None:
        """Bytes have been hashed without being moved."""
        with self._lock:
            self._totals.bytes_checked += count

    def attempt_failed(self, path: str) -> None:
        """What has arrived of a running file is worth nothing."""
        with self._lock:
            self._totals.bytes_transferred -= self._current.get(path, 0)
            self._current[path] = 0

    def file(self, result: FileResult) -> None:
        """A file's fate is known; adds it to the totals."""
        with self._lock:
            moved = self._current.pop(result.path, 0)
            totals = self._totals
            match result.outcome:
                case Outcome.TRANSFERRED:
                    totals.files_transferred += 1
                    totals.bytes_transferred += result.bytes - moved
                case Outcome.SKIPPED:
                    totals.files_skipped += 1
                    totals.bytes_skipped += result.bytes
                case Outcome.FAILED:
                    totals.files_failed += 1
                    totals.bytes_transferred -= moved
                case Outcome.DELETED:
                    totals.files_deleted += 1
                case Outcome.PLANNED | Outcome.WOULD_DELETE:
                    self._planned[result.outcome] += 1
            if result.problem is not None:
                self._remember(result.problem)
            self._tell(lambda listener: listener.file(result))

    def given_up(self, path: str) -> None:
        """The run ends before the file's fate is known."""
        with self._lock:
            self._totals.bytes_transferred -= self._current.pop(path, 0)

    def resized(self, change: int) -> None:
        """A file that the scan has found is larger or smaller by now."""
        with self._lock:
            self._totals.bytes_total += change

    def error(self, problem: Problem, *, incomplete: bool) -> None:
        """Something went wrong that is no single file; `incomplete` says that the run can't be complete any more."""
        with self._lock:
            if incomplete:
                self._totals.scan_errors += 1
            self._remember(problem)
            self._tell(lambda listener: listener.error(problem))

    def end(
        self, exit_code: ExitCode | None, problem: Problem | None, *, check: bool = False, tell_nothing: bool = False
    ) -> ExitCode:
        """Tell the listeners that the run is over.

        Args:
            exit_code: why it ended early; None where it came to its end, and the totals say how it went.
            problem: what ended it.
            check: whether differences between the sides decide about the exit code.
            tell_nothing: whether a run that had no file to move or remove has an exit code of its own.

        Returns:
            The exit code of the process.
        """
        self._over.set()
        with self._lock:
            self._show()
            if exit_code is None:
                exit_code = self._judge(check=check, tell_nothing=tell_nothing)
                problem = fault_of_its_own(None) if exit_code is ExitCode.INTERNAL else None
            seconds = time.monotonic() - self._began
            self._tell(lambda listener: listener.end(End(self._totals, exit_code, problem, self._failures, seconds)))
            return exit_code

    def _judge(self, *, check: bool, tell_nothing: bool) -> ExitCode:
        totals = self._totals
        if totals.files_failed or totals.scan_errors:
            return ExitCode.PARTIAL
        if totals.files_total != totals.files_transferred + totals.files_skipped + self._planned[Outcome.PLANNED]:
            return ExitCode.INTERNAL  # a file whose fate nobody has told of is not at the destination
        planned = self._planned.total()
        if check and (planned or self._folders):
            return ExitCode.DIFFERS
        done = totals.files_transferred or totals.files_deleted or planned
        return ExitCode.NOTHING_DONE if tell_nothing and not done else ExitCode.COMPLETE

    def _tell(self, what: Callable[[Listener], None]) -> None:
        for listener in list(self._listeners):
            try:
                what(listener)
            except OSError as error:
                self._listeners.remove(listener)
                self._lost(error)

    def _remember(self, problem: Problem) -> None:
        if len(self._failures) < _SHOWN_FAILURES:
            self._failures.append(problem)

    def _tick(self) -> None:
        while not self._over.wait(_TICK):
            with self._lock:
                if not self._over.is_set():
                    self._show()

    def _show(self) -> None:
        totals = self._totals
        self._rate.sample(time.monotonic(), totals.bytes_transferred)
        left = None
        if totals.totals_final:
            left = self._rate.seconds_left(totals.bytes_total - totals.bytes_skipped - totals.bytes_transferred)
        current = sorted(self._current)[:_SHOWN_CURRENT]
        progress = Progress(totals, self._rate.bytes_per_second, left, current, self._working())
        self._tell(lambda listener: listener.progress(progress))
