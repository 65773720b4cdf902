"""`stager list`."""

from __future__ import annotations

import itertools

import click

from stager_client.cli.job_text import job_table
from stager_client.cli.json_form import to_json
from stager_client.cli.session import Session, connected
from stager_client.job_states import STATE_NAMES


@click.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(STATE_NAMES), help="Only these; may be repeated.")
@click.option("--search", default="", help="Only those with this text in id, title, source or destination.")
@click.option("--of", "stager_user", default="", metavar="USER", help="Whose jobs.  [default: yours]")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@connected
def list_jobs(session: Session, states: tuple[str, ...], search: str, stager_user: str, limit: int) -> None:
    """List jobs, newest first."""
    found = session.client.jobs(states=states, search=search, stager_user=stager_user)
    jobs = list(itertools.islice(found, limit))
    session.show({"jobs": [to_json(job) for job in jobs]}, job_table(jobs) if jobs else "No jobs.")
