"""``stager-sandbox zone``: run the iRODS zone until told to stop."""

import logging
import signal
from pathlib import Path

import click

from stager_sandbox.zone import Zone


def pairs(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """Read ``NAME:VALUE`` options; the value may hold colons, or, when the name is a path, the name may."""
    found = {}
    for item in given:
        name, colon, value = item.rpartition(":") if item.startswith("/") else item.partition(":")
        if not (name and colon and value):
            raise click.BadParameter(f"{item!r} is not of the form NAME:VALUE")
        found[name] = value
    return found


def one_pair(context: click.Context, parameter: click.Parameter, given: str) -> tuple[str, str]:
    """Read one ``NAME:VALUE`` option."""
    return next(iter(pairs(context, parameter, (given,)).items()))


def sizes(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, int]:
    """Read ``NAME:BYTES`` options."""
    try:
        return {name: int(value) for name, value in pairs(context, parameter, given).items()}
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("zone")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=1247, show_default=True, help="Port to listen on; 0 for one of the kernel's choice.")
@click.option(
    "--data", required=True, type=click.Path(file_okay=False, path_type=Path), help="Directory that holds the zone."
)
@click.option("--zone", "zone_name", default="nl.ru.donders", show_default=True, help="Name of the zone.")
@click.option("--user", "users", multiple=True, callback=pairs, metavar="NAME:PASSWORD", help="An ordinary user.")
@click.option(
    "--admin", default="rods:rods", callback=one_pair, metavar="NAME:PASSWORD", help="The zone's administrator."
)
@click.option(
    "--collection", "collections", multiple=True, callback=pairs, metavar="PATH:OWNER", help="A collection to make."
)
@click.option(
    "--quota", "quotas", multiple=True, callback=sizes, metavar="NAME:BYTES", help="How much a user may store."
)
@click.option("--browsable", is_flag=True, help="Let all read the collections at the top, from / to all the homes.")
@click.option("--tls", "require_tls", is_flag=True, help="Refuse plain connections.")
@click.option("--release", default="5.0.2", show_default=True, help="The iRODS release to answer with.")
@click.option("--checksum", "checksum_scheme", type=click.Choice(["sha2", "md5"]), default="sha2", show_default=True)
def command(**settings: object) -> None:
    """Run an iRODS zone.

    Prints "ready HOST:PORT" when it answers, and ends on SIGTERM. With --tls, clients verify it with DATA/tls/ca.pem.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s zone %(levelname)s %(message)s")
    stop = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)  # before any thread starts, so that all of them leave it to us
    with Zone(**settings, control=True) as zone:  # type: ignore[arg-type] # click has checked them; the names are the same
        click.echo(f"ready {zone.host}:{zone.port}")
        signal.sigwait(stop)
