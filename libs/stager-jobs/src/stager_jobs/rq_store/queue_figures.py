"""The figures of the queues, read from RQ's lists and registries."""

from __future__ import annotations

from datetime import UTC, datetime

from redis import Redis

from stager_jobs.figures import QueueFigures
from stager_jobs.job import Priority
from stager_jobs.rq_store.connection import of_right_kind, store_errors
from stager_jobs.rq_store.keys import job_key, leases_key, rq_time, text


def read_queue_figures(redis: Redis) -> QueueFigures:
    """The figures at this moment.

    Raises:
        StoreUnavailableError: Redis doesn't answer.
    """
    with store_errors(), redis.pipeline(transaction=False) as pipeline:
        for queue in Priority:
            pipeline.llen(f"rq:queue:{queue}")
            pipeline.lindex(f"rq:queue:{queue}", 0)
            pipeline.zcard(f"rq:scheduled:{queue}")
            pipeline.zrange(leases_key(queue), 0, -1)
            for registry in ("finished", "failed", "canceled"):
                pipeline.zcard(f"rq:{registry}:{queue}")
        pipeline.smembers("rq:workers")
        *found, workers = of_right_kind(pipeline.execute(raise_on_error=False))
        rows = [found[start : start + 7] for start in range(0, len(found), 7)]
        running = [text(entry).partition(":")[0] for row in rows for entry in row[3] or ()]
        for _, first, *_ in rows:
            pipeline.hget(job_key(text(first or b"")), "enqueued_at")
        for job_id in running:
            pipeline.hget(job_key(job_id), "stager_owner")
        for worker in workers or ():
            pipeline.exists(worker)
        replies = of_right_kind(pipeline.execute(raise_on_error=False))
    stamps, owners, lives = replies[:3], replies[3 : 3 + len(running)], replies[3 + len(running) :]
    return QueueFigures(
        waiting={queue: row[0] or 0 for queue, row in zip(Priority, rows, strict=True)},
        delayed={queue: row[2] or 0 for queue, row in zip(Priority, rows, strict=True)},
        active={queue: len(row[3] or ()) for queue, row in zip(Priority, rows, strict=True)},
        ended={queue: sum(count or 0 for count in row[4:]) for queue, row in zip(Priority, rows, strict=True)},
        seconds_in_line={queue: _seconds_since(stamp) for queue, stamp in zip(Priority, stamps, strict=True)},
        active_owners=len({owner for owner in owners if owner}),
        workers=sum(lives),
    )


def _seconds_since(stamp: bytes | None) -> float:
    """From RQ's own form of a time; 0 for what is none."""
    try:
        then = rq_time(text(stamp or b""))
    except ValueError:
        return 0.0
    return max(0.0, (datetime.now(UTC) - then).total_seconds())
