"""A worker as RQ knows it, with a loop of its own: it takes jobs by lease and runs one function only.

RQ's worker would import and call whatever a record names, fetch a job and its registration in two steps, and end when
Redis goes away. This one shares RQ's registration, so that rq-dashboard and `rq info` show it, and nothing else.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import NoReturn

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from stager_jobs.errors import StoreUnavailableError
from stager_jobs.rq_store.connection import store_errors
from stager_jobs.rq_store.keys import QUEUES, rq_time, text
from stager_jobs.rq_store.lease import Claim, Claims, Lease, Mark
from stager_jobs.rules import Rules

log = logging.getLogger(__name__)

_IDLE = 2.0
"""Seconds after which an idle worker looks by itself, whatever it was told."""
_LOOK_FOR_DEAD_EVERY = 5.0
_LONGEST_PAUSE = 5.0

Perform = Callable[[Claim, Lease], None]


def newest_sign_of_life(redis: Redis, host: str) -> datetime | None:
    """When any worker process of a machine, by its host name, was last heard of; None if none is known.

    Raises:
        StoreUnavailableError: Redis doesn't answer.
    """
    with store_errors(), redis.pipeline(transaction=False) as pipeline:
        for key in redis.smembers(Worker.redis_workers_keys):
            pipeline.hmget(text(key), "hostname", "last_heartbeat")
        records = pipeline.execute()
    beats = []
    for name, beat in records:
        with suppress(ValueError):
            if name is not None and text(name) == host:
                beats.append(rq_time(text(beat or b"")))
    return max(beats, default=None)


class TransferWorker(Worker):
    """Takes jobs one by one and gives each to `perform`, which ends its lease."""

    def __init__(self, redis: Redis, rules: Rules, mark: Mark, *, is_dead: Callable[[Mark], bool]) -> None:
        super().__init__(QUEUES, name=uuid.uuid4().hex, connection=redis, serializer=JSONSerializer)
        self._rules, self._is_dead = rules, is_dead
        self._claims = Claims(redis, rules, self.name, mark)
        self._random = random.Random()  # noqa: S311 - which queue is asked first is no secret
        self._next_look = 0.0

    def serve(self, perform: Perform, stopping: Callable[[], bool]) -> None:
        """Run jobs until `stopping` says so; Redis may come and go meanwhile."""
        pause = 0.1
        while not stopping():
            try:
                claim = self._next()
                pause = 0.1
            except StoreUnavailableError as error:
                log.warning("waiting for Redis: %s", error)
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            if claim:
                perform(claim, self._claims.lease(claim))
        with suppress(RedisError):
            self.register_death()  # type: ignore[no-untyped-call]

    def _next(self) -> Claim | None:
        self._look_around()
        claim = self._claims.claim(self.queue_order())
        if claim is None:
            self._claims.wait(_IDLE)
        return claim

    def queue_order(self) -> tuple[str, ...]:
        """The queues in the order to look this time: each comes first as often as its weight says."""
        weights = {priority.value: weight for priority, weight in self._rules.weights.items()}
        order = []
        while weights:
            (name,) = self._random.choices(list(weights), list(weights.values()))
            order.append(name)
            del weights[name]
        return tuple(order)

    def _look_around(self) -> None:
        """Every few seconds: be known to RQ, and take over from workers of this machine that are gone."""
        if time.monotonic() < self._next_look:
            return
        with store_errors():
            if not self.connection.exists(self.key):
                self.register_birth()  # type: ignore[no-untyped-call]
        taken = self._claims.take_from_dead(self._is_dead)
        if taken:
            log.warning("took %d jobs back from workers that are gone", taken)
        self._next_look = time.monotonic() + _LOOK_FOR_DEAD_EVERY

    def _set_connection(self, connection: Redis) -> Redis:
        """Keep the time-outs as they are; RQ would wait for minutes."""
        return connection

    def perform_job(self, job: RqJob, queue: Queue, execution: Execution) -> NoReturn:
        """RQ's way of running a job, which calls what the record names.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("a transfer runs by lease only")
