"""`stager stop`."""

from __future__ import annotations

from typing import Any

import click
from stager.v1 import job_pb2

from stager_client.cli.commands.each import for_each
from stager_client.cli.exit_codes import ExitCode
from stager_client.cli.json_form import to_json
from stager_client.cli.session import Session, connected


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@connected
def stop(session: Session, ids: tuple[str, ...]) -> ExitCode:
    """Stop jobs that wait or run; their records stay."""

    def act(job_id: str) -> tuple[dict[str, Any], str]:
        job = session.client.stop(job_id)
        return to_json(job), f"stopped {job_id}" if job.state == job_pb2.JOB_STATE_STOPPED else f"stopping {job_id}"

    return for_each(session, ids, act)
