"""``stager-sandbox up``: run all of it until told to stop."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import click

from stager_sandbox.people import Person
from stager_sandbox.processes import READY
from stager_sandbox.sandbox import DEFAULT_PEOPLE, DESCRIPTION, PARTS, WEB_PARTS, Sandbox, SandboxError

_WATCH_SECONDS = 0.5


def _people(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> list[Person]:
    """Read ``NAME[:PASSWORD[:LOCAL]]`` options."""
    people = []
    for item in given:
        name, *rest = item.split(":")
        password, *local = rest or [""]
        if not name or len(local) > 1:
            raise click.BadParameter(f"{item!r} is not of the form NAME[:PASSWORD[:LOCAL]]")
        people.append(Person(name, password, local[0] if local else name))
    return people


def _ports(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, int]:
    """Read ``PART:PORT`` options."""
    ports = {}
    for item in given:
        part, _, port = item.partition(":")
        if part not in PARTS or not port.isdecimal() or int(port) > 65535:
            raise click.BadParameter(f"{item!r} is not of the form PART:PORT, PART being one of {', '.join(PARTS)}")
        ports[part] = int(port)
    return ports


@click.command("up")
@click.option("--data", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where everything goes.")
@click.option(
    "--user",
    "people",
    multiple=True,
    callback=_people,
    metavar="NAME[:PASSWORD[:LOCAL]]",
    help="Somebody with an account, and the local user that they are (NAME if not given; empty: none). A password is "
    "made up where none is given. Default: alice, bob and carol, who is no local user.",
)
@click.option("--port", "ports", multiple=True, callback=_ports, metavar="PART:PORT", help="Where a part listens.")
@click.option(
    "--open",
    "opened",
    multiple=True,
    type=click.Choice(WEB_PARTS),
    help="Let other machines reach this part, which still calls itself 127.0.0.1; for a container's published port.",
)
@click.option("--tls", is_flag=True, help="Encrypt everything but mail and Redis; clients verify it with the CA file.")
def command(data: Path, people: list[Person], ports: dict[str, int], opened: tuple[str, ...], *, tls: bool) -> None:
    """Run the iRODS zone, WebDAV, OIDC, gateway, mail and Redis.

    Prints where each part answers, and `ready DIR/sandbox.json` when all of them do. That file, which its owner alone
    can read, holds addresses, people and passwords. Ends on SIGTERM or Ctrl-C.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        with Sandbox(data, tls=tls, ports=ports, people=people or DEFAULT_PEOPLE, opened=opened) as sandbox:
            click.echo(_table(sandbox.description))
            click.echo(f"{READY}{data / DESCRIPTION}")
            fault = None
            while not (stop.wait(_WATCH_SECONDS) or fault):
                fault = sandbox.fault()
    except SandboxError as error:
        fault = str(error)
    if fault:
        click.echo(f"stager-sandbox: {fault}", err=True)
        sys.exit(1)


def _table(told: dict[str, Any]) -> str:
    """What stands where, for a person."""
    zone = told["zone"]
    rows = [
        ("iRODS zone", f"{zone['host']}:{zone['port']}  {zone['name']}"),
        ("WebDAV", told["webdav"]["url"]),
        ("OIDC", told["oidc"]["issuer"]),
        ("gateway, PPM form", told["gateway"]["url"]),
        ("mail", f"{told['mail']['host']}:{told['mail']['port']}  into {told['mail']['folder']}"),
        ("Redis", told["redis"]["url"].rpartition("@")[2]),
        ("CA file", told["ca_file"]),
    ]
    rows += [("user", f"{who['name']}  local user: {who['uid'] or 'none'}") for who in told["users"]]
    return "\n".join(f"{name:18} {what}" for name, what in rows)
