"""The use case: a page of a directory, as the user."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stager_api import rules
from stager_api.accounts import Account
from stager_api.directories.storage import Storage, refusal
from stager_api.errors import InvalidRequestError, UnavailableError, Violation
from stager_api.principal import Principal
from stager_api.reasons import Fault

DEFAULT_PAGE = 1000
LARGEST_PAGE = 10_000


class EntryType(StrEnum):
    """What stands in a directory."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """One name. `size` is in bytes, `mtime` in nanoseconds since 1970.

    Bytes of names that are no UTF-8 are written as a backslash, x and two hexadecimal digits.
    """

    name: str
    type: EntryType
    size: int
    mtime: int
    target: str
    undecodable: bool


@dataclass(frozen=True, slots=True)
class DirectoryPage:
    """Entries in the order of their names' bytes; `next_token` is empty on the last page."""

    entries: tuple[Entry, ...]
    next_token: str


@dataclass(frozen=True, slots=True)
class DirectoryRequest:
    """Which directory, as whom, from where on. A size of 0 is the default."""

    path: str
    user: str = ""
    hidden: bool = False
    size: int = 0
    token: str = ""


@dataclass(frozen=True, slots=True)
class ListDirectory:
    """The use case. `run` looks as an account (see `child.run_child`) within `seconds`."""

    storage: Storage
    seconds: float
    run: Callable[[Account, dict[str, Any], float], dict[str, Any]]

    def __call__(self, caller: Principal, wanted: DirectoryRequest) -> DirectoryPage:
        """The page.

        Raises:
            InvalidRequestError: The request breaks rules, or the path is no directory.
            NotPermittedError: The caller may not act as this user, or the user may not read the directory, or it lies
                outside of the allowed roots.
            NotFoundError: There is no such path.
            PreconditionError: The service doesn't run as root, and this is another user.
            UnavailableError: The file system doesn't answer.
        """
        rules.refuse(
            rules.directory_violations(wanted.path),
            rules.user_violations("stager_user", wanted.user) if wanted.user else iter(()),
            rules.page_size_violations(wanted.size, LARGEST_PAGE),
        )
        after = _decode_token(wanted.token)
        account, roots = self.storage.enter(caller, wanted.user)
        request = {
            "action": "list",
            "path": wanted.path,
            "roots": roots,
            "hidden": wanted.hidden,
            "size": wanted.size or DEFAULT_PAGE,
            "after": after,
        }
        answer = self.run(account, request, self.seconds)
        if "error" in answer:
            raise refusal(str(answer["error"]), account.name)
        try:
            return _page(answer)
        except (KeyError, TypeError, ValueError) as error:
            raise UnavailableError("the directory can't be listed now; the service's log says why") from error


def _page(answer: dict[str, Any]) -> DirectoryPage:
    entries = tuple(_entry(item) for item in answer["entries"])
    if len(entries) > LARGEST_PAGE:
        raise ValueError("more entries than a page has")
    return DirectoryPage(entries, _encode_token(str(answer["next"])))


def _entry(item: dict[str, Any]) -> Entry:
    name, undecodable = _readable(str(item["name"]))
    target, _ = _readable(str(item["target"]))
    return Entry(name, EntryType(item["type"]), int(item["size"]), int(item["mtime"]), target, undecodable)


def _readable(text: str) -> tuple[str, bool]:
    """A name of any bytes as text that can be sent, and whether that changed it."""
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError:
        return raw.decode("utf-8", "backslashreplace"), True


def _encode_token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode("utf-8", "surrogateescape")).decode()


def _decode_token(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError(
            [Violation("page_token", Fault.NOT_A_PAGE, "is not from an answer to this request")]
        ) from error
