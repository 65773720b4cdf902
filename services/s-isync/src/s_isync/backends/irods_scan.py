"""Scans a collection in the order of every scan.

What the catalogue answers is in no order, so it has to be taken whole before the first entry can be given. A large
collection is taken piece by piece, so that work on its first parts begins while the rest is still being listed.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, groupby
from typing import TypeVar

from s_isync.backends import irods_listing as listing
from s_isync.backends.irods_connection import ConnectionLostError
from s_isync.entry import Entry, Kind
from s_isync.errors import TreeError
from s_isync.names import join
from s_isync.spill_sort import spill_sorted
from s_isync.tree import ScanProblem

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_TRIES = 3
_LARGE = 5000  # objects from which a collection is taken in pieces
_WORTH = 500  # objects that a piece must have on average; asking for it costs as much as reading some hundreds


def scan(
    exchange: listing.Exchange,
    root: str,
    problem: ScanProblem,
    left: listing.Left,
    listed: Callable[[], None] = lambda: None,
) -> Iterator[Entry]:
    """Everything below a collection; a connection that breaks costs no more than a piece.

    `listed` is called once nothing more is to be asked of the catalogue, where that is before the first entry.
    """
    total = _again(lambda: listing.count_below(exchange, root))
    if total > _LARGE:
        names = _again(lambda: {path.partition("/")[0] for path in listing.collections_below(exchange, root)})
        if names and total / len(names) >= _WORTH:
            return _pieces(exchange, root, names, problem, left)
    return _sorted(lambda: listing.below(exchange, root, problem, left), listed)


def _pieces(
    exchange: listing.Exchange, root: str, names: set[str], problem: ScanProblem, left: listing.Left
) -> Iterator[Entry]:
    folders = [Entry(name, Kind.FOLDER) for name in names if listing.usable(name, problem)]
    for entry in _sorted(lambda: chain(folders, listing.objects_in(exchange, root, problem, left))):
        yield entry
        if entry.kind is Kind.FOLDER:
            name = entry.path

            def within(path: str, error: TreeError, name: str = name) -> None:
                problem(join(name, path), error)

            for inner in scan(exchange, join(root, name), within, left):
                yield replace(inner, path=f"{name}/{inner.path}")


def _sorted(entries: Callable[[], Iterator[Entry]], listed: Callable[[], None] = lambda: None) -> Iterator[Entry]:
    """In order, each object once, by its best replica."""

    def taken() -> Iterator[Entry]:
        found = spill_sorted(entries())
        first = next(found, None)  # by then all has been taken
        return iter(()) if first is None else chain([first], found)

    found = _again(taken)
    listed()
    for _, same in groupby(found, key=lambda entry: entry.path):
        everything = list(same)
        replicas = [entry for entry in everything if not entry.leftover]
        if replicas:
            best = listing.best_replica(replicas)
            yield best if len(replicas) == len(everything) else replace(best, leftover=True)


def _again(what: Callable[[], _T]) -> _T:
    for _ in range(_TRIES - 1):
        try:
            return what()
        except ConnectionLostError as error:
            _log.info("%s; asking again", error)
    return what()
