"""From what somebody chose in the panes to the tasks that would be submitted, and what each would do."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stager_ui.entries import Entry, EntryType
from stager_ui.paths import checked_folder, checked_name, join, last_name

MAX_LINES: Final = 1000
"""As many tasks as the API takes at once."""
MAX_TITLE: Final = 200
REPOSITORY_SCHEME: Final = "irods:"


class Direction(StrEnum):
    """Which way data goes."""

    UPLOAD = "upload"
    DOWNLOAD = "download"


class Effect(StrEnum):
    """What a line would do at its destination."""

    NEW = "new"
    MERGE = "merge"
    REPLACE = "replace"
    SAME_SIZE = "same_size"
    BLOCKED = "blocked"


_URGENCY: Final = {Effect.BLOCKED: 0, Effect.REPLACE: 1}


@dataclass(frozen=True)
class Choice:
    """What somebody chose: some names in one folder, to go into another folder on the other side.

    Attributes:
        direction: Which way.
        source: The folder that the names are in.
        destination: The folder that they go to.
        names: 1 to 1000 names.
    """

    direction: Direction
    source: str
    destination: str
    names: tuple[str, ...]

    @classmethod
    def checked(cls, direction: object, source: object, destination: object, names: Sequence[object]) -> Choice:
        """What a browser sent; raises ValueError if it isn't a choice."""
        if not 0 < len(names) <= MAX_LINES:
            raise ValueError(f"1 to {MAX_LINES} names")
        return cls(
            Direction(str(direction)),
            checked_folder(source),
            checked_folder(destination),
            tuple(dict.fromkeys(checked_name(name) for name in names)),
        )

    def source_url(self, name: str) -> str:
        """Where a name's data is, as a task says it."""
        prefix = REPOSITORY_SCHEME if self.direction is Direction.DOWNLOAD else ""
        return prefix + join(self.source, name)

    def destination_url(self, name: str) -> str:
        """Where a name's data goes: the same name in the destination, for files as for folders."""
        prefix = REPOSITORY_SCHEME if self.direction is Direction.UPLOAD else ""
        return prefix + join(self.destination, name)

    def title(self, name: str) -> str:
        """What to call the job of a name."""
        plain = "".join(c if unicodedata.category(c)[0] != "C" else "\N{REPLACEMENT CHARACTER}" for c in name)
        there = last_name(self.destination)
        title = f"{plain} → {there}" if len(plain) + len(there) + 3 <= MAX_TITLE else plain
        return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…"


@dataclass(frozen=True)
class Line:
    """One task of a plan.

    Attributes:
        name: What goes.
        type: What it is; None if it isn't there any more.
        size: Bytes of a file.
        source: Path of the data.
        destination: Path that it goes to.
        effect: What happens there.
        reason: Why it can't go, as a key of the texts; empty if it can.
        there: What stands at the destination now.
    """

    name: str
    type: EntryType | None
    size: int
    source: str
    destination: str
    effect: Effect
    reason: str = ""
    there: Entry | None = None


def plan(choice: Choice, at_source: Iterable[Entry], at_destination: Iterable[Entry]) -> list[Line]:
    """What each name would do, from what stands in both folders now.

    First what can't go and what would be replaced, which people want to know before; then as they were chosen.
    """
    here = {entry.name: entry for entry in at_source}
    there = {entry.name: entry for entry in at_destination}
    lines = [_line(choice, name, here.get(name), there.get(name)) for name in choice.names]
    return sorted(lines, key=lambda line: _URGENCY.get(line.effect, len(_URGENCY)))


def _line(choice: Choice, name: str, here: Entry | None, there: Entry | None) -> Line:
    source, destination = join(choice.source, name), join(choice.destination, name)
    effect, reason = _judge(here, there)
    if effect is not Effect.BLOCKED and _holds_controls(source + destination):
        effect, reason = Effect.BLOCKED, "control"
    return Line(name, here.type if here else None, here.size if here else 0, source, destination, effect, reason, there)


def _holds_controls(path: str) -> bool:
    # The API takes no task with one of these.
    return any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in path)


def _judge(here: Entry | None, there: Entry | None) -> tuple[Effect, str]:
    reason = _why_not(here, there)
    if reason or here is None:
        return Effect.BLOCKED, reason
    if there is None:
        return Effect.NEW, ""
    if here.type is EntryType.FOLDER:
        return Effect.MERGE, ""
    return (Effect.SAME_SIZE if here.size == there.size else Effect.REPLACE), ""


def _why_not(here: Entry | None, there: Entry | None) -> str:
    if here is None:
        return "gone"
    if here.undecodable:
        return "undecodable"
    if here.type in {EntryType.LINK, EntryType.OTHER}:
        return here.type.value
    if there is None or there.type is here.type:
        return ""
    return "file_in_the_way" if here.type is EntryType.FOLDER else "folder_in_the_way"
