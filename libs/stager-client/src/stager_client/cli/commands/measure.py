"""`stager measure`."""

from __future__ import annotations

from typing import Final

import click
from stager.v1 import directory_service_pb2 as pb

from stager_client.cli.exit_codes import ExitCode
from stager_client.cli.json_form import to_json
from stager_client.cli.session import Session, connected
from stager_client.cli.text import columns, printable, size

_PROBLEMS: Final = {
    pb.MEASURE_PROBLEM_NOT_FOUND: "is not there",
    pb.MEASURE_PROBLEM_DENIED: "may not be read",
    pb.MEASURE_PROBLEM_OUTSIDE: "is outside of the storage that the stager may list",
    pb.MEASURE_PROBLEM_UNREADABLE: "can't be read",
}


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--of", "stager_user", default="", metavar="USER", help="As whom.  [default: you]")
@connected
def measure(session: Session, paths: tuple[str, ...], stager_user: str) -> ExitCode:
    """Count the files and bytes that a transfer from these paths would look at, as their user."""
    *_, last = session.client.measure(paths, stager_user=stager_user)
    session.show(to_json(last), columns([_row(one, final=last.final) for one in last.measured]))
    return ExitCode.NOT_FOUND if any(one.problem for one in last.measured) else ExitCode.OK


def _row(one: pb.Measured, *, final: bool) -> tuple[str, str, str, str]:
    if one.problem:
        return "", "", printable(one.path), _PROBLEMS.get(one.problem, "can't be measured")
    more = "" if final else "+"
    notes = [f"{one.unreadable} unreadable"] if one.unreadable else []
    notes += [f"{one.left_out} left out (links, pipes)"] if one.left_out else []
    return f"{one.files}{more} files", f"{size(one.bytes)}{more}", printable(one.path), ", ".join(notes)
