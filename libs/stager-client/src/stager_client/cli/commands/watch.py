"""`stager watch`."""

from __future__ import annotations

import click

from stager_client.cli.exit_codes import ExitCode
from stager_client.cli.follow import follow
from stager_client.cli.session import Session, connected


@click.command()
@click.argument("ids", metavar="[ID...]", nargs=-1)
@click.option("--of", "stager_user", default="", metavar="USER", help="Whose jobs, where no ID is given.")
@connected
def watch(session: Session, ids: tuple[str, ...], stager_user: str) -> ExitCode:
    """Follow jobs until they end; without an ID all of yours, until Ctrl-C.

    The exit code tells how they ended: 0 all completed, 10 one failed, 11 one was deleted, 12 one was stopped.
    """
    return follow(session, ids, stager_user=stager_user)
