"""Jobs as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence

from stager.v1 import job_pb2

from stager_client.cli.text import columns, duration, moment, printable, size
from stager_client.job_states import state_name


def job_table(jobs: Sequence[job_pb2.Job]) -> str:
    """One line for each job."""
    head = ("ID", "STATE", "SUBMITTED", "PROGRESS", "TITLE")
    rows = [
        (job.id, state_name(job.state), moment(job.created_at), progress_text(job), printable(job.task.title))
        for job in jobs
    ]
    return columns([head, *rows])


def job_details(job: job_pb2.Job) -> str:
    """All about one job."""
    task = job.task
    rows = [
        ("id", job.id),
        ("title", task.title),
        ("state", state_name(job.state)),
        ("from", task.src_url),
        ("to", task.dst_url),
        ("as", f"{task.stager_user}, in the repository {task.dr_user}"),
        ("submitted", moment(job.created_at) + (f" by {job.submitted_by}" if job.submitted_by else "")),
        ("started", moment(job.started_at) if job.HasField("started_at") else ""),
        ("ended", moment(job.ended_at) if job.HasField("ended_at") else ""),
        ("next attempt", moment(job.next_process_at) if job.HasField("next_process_at") else ""),
        ("attempts", f"{len(job.attempts)} of {job.max_attempts}"),
        ("progress", progress_text(job)),
        ("waits for", job.waiting_reason),
        ("last error", job.last_error.message if job.HasField("last_error") else ""),
    ]
    return columns([(name, printable(value)) for name, value in rows if value])


def progress_text(job: job_pb2.Job) -> str:
    """Files, bytes and, while it runs, rate and time left, as far as there is anything to tell."""
    progress = job.progress
    active = job.state == job_pb2.JOB_STATE_ACTIVE
    if not (progress.files_total or progress.bytes_total):
        return ""
    more = "" if progress.totals_final else "+"
    files = progress.files_transferred + progress.files_skipped
    parts = [
        f"{files}/{progress.files_total}{more} files",
        f"{size(done_bytes(progress))}/{size(progress.bytes_total)}{more}",
    ]
    if progress.files_failed:
        parts.append(f"{progress.files_failed} failed")
    if active and progress.bytes_per_second:
        parts.append(f"{size(progress.bytes_per_second)}/s")
    if active and progress.HasField("seconds_left"):
        parts.append(f"{duration(progress.seconds_left)} left")
    return ", ".join(parts)


def end_text(job: job_pb2.Job) -> str:
    """How a job ended, in a line."""
    progress = job.progress
    text = f"{state_name(job.state)} {job.id} {printable(job.task.title)}: "
    text += f"{progress.files_transferred} files, {size(progress.bytes_transferred)}"
    if job.HasField("started_at") and job.HasField("ended_at"):
        text += f" in {duration(job.ended_at.ToNanoseconds() / 1e9 - job.started_at.ToNanoseconds() / 1e9)}"
    if progress.files_skipped:
        text += f"; {progress.files_skipped} were there already"
    if progress.files_failed:
        text += f"; {progress.files_failed} failed"
    if job.state != job_pb2.JOB_STATE_COMPLETED and job.last_error.message:
        text += f"; {printable(job.last_error.message)}"
    return text


def done_bytes(progress: job_pb2.Progress) -> int:
    """Bytes that needn't be moved any more."""
    return progress.bytes_transferred + progress.bytes_skipped
