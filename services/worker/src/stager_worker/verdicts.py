"""How an attempt ended, from s-isync's exit code and last event; one table from exit codes to classes."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from stager_jobs.job import ErrorClass, JobError
from stager_jobs.rq_store.lease import Verdict

from stager_worker.isync_events import EndEvent, Problem

EXIT_CODES: Mapping[int, tuple[str, ErrorClass]] = {
    1: ("internal", ErrorClass.TRANSIENT),
    2: ("usage", ErrorClass.FATAL),
    3: ("partial", ErrorClass.PARTIAL),
    4: ("unreachable", ErrorClass.TRANSIENT),
    10: ("login_refused", ErrorClass.FATAL),
    11: ("no_permission", ErrorClass.FATAL),
    12: ("no_source", ErrorClass.FATAL),
    13: ("no_space", ErrorClass.FATAL),
    14: ("bad_destination", ErrorClass.FATAL),
    15: ("bad_configuration", ErrorClass.FATAL),
    130: ("interrupted", ErrorClass.TRANSIENT),
}
"""As docs/isync-protocol.md has them; 0 stands for itself; 5 and 9 are never asked for."""


def judge(exit_code: int, end: EndEvent | None, last_problem: Problem | None) -> tuple[Verdict, JobError | None]:
    """The verdict on an attempt that nobody ended from outside.

    Complete is only what s-isync calls complete by its exit code, its last event and its counts, all three.
    """
    if exit_code == 0 and end and end.outcome == "complete" and end.totals.all_there:
        return Verdict.COMPLETE, None
    error = _error(exit_code, end, last_problem)
    return verdict_on(error), error


def verdict_on(error: JobError) -> Verdict:
    """Whether another attempt may help."""
    return Verdict.FAIL if error.error_class is ErrorClass.FATAL else Verdict.RETRY


def _error(exit_code: int, end: EndEvent | None, last_problem: Problem | None) -> JobError:
    if exit_code < 0:
        message = f"s-isync was killed by {_signal_name(-exit_code)}."
        return JobError(ErrorClass.TRANSIENT, "killed", message)
    if exit_code == 0:
        message = "s-isync ended as if all was well, but what it reported doesn't say that every file has arrived."
        return JobError(ErrorClass.TRANSIENT, "unconfirmed", message)
    code, error_class = EXIT_CODES.get(exit_code, ("unknown", ErrorClass.TRANSIENT))
    return JobError(error_class, code, _message(exit_code, code, end, last_problem))


def _message(exit_code: int, code: str, end: EndEvent | None, last_problem: Problem | None) -> str:
    problem = (end.problem if end else None) or (end.failures[0] if end and end.failures else last_problem)
    said = _sentence(problem) if problem and problem.message else f"s-isync ended with code {exit_code} ({code})."
    if code != "partial" or end is None:
        return said
    missing = end.totals.files_failed
    counts = f"{missing} of {end.totals.files_total} files failed"
    if end.totals.scan_errors:
        counts += f", and {end.totals.scan_errors} folders could not be read"
    return f"{counts}; the first: {said}"


def _sentence(problem: Problem) -> str:
    """What went wrong, and with what."""
    named = not problem.path or problem.path in problem.message
    return problem.message if named else f"{problem.path}: {problem.message}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
