"""An owner's jobs in order, by the index of their ids; a place in it, and the cursor that names one."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator, Sequence
from typing import cast

from redis import Redis
from redis.exceptions import ResponseError

from stager_jobs.rq_store.connection import is_wrong_kind, store_errors
from stager_jobs.rq_store.keys import owner_key, text

Place = tuple[float, str]
"""When a job was made, and its id."""
_FOREIGN_CURSOR = "the cursor is none that this store gave out"


def newest_first(redis: Redis, owner: str, after: Place | None, first: int, most: int) -> Iterator[Sequence[Place]]:
    """The owner's jobs from after a place, in a batch of `first` of them and then in batches of `most`."""
    offset, size = 0, first + 1
    highest: float | str = "+inf" if after is None else after[0]
    while True:
        with store_errors():
            try:
                found = redis.zrevrangebyscore(owner_key(owner), highest, "-inf", offset, size, withscores=True)
            except ResponseError as error:
                if is_wrong_kind(error):  # the janitor makes the index anew
                    return
                raise
        pairs = cast("list[tuple[bytes, float]]", found)
        batch = [(float(score), text(job_id)) for job_id, score in pairs]
        offset += len(batch)
        following = [place for place in batch if after is None or place < after]
        if following:
            yield following
        if len(batch) < size:
            return
        size = most


def is_last(redis: Redis, owner: str, place: Place) -> bool:
    """Whether no job of the owner's follows."""
    with store_errors():
        oldest = redis.zrange(owner_key(owner), 0, 0)
    return bool(oldest) and text(oldest[0]) == place[1]


def cursor_at(place: Place) -> str:
    """What names a place to callers."""
    score, job_id = place
    return base64.urlsafe_b64encode(f"{score!r} {job_id}".encode()).decode()


def place_at(cursor: str) -> Place | None:
    """The place that a cursor names; None for the beginning.

    Raises:
        ValueError: It names none.
    """
    if not cursor:
        return None
    try:
        score, job_id = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
        place = float(score), job_id
    except (ValueError, binascii.Error):
        raise ValueError(_FOREIGN_CURSOR) from None
    if math.isnan(place[0]):
        raise ValueError(_FOREIGN_CURSOR)
    return place


def position_at(cursor: str) -> int:
    """The position in a list that a cursor names.

    Raises:
        ValueError: It names none.
    """
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 10):
        raise ValueError(_FOREIGN_CURSOR)
    return int(cursor)
