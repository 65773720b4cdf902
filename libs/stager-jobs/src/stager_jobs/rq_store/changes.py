"""The feed of changes, over Redis' publish and subscribe."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError

from stager_jobs.rq_store.keys import CHANGES
from stager_jobs.store import JobChange, Resync

_RETRY_SECONDS = 1.0


class RqChangeFeed:
    """Yields changes from one subscription. Implements `stager_jobs.store.ChangeFeed`.

    What is published while the connection is down is lost; a Resync says so once it is back.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[JobChange | Resync | None]:
        """See ChangeFeed."""
        while not self._closed.is_set():
            feed = PubSub(self._redis.connection_pool)
            try:
                feed.subscribe(CHANGES)
                yield from self._read(feed)
            except RedisError:
                yield None
                self._closed.wait(_RETRY_SECONDS)
            finally:
                feed.close()

    def close(self) -> None:
        """See ChangeFeed; the iterator ends within a second."""
        self._closed.set()

    def _read(self, feed: PubSub) -> Iterator[JobChange | Resync | None]:
        while not self._closed.is_set():
            message = feed.get_message(timeout=1.0)
            if message is None:
                yield None
            elif message["type"] == "subscribe":  # also where the client has reconnected by itself
                yield Resync()
            elif change := _parse(message["data"]):
                yield change


def _parse(data: object) -> JobChange | None:
    """A change, or None for what isn't this package's."""
    if not isinstance(data, bytes):
        return None
    kind, _, rest = data.decode(errors="replace").partition(" ")
    job_id, _, owner = rest.partition(" ")
    return JobChange(job_id, owner, deleted=kind == "D") if kind in {"C", "D"} and job_id else None
