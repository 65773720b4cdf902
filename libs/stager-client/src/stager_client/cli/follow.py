"""Following jobs until they end: as a bar on a terminal, as lines or JSON elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import click

from stager_client.cli.exit_codes import ExitCode, of_events
from stager_client.cli.json_form import to_json
from stager_client.cli.progress_lines import ProgressLines
from stager_client.cli.session import Session
from stager_client.errors import StagerError
from stager_client.watching import JobEvent


class View(Protocol):
    """Something that shows jobs moving on."""

    def show(self, event: JobEvent) -> None:
        """A job stands so now."""

    def lost(self, error: StagerError) -> None:
        """The stager is out of reach for now."""


class JsonLines:
    """One JSON object a line, for each change."""

    def show(self, event: JobEvent) -> None:
        """Write it."""
        line = {"change": "deleted" if event.deleted else "current", "job": to_json(event.job)}
        if event.deleted:
            line["job"] = {"id": event.job.id}
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def lost(self, error: StagerError) -> None:
        """Programs needn't know; the watch comes back or ends with an error."""


def follow(session: Session, ids: Sequence[str], *, stager_user: str = "") -> ExitCode:
    """Show jobs until all that were named have ended; where none are, all of the user's until Ctrl-C.

    Returns:
        By how they ended; INTERRUPTED after Ctrl-C where jobs were named.
    """
    last: dict[str, JobEvent] = {}
    with _view(session) as view:
        try:
            events = session.client.watch(ids, stager_user=stager_user, skip_ended=True, on_lost=view.lost)
            for event in events:
                if not ids and event.final and event.job.id not in last:
                    continue  # it had ended before one looked
                last[event.job.id] = event
                view.show(event)
        except KeyboardInterrupt:
            if not ids:
                return ExitCode.OK
            interrupted = True
        else:
            interrupted = False
    if interrupted:
        going_on = [job_id for job_id in ids if job_id not in last or not last[job_id].final]
        if not session.as_json:
            click.echo(f"The transfer goes on; to see it again: stager watch {' '.join(going_on)}", err=True)
        return ExitCode.INTERRUPTED
    return of_events(last.values())


def _view(session: Session) -> AbstractContextManager[View]:
    if session.as_json:
        return nullcontext(JsonLines())
    if sys.stdout.isatty():
        from stager_client.cli.progress_bars import ProgressBars

        return ProgressBars()
    return nullcontext(ProgressLines(click.echo))
