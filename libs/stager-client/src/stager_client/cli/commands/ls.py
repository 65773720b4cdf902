"""`stager ls`."""

from __future__ import annotations

from typing import Final

import click
from stager.v1 import directory_service_pb2

from stager_client.cli.json_form import to_json
from stager_client.cli.session import Session, connected
from stager_client.cli.text import columns, moment, printable, size

_LETTERS: Final = {
    directory_service_pb2.ENTRY_TYPE_FILE: "-",
    directory_service_pb2.ENTRY_TYPE_DIRECTORY: "d",
    directory_service_pb2.ENTRY_TYPE_SYMLINK: "l",
}


@click.command()
@click.argument("path")
@click.option("--all", "-a", "include_hidden", is_flag=True, help="Also names that begin with a dot.")
@click.option("--of", "stager_user", default="", metavar="USER", help="As whom.  [default: you]")
@connected
def ls(session: Session, path: str, stager_user: str, *, include_hidden: bool) -> None:
    """List a directory of the project storage, as its user sees it."""
    entries = list(session.client.list_directory(path, include_hidden=include_hidden, stager_user=stager_user))
    if session.as_json or entries:
        session.show({"entries": [to_json(entry) for entry in entries]}, columns([_row(entry) for entry in entries]))


def _row(entry: directory_service_pb2.Entry) -> tuple[str, str, str, str]:
    name = printable(entry.name)
    if entry.type == directory_service_pb2.ENTRY_TYPE_SYMLINK:
        name += f" -> {printable(entry.symlink_target)}"
    is_file = entry.type == directory_service_pb2.ENTRY_TYPE_FILE
    modified = moment(entry.modified_at) if entry.HasField("modified_at") else ""
    return (_LETTERS.get(entry.type, "?"), size(entry.size).rjust(7) if is_file else "", modified, name)
