"""One name in a folder, on either side."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EntryType(StrEnum):
    """What stands under a name."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder.

    Attributes:
        name: Its name in the folder.
        type: What it is.
        size: In bytes; 0 for what isn't a file.
        modified: Seconds since 1970; 0 if unknown.
        target: Where a link points to, as written in it.
        undecodable: The name holds bytes that are no UTF-8, so it can't be transferred by name.
    """

    name: str
    type: EntryType
    size: int = 0
    modified: float = 0
    target: str = ""
    undecodable: bool = False

    def as_json(self) -> dict[str, object]:
        """For the page's script; what is empty is left out."""
        shown: dict[str, object] = {"name": self.name, "type": self.type.value}
        if self.type is EntryType.FILE:
            shown["size"] = self.size
        if self.modified:
            shown["modified"] = int(self.modified)
        if self.target:
            shown["target"] = self.target
        if self.undecodable:
            shown["undecodable"] = True
        return shown
