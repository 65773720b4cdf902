"""The ``stager-sandbox`` command. Its commands are the modules of ``commands``, found by name and loaded when used."""

import importlib
import pkgutil

import click

from stager_sandbox import commands


class Commands(click.Group):
    """A group whose commands are the modules of a package; each module names its click command ``command``."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """The commands' names, by the alphabet."""
        return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, context: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in self.list_commands(context):
            return None
        module = importlib.import_module(f"{commands.__name__}.{cmd_name.replace('-', '_')}")
        found = module.command
        return found if isinstance(found, click.Command) else None


@click.command(cls=Commands)
def main() -> None:
    """All that the stager talks to, small and local."""
