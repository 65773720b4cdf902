"""What people and programs are still to be told of jobs, from the step that ended an attempt until somebody has told.

An entry is made by the very script that ends an attempt, so that no crash loses it. Whoever tells takes an entry for a
while; if it isn't done by then, somebody else may: a thing may be told twice, never not at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from redis import Redis

from stager_jobs.rq_store.connection import store_errors
from stager_jobs.rq_store.keys import text
from stager_jobs.rq_store.scripts import Name, Scripts

_ENTRY = re.compile(
    r"(?P<kind>completed|failed|deadline) (?P<attempt>\d{1,7}) (?P<job>[\w-]{1,128})(?: (?P<to>[\w-]+))?"
)
_OUTBOX = "stager:outbox"
_TRIES = "stager:outbox:tries"


class Kind(StrEnum):
    """What happened."""

    COMPLETED = "completed"
    FAILED = "failed"
    """For good."""
    DEADLINE = "deadline"
    """A deadline passed, and the job will be tried again; told once until somebody restarts it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell; `to` names whom, empty while nobody has decided."""

    kind: Kind
    job_id: str
    attempt: int
    to: str = ""
    tries: int = 1
    """How often it was taken, this time included."""

    @property
    def name(self) -> str:
        """The same for every try."""
        return f"{self.kind} {self.attempt} {self.job_id}" + (f" {self.to}" if self.to else "")


class Outbox:
    """The notices of all jobs. All methods may raise StoreUnavailableError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._scripts = Scripts(redis)

    def take(self, seconds: float) -> Notice | None:
        """A notice that is due, which nobody else gets for so long; None if there is none."""
        while True:
            with store_errors():
                found = self._scripts.run(Name.TAKE_NOTICE, seconds)
            if not found:
                return None
            entry, tries = text(found[0]), int(found[1])
            match = _ENTRY.fullmatch(entry)
            if match:
                return Notice(Kind(match["kind"]), match["job"], int(match["attempt"]), match["to"] or "", tries)
            self._drop(found[0])  # nothing that this package writes

    def done(self, notice: Notice) -> None:
        """Told, or never to be told."""
        self._drop(notice.name)

    def split(self, notice: Notice, to: Sequence[str]) -> None:
        """Replace a notice by one for each of those who are to be told, so that each is told and retried alone."""
        with store_errors(), self._redis.pipeline(transaction=True) as pipeline:
            for name in to:
                pipeline.zadd(_OUTBOX, {replace(notice, to=name).name: 0}, nx=True)
            pipeline.zrem(_OUTBOX, notice.name)
            pipeline.hdel(_TRIES, notice.name)
            pipeline.execute()

    def later(self, notice: Notice, seconds: float) -> None:
        """Not told; to be tried again after a while."""
        with store_errors():
            self._scripts.run(Name.DELAY_NOTICE, notice.name, seconds)

    def _drop(self, entry: str | bytes) -> None:
        with store_errors(), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.zrem(_OUTBOX, entry)
            pipeline.hdel(_TRIES, entry)
            pipeline.execute()
