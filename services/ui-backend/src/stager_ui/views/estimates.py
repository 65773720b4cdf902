"""How much a transfer will move and whether there is room for it: told while it is counted, as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from threading import BoundedSemaphore
from typing import Any, Final

from flask import Blueprint, Response, request, stream_with_context
from flask.typing import ResponseReturnValue
from stager_client import StagerError

from stager_ui.estimate import Estimate, count_in_repository, count_in_storage
from stager_ui.failures import fail, told
from stager_ui.paths import checked_folder, checked_name
from stager_ui.plan import MAX_LINES, Direction
from stager_ui.repository_login import account
from stager_ui.services import services
from stager_ui.texts import t
from stager_ui.webdav import RepositoryError

blueprint = Blueprint("estimates", __name__)

MOST_AT_ONCE: Final = 6
"""In one process: each holds a thread for up to a minute, and pages need threads, too."""
_places: Final = BoundedSemaphore(MOST_AT_ONCE)


@blueprint.post("/transfers/estimate")
def estimate() -> ResponseReturnValue:
    """Count below the folders that the form names (there may be none), and look for room at the destination."""
    form = request.form
    direction = Direction.DOWNLOAD if form.get("direction") == Direction.DOWNLOAD else Direction.UPLOAD
    source, destination = checked_folder(form.get("source")), checked_folder(form.get("destination"))
    names = [checked_name(name) for name in form.getlist("name")[:MAX_LINES]]
    if not _places.acquire(blocking=False):
        return fail(429, "busy", t("estimate.busy"))

    def lines() -> Iterator[str]:
        try:
            yield _line({"free": _free_bytes(direction, destination)})
            for counted in _counted(direction, source, names):
                yield _line(counted.as_json())
        except (StagerError, RepositoryError) as error:
            yield _line({"failed": told(error)})

    answer = Response(stream_with_context(lines()), mimetype="application/x-ndjson")
    answer.call_on_close(_places.release)
    answer.headers["X-Accel-Buffering"] = "no"  # a proxy that collects the lines would show nothing until the end
    return answer


def _counted(direction: Direction, source: str, names: list[str]) -> Iterator[Estimate]:
    if not names:
        return iter([Estimate(final=True)])
    if direction is Direction.UPLOAD:
        return count_in_storage(services().api.caller(), source, names)
    return count_in_repository(services().webdav, account(), source, names)


def _free_bytes(direction: Direction, destination: str) -> int | None:
    """None where nobody tells."""
    try:
        if direction is Direction.UPLOAD:
            return services().webdav.free_bytes(account(), destination)
        return services().api.caller().free_space(destination).free_bytes
    except (RepositoryError, StagerError):
        return None


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values) + "\n"
