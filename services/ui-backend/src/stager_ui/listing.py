"""A folder's entries as pages get them, from either side."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, jsonify

from stager_ui.entries import Entry


def listing_answer(path: str, entries: Iterable[Entry], seconds: float) -> Response:
    """What stands in a folder, as JSON.

    Args:
        path: The folder.
        entries: What is in it.
        seconds: How long the source took to tell; browsers show it beside their own figures (Server-Timing).
    """
    answer = jsonify(path=path, entries=[entry.as_json() for entry in entries])
    answer.headers["Server-Timing"] = f"source;dur={seconds * 1000:.1f}"
    return answer
