"""The command `stager`: what the user types is the tree under `commands`."""

from __future__ import annotations

import io
import sys

import click

from stager_client.cli.commands.delete import delete
from stager_client.cli.commands.get import get
from stager_client.cli.commands.list import list_jobs
from stager_client.cli.commands.log import log
from stager_client.cli.commands.ls import ls
from stager_client.cli.commands.measure import measure
from stager_client.cli.commands.project import project
from stager_client.cli.commands.report import report
from stager_client.cli.commands.restart import restart
from stager_client.cli.commands.stop import stop
from stager_client.cli.commands.submit import submit
from stager_client.cli.commands.watch import watch


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="stager-client")
def stager() -> None:
    """Move research data between the project storage and the repository.

    Where the stager is and who you are comes from options, from STAGER_ADDRESS, STAGER_USER, STAGER_PASSWORD,
    STAGER_TOKEN, STAGER_CA and so on, or from ~/.config/stager/config.toml.

    \b
    Exit codes: 0 done; 2 wrong usage; 3 the task is wrong; 4 not signed in or
    not allowed; 5 not found; 6 not possible as things stand; 7 the stager
    can't be reached; 10 a job failed, 11 was deleted, 12 was stopped;
    1 anything else.
    """  # noqa: D301 - the backspace is click's mark for lines to be left as they are
    # A name that the terminal's encoding lacks is written out instead of ending the command.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


for command in (submit, watch, list_jobs, get, report, log, stop, restart, delete, ls, measure, project):
    stager.add_command(command)
