"""Walks two sorted scans in lock step."""

from collections.abc import Iterator

from s_isync.entry import Entry, sort_key

Pair = tuple[Entry | None, Entry | None]


def march(source: Iterator[Entry], destination: Iterator[Entry]) -> Iterator[Pair]:
    """Pair the entries of two scans by path, in the order of `sort_key`; None stands where one side has nothing.

    Neither scan is held in memory; both must be sorted and hold each path once.
    """
    left, right = next(source, None), next(destination, None)
    while left is not None or right is not None:
        if right is None or (left is not None and sort_key(left.path) < sort_key(right.path)):
            yield left, None
            left = next(source, None)
        elif left is None or sort_key(right.path) < sort_key(left.path):
            yield None, right
            right = next(destination, None)
        else:
            yield left, right
            left, right = next(source, None), next(destination, None)
