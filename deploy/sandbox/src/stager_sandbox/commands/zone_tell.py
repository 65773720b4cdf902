"""``stager-sandbox zone-tell``: make a running zone misbehave, or behave again."""

import json
from pathlib import Path

import click

from stager_sandbox.zone import ControlError, tell


def words_of(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, object]:
    """Read ``NAME=VALUE``; a value that is no JSON is text."""
    found: dict[str, object] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            raise click.BadParameter(f"{item!r} is not of the form NAME=VALUE")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


@click.command("zone-tell")
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("verb")
@click.argument("words", nargs=-1, callback=words_of, metavar="[NAME=VALUE]...")
def command(data: Path, verb: str, words: dict[str, object]) -> None:
    """Tell the zone that runs on DATA to do wrong.

    \b
    stager-sandbox zone-tell DIR add on=DATA_OBJ_CLOSE lose_reply=true times=1
    stager-sandbox zone-tell DIR limit bandwidth=1000000
    stager-sandbox zone-tell DIR stale path=/zone/home/alice/file
    stager-sandbox zone-tell DIR restart down=2
    stager-sandbox zone-tell DIR clear
    """  # noqa: D301 - click's mark for lines to keep as they are
    try:
        click.echo(tell(data, verb, **words))
    except (ControlError, OSError) as error:
        raise click.ClickException(str(error)) from error
