"""Logical paths: what is allowed, and how they split."""

import errno
from typing import Final

from stager_sandbox.zone.errors import Code, ZoneError

MAX_PATH: Final = 1088
MAX_NAME: Final = 255


def clean(path: str) -> str:
    """The path without trailing slashes.

    Raises:
        ZoneError: USER_INPUT_PATH_ERR for a path that is too long.
    """
    if len(path.encode("utf-8", "surrogateescape")) >= MAX_PATH:
        raise ZoneError(Code.USER_INPUT_PATH_ERR)
    return path.rstrip("/") or "/"


def require_name(path: str) -> None:
    """Refuse to make what would have no proper name of its own.

    Raises:
        ZoneError: USER_INPUT_PATH_ERR for a relative path and the names ``.`` and ``..``; UNIX_FILE_CREATE_ERR with
            ENAMETOOLONG for a name that no file can have, as in the real server's vault.
    """
    name = split(path)[1]
    if not path.startswith("/") or name in {"", ".", ".."}:
        raise ZoneError(Code.USER_INPUT_PATH_ERR)
    if len(name.encode("utf-8", "surrogateescape")) > MAX_NAME:
        raise ZoneError(Code.UNIX_FILE_CREATE_ERR - errno.ENAMETOOLONG)


def split(path: str) -> tuple[str, str]:
    """Parent collection and name; the root's parent is the root."""
    parent, _, name = clean(path).rpartition("/")
    return parent or "/", name


def is_within(path: str, collection: str) -> bool:
    """Whether a path is the collection or lies under it."""
    return path == collection or path.startswith(collection.rstrip("/") + "/")
