"""Sorts entries of which there may be millions, in bounded memory."""

import heapq
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO

from s_isync.entry import Entry, Kind, sort_key

RUN_LENGTH = 20_000  # entries held in memory at once; some 10 MB
_BLOCK_LENGTH = 500  # entries read back at once from each run

_Row = tuple[str, int, int, int, str | None, bool, bool, str | None, int | None]


def spill_sorted(entries: Iterable[Entry], run_length: int = RUN_LENGTH) -> Iterator[Entry]:
    """The entries in the order of `sort_key`; equal paths keep the order in which they came.

    More than `run_length` of them are sorted piece by piece into an unnamed temporary file and merged from there.
    """
    source = iter(entries)
    first = sorted(islice(source, run_length), key=_key)
    if len(first) < run_length:
        yield from first
        return
    with tempfile.TemporaryFile(prefix="s-isync-scan-") as file:
        runs = [_spill(first, file)]
        del first
        while run := sorted(islice(source, run_length), key=_key):
            runs.append(_spill(run, file))
        yield from heapq.merge(*(_read_back(file, blocks) for blocks in runs), key=_key)


def _key(entry: Entry) -> str:
    return sort_key(entry.path)


def _row(entry: Entry) -> _Row:
    known = entry.checksum, entry.good, entry.leftover, entry.place, entry.mode
    return entry.path, int(entry.kind), entry.size, entry.mtime_ns, *known


def _spill(run: list[Entry], file: BinaryIO) -> list[int]:
    offsets = []
    for start in range(0, len(run), _BLOCK_LENGTH):
        offsets.append(file.tell())
        rows: list[_Row] = [_row(entry) for entry in run[start : start + _BLOCK_LENGTH]]
        pickle.dump(rows, file, protocol=pickle.HIGHEST_PROTOCOL)
    return offsets


def _read_back(file: BinaryIO, offsets: list[int]) -> Iterator[Entry]:
    for offset in offsets:
        file.seek(offset)
        rows: list[_Row] = pickle.load(file)  # noqa: S301 - an unnamed file that this process has just written
        for path, kind, size, mtime_ns, checksum, good, leftover, place, mode in rows:
            yield Entry(path, Kind(kind), size, mtime_ns, checksum, good, leftover, place, mode)
