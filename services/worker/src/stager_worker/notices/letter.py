"""What is said about a job, before it is made a mail: a subject, a sentence, facts, and the first faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from stager_jobs.job import Attempt, FileFault, Progress
from stager_jobs.rq_store.outbox import Kind, Notice
from stager_jobs.store import ReportPage

SHOWN_FAULTS = 20
_SUBJECTS = {Kind.COMPLETED: "Completed", Kind.FAILED: "Failed", Kind.DEADLINE: "Out of time, tried again"}


@dataclass(frozen=True, slots=True)
class Letter:
    """Plain texts, none of them fit for HTML as they are."""

    subject: str
    opening: str
    facts: tuple[tuple[str, str], ...]
    faults: tuple[FileFault, ...]
    more_faults: int
    """How many more there are than `faults`."""
    link: str


def write_letter(notice: Notice, report: ReportPage, link: str) -> Letter:
    """What to say, from the job as it stands now; `link` leads to it, or is empty."""
    job = report.job
    attempt = next((attempt for attempt in job.attempts if attempt.number == notice.attempt), None)
    newest = bool(job.attempts) and job.attempts[-1].number == notice.attempt
    faults = report.faults[:SHOWN_FAULTS] if newest and notice.kind is not Kind.COMPLETED else ()
    facts = [("Job", job.id), ("From", job.task.src_url), ("To", job.task.dst_url), ("As", job.owner)]
    if attempt:
        facts += _facts_of(attempt)
    return Letter(
        subject=f"{_SUBJECTS[notice.kind]}: {' '.join(job.task.title.split())}",
        opening=_opening(notice, attempt),
        facts=tuple(facts),
        faults=faults,
        more_faults=report.faults_total - len(faults) if faults else 0,
        link=link.replace("{id}", job.id),
    )


def _opening(notice: Notice, attempt: Attempt | None) -> str:
    reason = f" {attempt.error.message}" if attempt and attempt.error else ""
    match notice.kind:
        case Kind.COMPLETED:
            return "Your transfer has completed: every file is at its destination and was verified."
        case Kind.FAILED:
            return (
                f"Your transfer has failed.{reason} What has arrived stays; restart the job, and it goes on with what "
                "is missing."
            )
        case Kind.DEADLINE:
            return f"Your transfer ran out of time.{reason} It is tried again by itself, and goes on where it was."


def _facts_of(attempt: Attempt) -> Iterator[tuple[str, str]]:
    yield "Attempt", str(attempt.number)
    yield "Began", _moment(attempt.started)
    if attempt.ended:
        yield "Ended", _moment(attempt.ended)
    progress = attempt.progress
    if progress != Progress():
        moved, skipped, failed = progress.files_transferred, progress.files_skipped, progress.files_failed
        yield "Files", f"{moved} transferred, {skipped} there already, {failed} failed, of {progress.files_total}"
        yield "Data", f"{_size(progress.bytes_transferred)} transferred, of {_size(progress.bytes_total)}"


def _moment(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC")


def _size(count: int) -> str:
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{count} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
