"""Reading a call's one message: within some time, so that a slow client holds up nobody but itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from stager_api.errors import ExhaustedError, InvalidRequestError, UnavailableError, Violation
from stager_api.reasons import Fault

_SECONDS = 60.0
"""For a caller who is known: the largest message over a slow line."""
_SECONDS_OPEN = 5.0
"""For anybody: what needs no login takes a hundred bytes."""


class Reading:
    """Used from one event loop. Messages of at most `most_open` callers who aren't known are waited for at once."""

    def __init__(self, most_open: int) -> None:
        self._most_open = most_open
        self._open = 0

    async def message(self, requests: AsyncIterator[Any], *, known: bool) -> Any:  # noqa: ANN401 - of any method
        """The first message of a call.

        Args:
            requests: What comes; None stands for what is no message of the method.
            known: Whether the caller's login was checked.

        Raises:
            InvalidRequestError: There is none, or it can't be understood.
            UnavailableError: It doesn't come in time.
            ExhaustedError: Too many callers who aren't known keep us waiting.
        """
        if known:
            return await _first(requests, _SECONDS)
        if self._open >= self._most_open:
            raise ExhaustedError("too many calls wait for their message; try again in a moment")
        self._open += 1
        try:
            return await _first(requests, _SECONDS_OPEN)
        finally:
            self._open -= 1


async def _first(requests: AsyncIterator[Any], seconds: float) -> Any:  # noqa: ANN401 - as above
    try:
        async with asyncio.timeout(seconds):
            request = await anext(requests, None)
    except TimeoutError:
        raise UnavailableError(f"the request's message did not come within {seconds:.0f} seconds") from None
    if request is None:
        raise InvalidRequestError(
            [Violation("", Fault.UNREADABLE, "the request is no message of this method, or holds invalid UTF-8")]
        )
    return request
