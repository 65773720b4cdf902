"""`stager restart`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from stager_client.cli.exit_codes import ExitCode
from stager_client.cli.follow import follow
from stager_client.cli.json_form import to_json
from stager_client.cli.session import Session, connected
from stager_client.configuration import read_secret


@click.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "--drpass-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Holds the repository account's password, clear or sealed.  [env: also STAGER_DRPASS]",
)
@click.option("--ask-drpass", is_flag=True, help="Ask for the repository account's password.")
@click.option("--watch", "-w", is_flag=True, help="Follow the job.")
@connected
def restart(session: Session, job_id: str, drpass_file: Path | None, *, ask_drpass: bool, watch: bool) -> ExitCode:
    """Run an ended job again, under its id; what is there already is not moved again.

    A job's password is wiped when it ends, so a restart needs it anew, but for service accounts.
    """
    password = os.environ.get("STAGER_DRPASS", "")
    if drpass_file is not None:
        password = read_secret(drpass_file)
    elif ask_drpass:
        password = click.prompt("Password of the repository account", hide_input=True, err=True)
    job = session.client.restart(job_id, password=password)
    if watch:
        return follow(session, [job.id])
    session.show(to_json(job), f"restarted {job.id}")
    return ExitCode.OK
