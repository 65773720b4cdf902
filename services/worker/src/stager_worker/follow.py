"""Follows a running s-isync to its end: reads it, keeps the lease, and ends it when something says so."""

from __future__ import annotations

import time
from collections.abc import Callable

from stager_jobs.job import FileFault, JobError, Task
from stager_jobs.rq_store.lease import Lease, Order, Verdict
from stager_telemetry import get_logger

from stager_worker.isync_events import EndEvent, ErrorEvent, Event, EventReader, FileEvent, Problem, ProgressEvent
from stager_worker.isync_process import IsyncProcess
from stager_worker.progress import progress_of
from stager_worker.report import JobFiles
from stager_worker.verdicts import judge, verdict_on
from stager_worker.watchdog import Watchdog

log = get_logger(__name__)

_TICK = 0.25
_KIND_SECONDS = 12.0
"""How long s-isync may take after SIGTERM; it promises ten."""


class Follower:
    """One attempt, from the start of its process to the verdict."""

    def __init__(
        self,
        process: IsyncProcess,
        lease: Lease,
        files: JobFiles,
        task: Task,
        hand_back: Callable[[], bool],
    ) -> None:
        """Follow a process that has just been started.

        Args:
            process: The process.
            lease: The hold on its job.
            files: Where its log and report go.
            task: For its deadlines.
            hand_back: Whether the worker ends and can't wait any longer.
        """
        self._process, self._lease, self._files = process, lease, files
        self._watchdog = Watchdog(task.timeout, task.timeout_noprogress)
        self._hand_back = hand_back
        lease.lists_files_in(files.place)
        self._reader = EventReader()
        self._end: EndEvent | None = None
        self._problem: Problem | None = None

    def follow(self) -> tuple[Verdict, JobError | None]:
        """Until it has ended, with all that it started."""
        ended_by: tuple[Verdict, JobError | None] | None = None
        kill_at = float("inf")
        try:
            while not self._process.exited():
                self._listen(_TICK)
                if ended_by is None or not self._lease.fenced:
                    self._lease.beat()  # without an answer it takes seconds, which the end of a transfer can't wait for
                if ended_by is None:
                    ended_by = self._reason_to_end()
                    if ended_by:
                        self._process.ask_to_end()
                        kill_at = time.monotonic() + _KIND_SECONDS
                if time.monotonic() > kill_at:
                    break
            self._listen(0)
        finally:
            code, unread = self._process.end()
        self._take(unread)
        if self._reader.garbage:
            log.warning("s-isync wrote lines that are no events", lines=self._reader.garbage)
        verdict = judge(code, self._end, self._problem)
        # What got complete in spite of a stop is complete.
        outcome = verdict if ended_by is None or verdict[0] is Verdict.COMPLETE else ended_by
        self._files.say(self._summary(*outcome))
        return outcome

    def _summary(self, verdict: Verdict, error: JobError | None) -> str:
        """The last line of an attempt's log."""
        totals = self._end.totals if self._end else None
        files = (
            f"; files: {totals.files_transferred} transferred, {totals.files_skipped} skipped, "
            f"{totals.files_failed} failed, of {totals.files_total}"
            if totals
            else ""
        )
        return f"the attempt ends: {verdict.value}{files}" + (f"; {error.message}" if error else "")

    def _reason_to_end(self) -> tuple[Verdict, JobError | None] | None:
        """Why the transfer must end now, as the verdict on it."""
        overdue = self._watchdog.overdue()
        if overdue:
            return verdict_on(overdue), overdue
        if self._lease.order is not Order.RUN:
            log.info("s-isync is told to end", order=self._lease.order.value)
            return Verdict.HAND_BACK, None  # the store knows what was asked for and acts on it
        if self._lease.fenced:
            log.error("Redis has been silent for too long; the transfer ends before another worker may take the job")
            return Verdict.HAND_BACK, None
        if self._hand_back():
            log.info("the worker ends and hands its job back")
            return Verdict.HAND_BACK, None
        return None

    def _listen(self, timeout: float) -> None:
        output, errors = self._process.listen(timeout)
        self._files.log(errors)
        self._take(output)

    def _take(self, output: bytes) -> None:
        for event in self._reader.feed(output):
            self._note(event)

    def _note(self, event: Event) -> None:
        match event:
            case ProgressEvent() | EndEvent():
                self._watchdog.see(event.totals, event.working_seconds if isinstance(event, ProgressEvent) else None)
                self._lease.update(progress_of(event))
                if isinstance(event, EndEvent):
                    self._end = event
            case FileEvent():
                self._files.file(event)
                if event.problem:
                    self._blame(event.problem, event.path)
            case ErrorEvent():
                self._files.problem(event.problem)
                if not event.problem.passed_over:
                    self._blame(event.problem, event.problem.path)

    def _blame(self, problem: Problem, path: str) -> None:
        self._problem = problem
        self._lease.fault(FileFault(path, problem.code, problem.message))
