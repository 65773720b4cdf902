"""Leaves unwanted entries, and all below unwanted folders, out of a sorted scan."""

from collections.abc import Iterable, Iterator

from s_isync.entry import Entry, Kind
from s_isync.tree import Wanted


def pruned(entries: Iterable[Entry], wanted: Wanted) -> Iterator[Entry]:
    """Those of the entries, in the order of `sort_key`, that take part."""
    below: str | None = None
    for entry in entries:
        if below is not None and entry.path.startswith(below):
            continue
        if wanted(entry.path, entry.kind):
            yield entry
        elif entry.kind is Kind.FOLDER:
            below = entry.path + "/"
