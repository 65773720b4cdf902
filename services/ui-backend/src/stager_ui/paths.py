"""Paths, names and addresses as they come from a browser: hostile until they have been here."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

MAX_PATH_BYTES: Final = 4096
MAX_NAME_BYTES: Final = 255


class BadPathError(ValueError):
    """Not a path, or not a name, that can be asked for."""


def checked_folder(text: object) -> str:
    """An absolute path without a slash at its end (but for the root), without empty parts, `.` and `..`."""
    if not isinstance(text, str) or not text.startswith("/") or not _is_text(text, MAX_PATH_BYTES):
        raise BadPathError("not an absolute path")
    parts = [part for part in text.split("/") if part]
    if any(part in {".", ".."} for part in parts):
        raise BadPathError("a path may not hold . or ..")
    return "/" + "/".join(parts)


def checked_name(text: object) -> str:
    """The name of one thing in a folder."""
    if not isinstance(text, str) or text in {"", ".", ".."} or "/" in text or not _is_text(text, MAX_NAME_BYTES):
        raise BadPathError("not a name")
    return text


def join(folder: str, name: str) -> str:
    """The path of a name in a folder."""
    return f"/{name}" if folder == "/" else f"{folder}/{name}"


def last_name(path: str) -> str:
    """The last part of a path; of the root, the root."""
    return path.rstrip("/").rpartition("/")[2] or "/"


def local_address(text: str | None) -> str:
    """The address, if it is a path of this site; else the first page. Nobody is sent elsewhere."""
    if not text or not text.startswith("/") or text.startswith(("//", "/\\")) or not text.isprintable():
        return "/"
    parts = urlsplit(text)
    return "/" if parts.scheme or parts.netloc or "\\" in text else text


def _is_text(text: str, limit: int) -> bool:
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return len(encoded) <= limit and b"\0" not in encoded
