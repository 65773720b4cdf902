"""`stager report`."""

from __future__ import annotations

import itertools

import click
from stager.v1 import job_pb2, job_service_pb2

from stager_client.cli.json_form import to_json
from stager_client.cli.session import Session, connected
from stager_client.cli.text import columns, printable, size
from stager_client.job_states import OUTCOME_NAMES, outcome_name

_TROUBLE = ("failed", "error")


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--all", "-a", "everything", is_flag=True, help="Every file, not only what went wrong.")
@click.option("--outcome", "outcomes", multiple=True, type=click.Choice(OUTCOME_NAMES), help="Only these.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="Files at the most.")
@connected
def report(session: Session, job_id: str, outcomes: tuple[str, ...], limit: int, *, everything: bool) -> None:
    """Show what became of a job's files: counts of each attempt, then the files that failed and why."""
    job = session.client.get(job_id)
    wanted = outcomes or (() if everything else _TROUBLE)
    first = session.client.report_page(job_id, outcomes=wanted, page_size=min(limit, 1000))
    files = list(itertools.islice(session.client.report(job_id, outcomes=wanted), limit + 1))
    document = {
        "attempts": [to_json(attempt) for attempt in job.attempts],
        "files": [to_json(file) for file in files[:limit]],
        "more": len(files) > limit,
        "complete": first.complete,
        "faultsTotal": first.faults_total,
        "fullList": first.full_list,
    }
    session.show(document, _text(job, first, files, limit))


def _text(
    job: job_pb2.Job, first: job_service_pb2.GetReportResponse, files: list[job_service_pb2.FileReport], limit: int
) -> str:
    parts = [_attempt(attempt) for attempt in job.attempts] or ["no attempt yet"]
    if files:
        parts += ["", columns([_row(file) for file in files[:limit]])]
    if len(files) > limit:
        parts.append(f"... and more; --limit shows more than {limit}")
    if not first.complete and first.faults_total > len(files):
        parts.append(f"{first.faults_total} went wrong in all; the complete list is with the administrators")
    if not first.complete and first.full_list:
        parts.append(f"complete list: {printable(first.full_list)}")
    return "\n".join(parts)


def _attempt(attempt: job_pb2.Attempt) -> str:
    progress = attempt.progress
    text = (
        f"attempt {attempt.number}: {progress.files_transferred} transferred, {progress.files_skipped} skipped, "
        f"{progress.files_failed} failed of {progress.files_total} files; {size(progress.bytes_transferred)}"
    )
    return text + (f"; {printable(attempt.error.message)}" if attempt.HasField("error") else "")


def _row(file: job_service_pb2.FileReport) -> tuple[str, ...]:
    why = f"{file.code}: {file.message}" if file.code else ""
    known_size = size(file.bytes).rjust(7) if file.bytes else ""
    return (str(file.attempt), outcome_name(file.outcome), known_size, printable(file.path or "-"), printable(why))
