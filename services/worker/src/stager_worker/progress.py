"""What s-isync says of its progress, in the words of a job."""

from __future__ import annotations

from stager_jobs.job import Progress

from stager_worker.isync_events import EndEvent, ProgressEvent, Totals


def progress_of(event: ProgressEvent | EndEvent) -> Progress:
    """The job's progress after an event; nothing is under way after the end."""
    if isinstance(event, EndEvent):
        return _progress(event.totals, final=True)
    return _progress(
        event.totals,
        final=event.totals_final,
        rate=event.bytes_per_second,
        left=event.seconds_left,
        current=event.current,
    )


def _progress(
    totals: Totals, *, final: bool, rate: float = 0.0, left: float | None = None, current: tuple[str, ...] = ()
) -> Progress:
    return Progress(
        files_total=totals.files_total,
        files_transferred=totals.files_transferred,
        files_skipped=totals.files_skipped,
        files_failed=totals.files_failed,
        bytes_total=totals.bytes_total,
        bytes_transferred=totals.bytes_transferred,
        bytes_skipped=totals.bytes_skipped,
        totals_final=final,
        bytes_per_second=rate,
        seconds_left=left,
        current=current,
    )
