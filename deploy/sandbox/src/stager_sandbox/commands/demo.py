"""``stager-sandbox demo``: what ``make demo`` runs."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import click

from stager_sandbox.demo.errors import DemoError
from stager_sandbox.demo.story import tell
from stager_sandbox.processes import end_with_parent

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command("demo")
@click.option(
    "--folder",
    default=".demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where everything goes.",
)
@click.option("--once", is_flag=True, help="End after the round trip.")
def command(folder: Path, *, once: bool) -> None:
    """Run the whole stager here, and bring some 300 files up and down again.

    To be called in the repository's folder, whose README holds the task.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        for further in _ENDING:
            signal.signal(further, signal.SIG_IGN)  # what is running is ended in peace
        raise KeyboardInterrupt(number)

    for number in _ENDING:
        signal.signal(number, end)
    if os.environ.get("MAKELEVEL"):
        end_with_parent()  # a killed make would leave this running
    os.umask(0o022)
    try:
        tell(folder, Path("README.md"), once=once)
    except DemoError as error:
        click.echo(f"demo: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("\ndemo: ended", err=True)
        sys.exit(130 if once else 0)
