"""Takes away what is left of jobs that are gone, whoever removed them: expiry, an admin, a crash in between.

And puts back what went astray (`strays`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar, cast

from redis import Redis

from stager_jobs.rq_store.connection import store_errors
from stager_jobs.rq_store.keys import QUEUES, job_key, owner_key, text
from stager_jobs.rq_store.scripts import Name, Scripts
from stager_jobs.rq_store.strays import mend_strays

T = TypeVar("T")
_OWNERS = "stager:owners"
_BATCH = 500
_REGISTRIES = ("finished", "failed", "canceled", "scheduled", "deferred")
_BELONGINGS = ("stager:faults:", "rq:results:", "rq:executions:")


class Janitor:
    """Sweeps in steps that hold up Redis for milliseconds. All of it is safe to do twice, and beside running jobs."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._scripts = Scripts(redis)

    def sweep(self) -> int:
        """Sweep once; how many leftovers and strays there were.

        Raises:
            StoreUnavailableError: Redis doesn't answer.
        """
        with store_errors():
            strays = mend_strays(self._redis, self._scripts)
            return strays + self._indexes() + self._registries() + self._belongings() + self._workers()

    def claim_turn(self, seconds: int) -> bool:
        """Whether it is this process's turn to sweep; then nobody else's for so long.

        Raises:
            StoreUnavailableError: Redis doesn't answer.
        """
        with store_errors():
            return bool(self._redis.set("stager:janitor", "1", nx=True, ex=max(1, seconds)))

    def _indexes(self) -> int:
        """Ids whose records are gone, and owners that have none left."""
        removed = self._make_room(_OWNERS, b"set")
        for owner in map(text, self._redis.smembers(_OWNERS)):
            key, first = owner_key(owner), 0
            while True:
                dropped, looked, *_ = self._scripts.run(Name.COUNT, first, first + _BATCH - 1, keys=(key,))
                removed += dropped
                if looked < _BATCH:
                    break
                first += _BATCH - dropped
            self._scripts.run(Name.FORGET_OWNER, owner)
        return removed

    def _registries(self) -> int:
        """Entries of RQ's registries and lists whose records are gone; RQ's own workers would do this."""
        removed = 0
        for queue in QUEUES:
            for registry in _REGISTRIES:
                key = f"rq:{registry}:{queue}"
                removed += self._make_room(key, b"zset")
                for batch in self._members(key):
                    gone = self._without_record(batch)
                    if gone:
                        removed += self._redis.zrem(key, *gone)
        return removed

    def _belongings(self) -> int:
        """What is kept beside a record that is gone."""
        removed = 0
        for prefix in _BELONGINGS:
            for batch in _in_batches(self._redis.scan_iter(f"{prefix}*", count=_BATCH)):
                gone = self._without_record([text(key).removeprefix(prefix) for key in batch])
                if gone:
                    removed += self._redis.delete(*[f"{prefix}{job_id}" for job_id in gone])
        return removed

    def _workers(self) -> int:
        """Names of RQ workers whose records have expired."""
        removed = self._make_room("rq:workers", b"set")
        for batch in _in_batches(iter(self._redis.smembers("rq:workers"))):
            with self._redis.pipeline(transaction=False) as pipeline:
                for key in batch:
                    pipeline.exists(key)
                gone = [key for key, lives in zip(batch, pipeline.execute(), strict=True) if not lives]
            if gone:
                removed += self._redis.srem("rq:workers", *gone)
                for queue in QUEUES:
                    self._redis.srem(f"rq:workers:{queue}", *gone)
        return removed

    def _make_room(self, key: str, kind: bytes) -> int:
        """Remove what stands where a key of another kind belongs, and would stop each sweep."""
        return int(self._redis.type(key) not in {kind, b"none"} and self._redis.delete(key))

    def _members(self, key: str) -> Iterator[list[str]]:
        for batch in _in_batches(self._redis.zscan_iter(key, count=_BATCH)):
            yield [text(cast("tuple[bytes, float]", entry)[0]) for entry in batch]

    def _without_record(self, job_ids: list[str]) -> list[str]:
        with self._redis.pipeline(transaction=False) as pipeline:
            for job_id in job_ids:
                pipeline.exists(job_key(job_id))
            return [job_id for job_id, there in zip(job_ids, pipeline.execute(), strict=True) if not there]


def _in_batches(items: Iterator[T]) -> Iterator[list[T]]:
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
