"""Comparing what was sent with what arrived, by means that have no part in the transfer."""

from __future__ import annotations

import base64
import filecmp
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from stager_sandbox.demo.errors import DemoError
from stager_sandbox.zone import ZoneFiles

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Tally:
    """How much was compared and found equal."""

    files: int
    size: int


def verify_upload(local: Path, zone: ZoneFiles, user: str, collection: str) -> Tally:
    """Compare each file's SHA-256 with what the zone's catalogue says.

    Raises:
        DemoError: Something is missing, more than there should be, or different.
    """
    sent = {name: _catalogue_form(local / name) for name in _files(local)}
    arrived = _objects(zone, user, collection)
    return _compared(sent, arrived, f"{local} and {collection}", local)


def verify_download(local: Path, back: Path) -> Tally:
    """Compare two folders byte by byte.

    Raises:
        DemoError: As above.
    """
    names = _files(local)
    arrived = {
        name: "same" if filecmp.cmp(local / name, back / name, shallow=False) else "different"
        for name in _files(back)
        if name in names
    }
    arrived |= dict.fromkeys(_files(back) - names, "unexpected")
    return _compared(dict.fromkeys(names, "same"), arrived, f"{local} and {back}", local)


def _compared(sent: dict[str, str], arrived: dict[str, str], what: str, local: Path) -> Tally:
    wrong = sorted(name for name in sent.keys() | arrived.keys() if sent.get(name) != arrived.get(name))
    if wrong:
        faults = [
            f"  {name!r}: {arrived.get(name, 'missing')}, not {sent.get(name, 'there')}" for name in wrong[:_SHOWN]
        ]
        raise DemoError("\n".join([f"{what} differ in {len(wrong)} files:", *faults]))
    return Tally(len(sent), sum((local / name).stat().st_size for name in sent))


def _files(folder: Path) -> set[str]:
    return {os.path.relpath(Path(parent) / name, folder) for parent, _, names in os.walk(folder) for name in names}


def _catalogue_form(path: Path) -> str:
    with path.open("rb") as file:
        return "sha2:" + base64.b64encode(hashlib.file_digest(file, "sha256").digest()).decode()


def _objects(zone: ZoneFiles, user: str, collection: str) -> dict[str, str]:
    """By path below the collection: each data object's checksum, or that its replica isn't good."""
    found: dict[str, str] = {}
    waiting = [collection]
    while waiting:
        for entry in list(zone.list(user, waiting.pop())):
            if entry.is_collection:
                waiting.append(entry.path)
            else:
                good = entry.checksum if entry.status == 1 else f"a replica of status {entry.status}"
                found[entry.path.removeprefix(f"{collection}/")] = good
    return found
