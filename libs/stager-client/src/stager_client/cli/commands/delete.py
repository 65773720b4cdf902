"""`stager delete`."""

from __future__ import annotations

from typing import Any

import click

from stager_client.cli.commands.each import for_each
from stager_client.cli.exit_codes import ExitCode
from stager_client.cli.session import Session, connected


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@connected
def delete(session: Session, ids: tuple[str, ...]) -> ExitCode:
    """Remove the records of jobs; one that waits or runs is stopped first. Moved data stays where it is."""

    def act(job_id: str) -> tuple[dict[str, Any], str]:
        session.client.delete(job_id)
        return {"id": job_id, "deleted": True}, f"deleted {job_id}"

    return for_each(session, ids, act)
