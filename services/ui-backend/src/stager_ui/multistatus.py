"""Reading what a WebDAV server says about a collection (RFC 4918, multistatus)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from stager_ui.entries import Entry, EntryType

PROPFIND_BODY: Final = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>'
    b"<resourcetype/><getcontentlength/><getlastmodified/></prop></propfind>"
)
QUOTA_BODY: Final = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><quota-available-bytes/></prop></propfind>'
)
"""RFC 4331."""


class MalformedAnswerError(Exception):
    """The answer is no multistatus."""


@dataclass
class Listing:
    """A collection's entries, and whether it is a collection at all."""

    is_collection: bool = False
    entries: list[Entry] = field(default_factory=list)


def read_listing(answer: bytes, request_path: str) -> Listing:
    """What stands directly in the collection that was asked for.

    What isn't a direct child of it is left out: a server has no say about other places.

    Args:
        answer: The body of a 207.
        request_path: The path that was sent, percent-encoded.

    Raises:
        MalformedAnswerError: It can't be read, or says nothing about what was asked for.
    """
    here = _segments(request_path)
    listing = Listing()
    seen_itself = False
    try:
        for response in _responses(answer):
            path = _segments(urlsplit(response.findtext("{DAV:}href", "").strip()).path)
            properties = _properties(response)
            if path == here:
                seen_itself = True
                listing.is_collection = _is_collection(properties)
            elif path[:-1] == here and _is_a_name(path[-1]):
                listing.entries.append(_entry(path[-1], properties))
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise MalformedAnswerError(f"its listing can't be read: {error}") from error
    if not seen_itself:
        raise MalformedAnswerError("its listing says nothing about the collection that was asked for")
    return listing


def read_free_bytes(answer: bytes) -> int | None:
    """How many bytes can still be written; None where the server doesn't tell.

    Raises:
        MalformedAnswerError: It can't be read.
    """
    try:
        for response in _responses(answer):
            found = _properties(response).findtext("{DAV:}quota-available-bytes", "").strip()
            if found.isascii() and found.isdecimal():
                return int(found)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise MalformedAnswerError(f"its quota can't be read: {error}") from error
    return None


def _responses(answer: bytes) -> Iterator[Element]:
    root: Element | None = None
    for event, element in iterparse(BytesIO(answer), events=("start", "end")):
        if root is None:
            root = element
        if event == "end" and element.tag == "{DAV:}response":
            yield element
            # Ten thousand entries need not be in memory at once.
            root.clear()


def _segments(path: str) -> list[bytes]:
    return [unquote_to_bytes(part) for part in path.split("/") if part]


def _is_a_name(segment: bytes) -> bool:
    # %2F in an address is no separator there, but would be one in the path of a task.
    return segment not in {b".", b".."} and b"/" not in segment and b"\0" not in segment


def _properties(response: Element) -> Element:
    for propstat in response.iterfind("{DAV:}propstat"):
        status = propstat.findtext("{DAV:}status", "").split()
        found = propstat.find("{DAV:}prop")
        if found is not None and len(status) >= 2 and status[1] == "200":
            return found
    return Element("{DAV:}prop")


def _is_collection(properties: Element) -> bool:
    return properties.find("{DAV:}resourcetype/{DAV:}collection") is not None


def _entry(name: bytes, properties: Element) -> Entry:
    try:
        text, undecodable = name.decode("utf-8"), False
    except UnicodeDecodeError:
        text, undecodable = name.decode("utf-8", "backslashreplace"), True
    if _is_collection(properties):
        return Entry(text, EntryType.FOLDER, modified=_modified(properties), undecodable=undecodable)
    size = properties.findtext("{DAV:}getcontentlength", "").strip()
    return Entry(
        text,
        EntryType.FILE,
        size=int(size) if size.isascii() and size.isdigit() else 0,
        modified=_modified(properties),
        undecodable=undecodable,
    )


def _modified(properties: Element) -> float:
    text = properties.findtext("{DAV:}getlastmodified", "")
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return 0
