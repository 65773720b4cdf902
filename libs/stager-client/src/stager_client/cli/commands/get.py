"""`stager get`."""

from __future__ import annotations

import click

from stager_client.cli.job_text import job_details
from stager_client.cli.json_form import to_json
from stager_client.cli.session import Session, connected


@click.command()
@click.argument("job_id", metavar="ID")
@connected
def get(session: Session, job_id: str) -> None:
    """Show all about a job."""
    job = session.client.get(job_id)
    session.show(to_json(job), job_details(job))
