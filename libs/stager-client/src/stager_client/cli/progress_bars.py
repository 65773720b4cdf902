"""Progress on a terminal: a bar for each job that moves, and a line for each that has ended."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text
from stager.v1 import job_pb2

from stager_client.cli.job_text import done_bytes, end_text, progress_text
from stager_client.cli.text import printable
from stager_client.errors import StagerError
from stager_client.job_states import state_name
from stager_client.watching import JobEvent

MOST_BARS: Final = 20
TITLE_WIDTH: Final = 28
_STYLES: Final = {job_pb2.JOB_STATE_COMPLETED: "green", job_pb2.JOB_STATE_FAILED: "red"}


class ProgressBars:
    """Draws bars while it is entered."""

    def __init__(self, console: Console | None = None) -> None:
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}", markup=False),
            console=console or Console(highlight=False),
        )
        self._rows: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self, event: JobEvent) -> None:
        """Move the job's bar, or say how the job ended."""
        job = event.job
        if event.final:
            row = self._rows.pop(job.id, None)
            if row is not None:
                self._bars.remove_task(row)
                self._show_waiting_row()
                self._bars.refresh()
            text = f"deleted {job.id}" if event.deleted else end_text(job)
            self._bars.console.print(Text(text, style="" if event.deleted else _STYLES.get(job.state, "yellow")))
            return
        if job.id not in self._rows:
            title = printable(job.task.title)
            self._rows[job.id] = self._bars.add_task(
                title if len(title) <= TITLE_WIDTH else title[: TITLE_WIDTH - 1] + "…",
                total=None,
                visible=len(self._rows) < MOST_BARS,
                detail="",
            )
        progress = job.progress
        active = job.state == job_pb2.JOB_STATE_ACTIVE
        detail = progress_text(job) if active else ": ".join(filter(None, [state_name(job.state), _why(job)]))
        self._bars.update(
            self._rows[job.id],
            total=progress.bytes_total if progress.totals_final and progress.bytes_total else None,
            completed=done_bytes(progress),
            detail=detail or state_name(job.state),
        )

    def lost(self, error: StagerError) -> None:
        """Say so above the bars."""
        self._bars.console.print(Text(f"{printable(str(error))}; trying again", style="yellow"))

    def _show_waiting_row(self) -> None:
        """Let a job that had no room have the bar that has become free."""
        hidden = [row for row in self._bars.tasks if not row.visible]
        if hidden:
            self._bars.update(hidden[0].id, visible=True)


def _why(job: job_pb2.Job) -> str:
    """Why a job doesn't run now."""
    return printable(job.waiting_reason or job.last_error.message)
