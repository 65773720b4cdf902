"""How many files and bytes a transfer will look at, counted while somebody looks on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from stager.v1 import directory_service_pb2
from stager_client import StagerClient

from stager_ui.entries import EntryType
from stager_ui.paths import join
from stager_ui.webdav import Account, RepositoryError, WebDav

PATHS_AT_ONCE: Final = 100
"""As many as the API measures in one call."""
SECONDS: Final = 60.0
"""How long to count in the repository; the API has a limit of its own."""
TELL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Count:
    """What is below a name, as far as it is counted.

    Attributes:
        files: Files.
        bytes: Their sizes together.
        left_out: Links and special files, which aren't transferred.
        unreadable: Files and folders that can't be read.
    """

    files: int = 0
    bytes: int = 0
    left_out: int = 0
    unreadable: int = 0


@dataclass(frozen=True)
class Estimate:
    """What is below some names; `final`: everything is counted."""

    counts: dict[str, Count] = field(default_factory=dict)
    final: bool = False

    def as_json(self) -> dict[str, Any]:
        """For the page's script."""
        return {"counts": {name: asdict(count) for name, count in self.counts.items()}, "final": self.final}


def count_in_storage(api: StagerClient, folder: str, names: Sequence[str]) -> Iterator[Estimate]:
    """Count below names in a directory of the project storage; the last estimate tells whether all was counted.

    Raises:
        StagerError: The API doesn't count.
    """
    counts: dict[str, Count] = {}
    whole = True
    for start in range(0, len(names), PATHS_AT_ONCE):
        some = names[start : start + PATHS_AT_ONCE]
        final = False
        for answer in api.measure([join(folder, name) for name in some]):
            counts |= dict(zip(some, map(_count, answer.measured), strict=False))
            final = answer.final
            yield Estimate(dict(counts))
        whole = whole and final
    yield Estimate(counts, final=whole)


def count_in_repository(
    webdav: WebDav, account: Account, folder: str, names: Sequence[str], seconds: float = SECONDS
) -> Iterator[Estimate]:
    """Count below collections of a collection, one look into each; what can't be looked into is counted as such."""
    deadline = time.monotonic() + seconds
    told = time.monotonic()
    counts = dict.fromkeys(names, Count())
    for name in names:
        waiting = [join(folder, name)]
        while waiting:
            if time.monotonic() > deadline:
                yield Estimate(counts)
                return
            path = waiting.pop()
            counts[name], below = _look_into(webdav, account, path, counts[name])
            waiting += below
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                yield Estimate(dict(counts))
    yield Estimate(counts, final=True)


def _look_into(webdav: WebDav, account: Account, path: str, so_far: Count) -> tuple[Count, list[str]]:
    try:
        entries = webdav.list_collection(account, path)
    except RepositoryError:
        return replace(so_far, unreadable=so_far.unreadable + 1), []
    sizes = [entry.size for entry in entries if entry.type is EntryType.FILE]
    below = [join(path, entry.name) for entry in entries if entry.type is EntryType.FOLDER and not entry.undecodable]
    return replace(so_far, files=so_far.files + len(sizes), bytes=so_far.bytes + sum(sizes)), below


def _count(measured: directory_service_pb2.Measured) -> Count:
    unreadable = measured.unreadable + bool(measured.problem)
    return Count(measured.files, measured.bytes, measured.left_out, unreadable)
