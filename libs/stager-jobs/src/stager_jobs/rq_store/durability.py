"""Whether this Redis is set up to keep what it has accepted."""

from __future__ import annotations

from collections.abc import Iterator

from redis import Redis

from stager_jobs.rq_store.connection import store_errors

_KEEPS_ALL = "noeviction"


def durability_faults(redis: Redis) -> Iterator[str]:
    """What may lose jobs that were acknowledged, and what to set instead; nothing if all is well.

    How often the append-only file is flushed (`appendfsync`) can't be seen without an admin's rights.

    Raises:
        StoreUnavailableError: Redis doesn't answer.
    """
    with store_errors():
        memory, persistence = redis.info("memory"), redis.info("persistence")
    if str(memory.get("maxmemory_policy", _KEEPS_ALL)) != _KEEPS_ALL:
        yield "a full Redis throws jobs away to make room; set `maxmemory-policy noeviction`"
    if not int(persistence.get("aof_enabled", 1)):
        yield "a restart of Redis loses jobs that were accepted; set `appendonly yes`"
