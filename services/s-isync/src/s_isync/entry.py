"""What a scan finds."""

from dataclasses import dataclass
from enum import IntEnum

PERMISSIONS = 0o777
"""The bits of a mode that travel; set-user-id and the like must not."""


class Kind(IntEnum):
    """What stands under a name."""

    FILE = 0
    FOLDER = 1
    LINK = 2
    SPECIAL = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of a tree.

    Attributes:
        path: relative to the root of the scan, names joined by `/`; empty for the root itself.
        kind: file or data object, folder or collection, symbolic link, or something that can't be copied.
        size: bytes.
        mtime_ns: modification time, nanoseconds since the epoch; a catalogue knows whole seconds.
        checksum: as the catalogue writes it; None where none is known.
        good: whether the bytes can be trusted; false for a data object without a good replica.
        leftover: whether an interrupted overwrite has left a copy of older bytes beside it.
        place: the storage that holds the only replica of a data object; None where there is a choice.
        mode: permission bits of a file; None where none are known.
    """

    path: str
    kind: Kind
    size: int = 0
    mtime_ns: int = 0
    checksum: str | None = None
    good: bool = True
    leftover: bool = False
    place: str | None = None
    mode: int | None = None


def sort_key(path: str) -> str:
    """The order of every scan: a folder comes right before what it holds (`/` sorts below every other character)."""
    return path.replace("/", "\0")
