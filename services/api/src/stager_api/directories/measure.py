"""The use case: count files and bytes below paths, as the user, while the caller looks on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from stager_api import rules
from stager_api.accounts import Account
from stager_api.directories.storage import Storage
from stager_api.errors import ExhaustedError, UnavailableError
from stager_api.principal import Principal

PATHS_AT_ONCE = 100
_LARGEST = 2**63 - 1


class Problem(StrEnum):
    """What is wrong with a path."""

    NOT_FOUND = "not_found"
    DENIED = "denied"
    OUTSIDE = "outside"
    UNREADABLE = "failed"


@dataclass(frozen=True, slots=True)
class Measured:
    """What is at a path, as far as it is counted; `bytes` is the size of the files together."""

    path: str
    files: int
    bytes: int
    directories: int
    left_out: int
    unreadable: int
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Measurement:
    """All paths, in the order asked; `final`: everything is counted."""

    measured: tuple[Measured, ...]
    final: bool


class Look(Protocol):
    """Looks as an account for some seconds, and gives answers as they come; see `child.stream_child`."""

    def __call__(
        self, account: Account, request: dict[str, Any], seconds: float, /
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The answers."""
        ...


Enter = Callable[[Principal, str], Awaitable[tuple[Account, list[str]]]]
"""Calls `Storage.enter` outside of the event loop."""


@dataclass(slots=True)
class MeasureTrees:
    """The use case; at most `most` at a time, each within `seconds`."""

    storage: Storage
    seconds: float
    most: int
    look: Look
    _running: int = field(default=0)

    async def __call__(
        self, caller: Principal, paths: Sequence[str], user: str, enter: Enter
    ) -> AsyncGenerator[Measurement, None]:
        """Counts so far, again and again; the last one is final unless time ran out.

        Raises:
            ExhaustedError: There are too many at a time.
            InvalidRequestError, NotPermittedError, PreconditionError, UnavailableError: As for a listing.
        """
        rules.refuse(
            rules.count_violations("paths", len(paths), least=1, most=PATHS_AT_ONCE),
            rules.paths_violations("paths", paths),
            rules.user_violations("stager_user", user) if user else iter(()),
        )
        if self._running >= self.most:
            raise ExhaustedError("too many directories are measured at a time; try again later")
        self._running += 1
        try:
            account, roots = await enter(caller, user)
            request = {"action": "measure", "paths": list(paths), "roots": roots}
            async with aclosing(self.look(account, request, self.seconds)) as answers:
                async for answer in answers:
                    measurement = _measurement(answer, paths)
                    yield measurement
                    if measurement.final:
                        return
        finally:
            self._running -= 1


def _measurement(answer: dict[str, Any], paths: Sequence[str]) -> Measurement:
    try:
        counts = zip(paths, answer["measured"], strict=True)
        return Measurement(tuple(_measured(path, count) for path, count in counts), answer["final"] is True)
    except (KeyError, TypeError, ValueError) as error:
        raise UnavailableError("the directories can't be looked into now; the service's log says why") from error


def _measured(path: str, count: dict[str, Any]) -> Measured:
    files, size, directories, left_out, unreadable = (
        min(max(int(count[name]), 0), _LARGEST) for name in ("files", "bytes", "directories", "left_out", "unreadable")
    )
    problem = count["problem"]
    known = {item.value: item for item in Problem}
    what = known.get(problem, Problem.UNREADABLE) if problem else None
    return Measured(path, files, size, directories, left_out, unreadable, what)
