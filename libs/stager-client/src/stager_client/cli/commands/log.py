"""`stager log`."""

from __future__ import annotations

import click

from stager_client.cli.session import Session, connected
from stager_client.cli.text import printable


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--bytes", "size", type=click.IntRange(1, 262_144), default=65_536, show_default=True, help="Of its end.")
@connected
def log(session: Session, job_id: str, size: int) -> None:
    """Show the end of what the transfer program logged about a job."""
    text = session.client.log(job_id, size=size)
    session.show({"log": text}, "\n".join(printable(line) for line in text.splitlines()))
