"""Where a path given by a person points to."""

import os
import posixpath
from dataclasses import dataclass

_ZONE_PREFIXES = ("irods:", "i:")


@dataclass(frozen=True, slots=True)
class Location:
    """One end of a transfer.

    Attributes:
        in_zone: whether it is in iRODS rather than in the file system.
        path: absolute, without `.`, `..` or a slash at its end.
        as_folder: whether it was written with a slash at its end, and so can only mean a folder.
        text: as it was given.
    """

    in_zone: bool
    path: str
    as_folder: bool
    text: str


def parse_location(text: str) -> Location:
    """Read `i:PATH`, `irods:PATH` or a local path.

    Raises:
        ValueError: with a sentence for the person who typed it.
    """
    for prefix in _ZONE_PREFIXES:
        if text.startswith(prefix):
            path = text[len(prefix) :]
            if not path.startswith("/"):
                raise ValueError(f"'{text}': a path in iRODS begins with a slash and the zone's name: i:/zone/...")
            return Location(in_zone=True, path=_clean(path), as_folder=path.endswith("/"), text=text)
    if not text or "\0" in text:
        raise ValueError("a path can't be empty or hold a NUL character")
    return Location(in_zone=False, path=os.path.abspath(text), as_folder=text.endswith("/"), text=text)  # noqa: PTH100 - resolves `..`, follows no link


def lies_in(inner: Location, outer: Location) -> bool:
    """Whether a place is another one of the same tree, or below it."""
    return f"{inner.path}/".startswith(f"{outer.path.rstrip('/')}/")


def _clean(path: str) -> str:
    if ".." in path.split("/"):
        raise ValueError(f"'{path}': write a path in iRODS without '..'")
    return "/" + posixpath.normpath(path).lstrip("/")
