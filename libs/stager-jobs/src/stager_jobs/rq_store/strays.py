"""Finds jobs that are not where their records say: waiting in no list, active with no worker, in no index.

No step of this package leaves one behind. A list that somebody deleted does, and an admin's tool that is cut off
between two of its steps; such a job would be shown as pending for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from redis import Redis
from rq.job import JobStatus

from stager_jobs.rq_store.connection import of_right_kind
from stager_jobs.rq_store.keys import QUEUES, leases_key, owner_key, text
from stager_jobs.rq_store.record import WORKER_LOST
from stager_jobs.rq_store.scripts import Name, Scripts

_BATCH = 500
_RECORDS = "rq:job:"
_ENDED = frozenset({JobStatus.FINISHED, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.STOPPED})


def mend_strays(redis: Redis, scripts: Scripts) -> int:
    """Put each where it belongs; how many there were."""
    placed = _placed(redis)
    mended = 0
    for ids in _batches(redis):
        suspects = list(_suspects(redis, ids, placed))
        if suspects:  # the script looks again, since jobs have moved meanwhile
            mended += int(scripts.run(Name.MEND, WORKER_LOST, *suspects))
    return mended


def _placed(redis: Redis) -> set[str]:
    """Ids of all jobs that wait or run, wherever they should be."""
    with redis.pipeline(transaction=False) as pipeline:
        for queue in QUEUES:
            pipeline.lrange(f"rq:queue:{queue}", 0, -1)
            pipeline.zrange(f"rq:scheduled:{queue}", 0, -1)
            pipeline.zrange(leases_key(queue), 0, -1)
        found = of_right_kind(pipeline.execute(raise_on_error=False))
    return {text(entry).partition(":")[0] for entries in found for entry in entries or ()}


def _suspects(redis: Redis, ids: list[str], placed: set[str]) -> Iterator[str]:
    with redis.pipeline(transaction=False) as pipeline:
        for job_id in ids:
            pipeline.hmget(f"{_RECORDS}{job_id}", ["status", "stager_owner"])
        records = of_right_kind(pipeline.execute(raise_on_error=False))
        known = [(job_id, *map(_text, record)) for job_id, record in zip(ids, records, strict=True) if record]
        for job_id, _, owner in known:
            pipeline.zscore(owner_key(owner), job_id)
        scores = of_right_kind(pipeline.execute(raise_on_error=False))
    for (job_id, status, owner), score in zip(known, scores, strict=True):
        if owner and status and (score is None or (status not in _ENDED and job_id not in placed)):
            yield job_id


def _batches(redis: Redis) -> Iterator[list[str]]:
    keys = redis.scan_iter(f"{_RECORDS}*", count=_BATCH)
    names = (name for key in keys if ":" not in (name := text(key).removeprefix(_RECORDS)))
    while batch := list(islice(names, _BATCH)):
        yield batch


def _text(value: bytes | None) -> str:
    return text(value or b"")
