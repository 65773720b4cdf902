"""What was wiped from Redis's memory, and stands in its append-only file still, until that is written anew."""

from __future__ import annotations

from redis import Redis
from redis.exceptions import RedisError

from stager_jobs.rq_store.connection import store_errors

WIPED = "stager:wiped"
"""Is there since a credential was wiped; see `wipe` in scripts/prelude.lua."""
_JUST_WRITTEN = "stager:rewritten"


class AppendOnlyFile:
    """Has Redis forget on the disk, too."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def forget(self, every: int) -> bool:
        """Have the file written anew if a credential was wiped since the last time; whether that was begun.

        Args:
            every: Seconds between two times at least, by whichever process.

        Raises:
            StoreUnavailableError: Redis doesn't answer, or its user here may not say BGREWRITEAOF.
        """
        with store_errors():
            about = self._redis.info("persistence")
            failed = about.get("aof_last_bgrewrite_status", "ok") != "ok"
            if not about.get("aof_enabled") or about.get("aof_rewrite_in_progress"):
                return False
            if not failed and not self._redis.exists(WIPED):
                return False
            if not self._redis.set(_JUST_WRITTEN, "1", nx=True, ex=max(1, every)):
                return False
            # Before, not after: what is wiped once the writing has begun is in the new file still.
            self._redis.delete(WIPED)
            try:
                self._redis.bgrewriteaof()
            except RedisError:
                self._redis.set(WIPED, "1")
                raise
        return True

    def note_wiped(self) -> None:
        """Records are gone that somebody else removed, perhaps with a credential in them."""
        with store_errors():
            self._redis.set(WIPED, "1")
