"""`stager project`."""

from __future__ import annotations

import click

from stager_client.cli.session import Session, connected
from stager_client.cli.text import printable


@click.command()
@click.argument("number", metavar="NUMBER")
@connected
def project(session: Session, number: str) -> None:
    """Show the collection that takes a project's raw data; needs no login."""
    collection = session.client.resolve_collection(number)
    session.show({"project": number, "collection": collection}, printable(collection))
