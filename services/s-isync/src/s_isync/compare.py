"""Whether a file of the destination already is what the source holds."""

from dataclasses import dataclass
from enum import StrEnum

from s_isync.checksums import DEFAULT_SCHEME, is_known, same, scheme_of
from s_isync.entry import Entry
from s_isync.errors import EndOfRunError, Phase, Scope, TransientError, TreeError, during
from s_isync.tree import Progress, Tree

_SECOND_NS = 1_000_000_000


class CompareMode(StrEnum):
    """What two files must share to count as equal."""

    CHECKSUM = "checksum"
    SIZE = "size"
    MTIME = "mtime"
    ALWAYS = "always"


class Verdict(StrEnum):
    """What can be said of two entries without reading bytes."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNSURE = "unsure"


def compare_entries(source: Entry, existing: Entry, mode: CompareMode) -> Verdict:
    """Judge by what the scans have found; `UNSURE` asks for `same_bytes`.

    A destination without a good replica never counts as equal. Times are compared in whole seconds, which is what a
    catalogue keeps.
    """
    if mode is CompareMode.ALWAYS or not existing.good or source.size != existing.size:
        return Verdict.DIFFERENT
    if mode is CompareMode.SIZE:
        return Verdict.EQUAL
    if mode is CompareMode.MTIME:
        equal = source.mtime_ns // _SECOND_NS == existing.mtime_ns // _SECOND_NS
        return Verdict.EQUAL if equal else Verdict.DIFFERENT
    return Verdict.UNSURE


@dataclass(frozen=True, slots=True)
class Side:
    """One of two files to compare, and which of them it is."""

    scope: Scope
    tree: Tree
    path: str
    entry: Entry


def same_bytes(source: Side, destination: Side, progress: Progress, *, server_checksum: bool) -> str | None:
    """The checksum that both files share; None if they differ, or if that can't be told.

    Args:
        source: the file that may have to be copied.
        destination: what stands where it goes.
        progress: told the bytes that are hashed, here or by a server.
        server_checksum: whether a catalogue may be asked to compute a checksum that it lacks.

    Raises:
        FailedError: one of the files can't be read.
    """
    sides = (source, destination)
    sums = [_known(side, progress, server_checksum=server_checksum) for side in sides]
    if any(known is None and side.tree.catalogues for known, side in zip(sums, sides, strict=True)):
        return None
    scheme = next((scheme_of(known) for known in sums if known), DEFAULT_SCHEME)
    if not is_known(scheme):
        return None
    first, second = (known or _read(side, scheme, progress) for known, side in zip(sums, sides, strict=True))
    return first if same(first, second) else None


def _known(side: Side, progress: Progress, *, server_checksum: bool) -> str | None:
    if side.entry.checksum or not (side.tree.catalogues and server_checksum):
        return side.entry.checksum
    with during(side.scope, Phase.PREPARE, side.entry.path):
        try:
            return side.tree.checksum(side.path, None, progress)
        except (TransientError, EndOfRunError):
            raise
        except TreeError:  # who may read an object may not always have its checksum registered
            return None


def _read(side: Side, scheme: str, progress: Progress) -> str:
    with during(side.scope, Phase.PREPARE, side.entry.path):
        return side.tree.checksum(side.path, scheme, progress)
