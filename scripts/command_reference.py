"""Write docs/commands.md from the commands' own parsers.

Usage: python scripts/command_reference.py [--check]
"""

from __future__ import annotations

import argparse
import inspect
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs/commands.md"
COMMANDS = {
    "stager": "stager_client.cli.root:stager",
    "s-isync": "s_isync.options:_parser",
    "stager-api": "stager_api.cli:main",
    "stager-worker": "stager_worker.cli:main",
    "stager-ui": "stager_ui.cli:main",
    "stager-admin": "stager_admin.cli:main",
    "stager-credentials": "stager_credentials.cli:_parser",
    "stager-sandbox": "stager_sandbox.cli:main",
}
HEAD = """# Every command and option
<!-- Made by scripts/command_reference.py from the commands' parsers; change those. -->

What `COMMAND --help` says, in one place.
"""


@dataclass
class Option:
    """How an option is written, and what it does."""

    written: str
    meaning: str


@dataclass
class Command:
    """A command, or one of its verbs."""

    name: str
    usage: str
    about: str
    options: list[Option]
    verbs: list[Command] = field(default_factory=list)


def of_click(command: click.Command, name: str) -> Command:
    """What click knows of a command."""
    context = click.Context(command, info_name=name)
    options = []
    for parameter in command.params:
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context)):
            options.append(Option(*record))
    verbs = []
    if isinstance(command, click.Group):
        known = {verb: command.get_command(context, verb) for verb in command.list_commands(context)}
        verbs = [of_click(one, f"{name} {verb}") for verb, one in known.items() if one and not one.hidden]
    usage = " ".join(command.collect_usage_pieces(context))
    return Command(name, usage, command.help or "", options, verbs)


def of_argparse(parser: argparse.ArgumentParser, name: str, about: str = "") -> Command:
    """What argparse knows of a command."""
    options, places, verbs = [], [], []
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to ask
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            told = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001 - as above
            places.append("COMMAND ...")
            verbs = [of_argparse(one, f"{name} {verb}", told[verb]) for verb, one in action.choices.items()]
        elif action.option_strings:
            choices = "{" + "|".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
            value = "" if action.nargs == 0 else f" {action.metavar or choices}"
            options.append(Option(f"{', '.join(action.option_strings)}{value}", action.help or ""))
        else:
            places.append(str(action.metavar or action.dest))
    usage = " ".join(["[OPTIONS]", *places])
    return Command(name, usage, about or parser.description or "", options, verbs)


def load(name: str, place: str) -> Command:
    """A command, from where its parser is."""
    module, _, attribute = place.partition(":")
    found: Any = getattr(import_module(module), attribute)
    if isinstance(found, click.Command):
        return of_click(found, name)
    return of_argparse(found(), name)


def table(options: Sequence[Option]) -> Iterator[str]:
    """Options, a row each; what every command has is left out."""
    rows = [
        f"| `{cell(option.written)}` | {cell(option.meaning)} |" for option in options if "--help" not in option.written
    ]
    if rows:
        yield "\n| option | |\n|---|---|\n" + "\n".join(rows) + "\n"


def cell(text: str) -> str:
    """A text as a cell of a table holds it."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def prose(text: str) -> str:
    """A help text as paragraphs, and as lines where click is told to leave them alone."""
    parts = []
    for part in inspect.cleandoc(text).split("\n\n"):
        if part.startswith("\b\n"):
            parts.append("\n".join(f"    {line.strip()}" for line in part.splitlines()[1:]))
        else:
            parts.append(" ".join(part.split()).replace("<", "&lt;"))
    return "\n\n".join(part for part in parts if part)


def section(command: Command, depth: int = 2, told: Sequence[Option] = ()) -> Iterator[str]:
    """A command and its verbs; what all verbs share stands with the command, once, and is `told` then."""
    yield f"\n{'#' * depth} {command.name}\n\n    {command.name} {command.usage}\n\n{prose(command.about)}\n"
    yield from table([option for option in command.options if option not in told])
    first = command.verbs[0].options if len(command.verbs) > 1 else []
    shared = [option for option in first if all(option in verb.options for verb in command.verbs)]
    if any("--help" not in option.written for option in shared):
        yield "\nWith every verb:\n"
        yield from table(shared)
    for verb in command.verbs:
        yield from section(verb, depth + 1, shared)


def page() -> str:
    """The whole text."""
    os.environ.pop("STAGER_WORKER_CONFIG", None)  # it would be told as s-isync's default
    return HEAD + "".join(part for name, place in COMMANDS.items() for part in section(load(name, place)))


def main() -> int:
    """Write it, or compare."""
    text = page()
    if "--check" in sys.argv[1:]:
        if TARGET.exists() and TARGET.read_text() == text:
            return 0
        print(f"{TARGET.relative_to(ROOT)} is not what the parsers say: run scripts/command_reference.py")
        return 1
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
