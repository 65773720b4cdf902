"""What a source of collections says over HTTP, or that it can't be asked."""

from __future__ import annotations

from typing import Any

import httpx


class SourceError(Exception):
    """A source of collections doesn't answer, or not in a way that is understood."""


def answer_of(response: httpx.Response) -> Any:  # noqa: ANN401 - JSON of any shape, checked by who asked
    """The JSON document in a response.

    Raises:
        SourceError: It is an error, or no JSON.
    """
    if response.status_code != httpx.codes.OK:
        raise SourceError(f"{response.request.url.host} answers HTTP {response.status_code}")
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{response.request.url.host} answers with something that is no JSON") from error
