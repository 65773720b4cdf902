"""Turns two scans into steps; a dry run prints the same steps that a run takes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from s_isync.compare import CompareMode, Verdict, compare_entries
from s_isync.entry import Entry, Kind
from s_isync.errors import TreeError
from s_isync.folders import Folder, FolderTrail
from s_isync.march import Pair


class Action(StrEnum):
    """What a step does."""

    MAKE_FOLDER = "make_folder"
    TRANSFER = "transfer"
    CHECK = "check"
    SKIP = "skip"
    PASS_OVER = "pass_over"  # noqa: S105 - no password
    REFUSE = "refuse"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do with one entry of the source.

    Attributes:
        action: `CHECK` compares bytes and transfers if they differ; `PASS_OVER` is for links and special files.
        source: the source's entry; for `DELETE`, where the source has none, the destination's.
        existing: what the destination has under that path and may be replaced.
        folder: the destination's folder: the one to make, or the one that the file goes to.
        obstacle: why the file is refused.
    """

    action: Action
    source: Entry
    existing: Entry | None
    folder: Folder
    obstacle: TreeError | None = None


def plan(pairs: Iterable[Pair], trail: FolderTrail, mode: CompareMode) -> Iterator[Step]:
    """The steps for what stands on either side, in order."""
    refused: str | None = None  # a folder of the destination that is in the way, and stays as it is
    for source, existing in pairs:
        if source is None:
            if existing is not None and not (refused and existing.path.startswith(refused)):
                yield Step(Action.DELETE, existing, existing, trail.above(existing.path))
            continue
        if source.kind is not Kind.FOLDER and existing is not None and existing.kind is Kind.FOLDER:
            refused = existing.path + "/"
        if source.kind is Kind.FOLDER:
            yield _folder_step(source, existing, trail)
        elif source.kind is Kind.FILE:
            yield _file_step(source, existing, trail.above(source.path), mode)
        else:
            yield Step(Action.PASS_OVER, source, None, trail.above(source.path))


def _folder_step(source: Entry, existing: Entry | None, trail: FolderTrail) -> Step:
    obstacle = None
    if existing is not None and existing.kind is not Kind.FOLDER:
        obstacle = TreeError("ENOTDIR", f"a {_NOUN[existing.kind]} stands where this folder should go; move it away")
    exists = existing is not None and obstacle is None
    folder = trail.enter(source.path, exists=exists, obstacle=obstacle)
    return Step(Action.SKIP if exists else Action.MAKE_FOLDER, source, existing, folder)


def _file_step(source: Entry, existing: Entry | None, folder: Folder, mode: CompareMode) -> Step:
    if not source.good:
        no_replica = TreeError("NO_GOOD_REPLICA", "the data object has no good replica; have its upload repeated")
        return Step(Action.REFUSE, source, existing, folder, no_replica)
    if existing is None or existing.kind in {Kind.LINK, Kind.SPECIAL}:
        # A download is renamed into place, which replaces a link itself and never what it points to.
        return Step(Action.TRANSFER, source, None, folder)
    if existing.kind is Kind.FOLDER:
        in_the_way = TreeError("EISDIR", "a folder stands where this file should go; move it away")
        return Step(Action.REFUSE, source, existing, folder, in_the_way)
    verdict = compare_entries(source, existing, mode)
    action = {Verdict.EQUAL: Action.SKIP, Verdict.DIFFERENT: Action.TRANSFER, Verdict.UNSURE: Action.CHECK}[verdict]
    return Step(action, source, existing, folder)


_NOUN = {Kind.FILE: "file", Kind.LINK: "symbolic link", Kind.SPECIAL: "special file", Kind.FOLDER: "folder"}
