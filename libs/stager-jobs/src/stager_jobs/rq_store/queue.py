"""JobQueue on RQ and Redis."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from redis import Redis
from redis.client import Pipeline

from stager_jobs.errors import (
    CredentialMissingError,
    JobNotFoundError,
    JobStoreError,
    RequestIdTakenError,
    StoreUnavailableError,
    TooManyWaitingError,
    WrongStateError,
)
from stager_jobs.job import Job, NewJob
from stager_jobs.payload import fingerprint
from stager_jobs.rq_store.connection import store_errors
from stager_jobs.rq_store.inspector import RqJobInspector
from stager_jobs.rq_store.keys import text
from stager_jobs.rq_store.record import WORKER_LOST, new_record
from stager_jobs.rq_store.scripts import Name, Scripts, legal_statuses
from stager_jobs.rules import Rules
from stager_jobs.transitions import Move

_COPY_MILLISECONDS = 2000
"""How long a replica may take for what is written."""


class RqJobQueue:
    """Changes jobs, each change one script. Implements `stager_jobs.store.JobQueue`."""

    def __init__(self, redis: Redis, rules: Rules | None = None) -> None:
        self._redis = redis
        self._rules = rules or Rules()
        self._scripts = Scripts(redis)
        self._inspector = RqJobInspector(redis, self._rules)

    def submit(self, jobs: Sequence[NewJob]) -> list[Job | JobStoreError]:
        """See JobQueue."""
        with store_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for new in jobs:
                job_id = uuid.uuid4().hex
                record = new_record(job_id, new, self._rules, self._redis)
                place = (job_id, new.priority.value, new.task.stager_user)
                limit = self._rules.waiting_per_owner
                request = (fingerprint(new.task), limit, new.principal, new.request_id)
                self._scripts.queue(pipeline, Name.SUBMIT, *place, *request, *record)
            replies = self._copied(pipeline)
        stored = self._inspector.get_many([text(job_id) for _, job_id in replies])
        return [self._outcome(verdict, new, job) for (verdict, _), new, job in zip(replies, jobs, stored, strict=True)]

    def stop(self, job_id: str) -> Job:
        """See JobQueue."""
        with store_errors():
            reply = self._scripts.run(Name.STOP, job_id, legal_statuses(Move.STOP), WORKER_LOST)
        self._judge(reply, job_id, "can't be stopped: it has ended")
        return self._inspector.get(job_id)

    def restart(self, job_id: str, dr_pass: str = "") -> Job:
        """See JobQueue."""
        token, retries = uuid.uuid4().hex, len(self._rules.retry_delays)
        with store_errors():
            limits = (retries, self._rules.waiting_per_owner)
            reply = self._scripts.run(Name.RESTART, job_id, legal_statuses(Move.RESTART), token, dr_pass, *limits)
        self._judge(reply, job_id, "can't be restarted: it waits or runs")
        return self._inspector.get(job_id)

    def delete(self, job_id: str) -> None:
        """See JobQueue."""
        with store_errors():
            reply = self._scripts.run(Name.DELETE, job_id, WORKER_LOST)
        self._judge(reply, job_id, "can't be deleted")

    def _copied(self, pipeline: Pipeline) -> list[Any]:
        """What the commands of a pipeline reply, once enough replicas have what they wrote.

        Raises:
            StoreUnavailableError: Too few have it in time. It is written, but may be lost with this master.
        """
        wanted = self._rules.copies
        if not wanted:
            return pipeline.execute()
        pipeline.wait(wanted, _COPY_MILLISECONDS)
        *replies, reached = pipeline.execute()
        if reached < wanted:
            raise StoreUnavailableError(f"only {reached} replicas of Redis have the job, not {wanted}: try again later")
        return replies

    def _outcome(self, reply: bytes, new: NewJob, job: Job | None) -> Job | JobStoreError:
        if reply == b"taken":
            return RequestIdTakenError(f"request id {new.request_id!r} was used for another task")
        if reply == b"full":
            return self._crowded(new.task.stager_user)
        return job or JobNotFoundError("the job was stored, and deleted again at once")

    def _judge(self, reply: bytes, job_id: str, refusal: str) -> None:
        match reply:
            case b"missing":
                raise JobNotFoundError(f"there is no job {job_id}")
            case b"illegal":
                state = self._inspector.get(job_id).state
                raise WrongStateError(f"job {job_id} {refusal} (state {state})")
            case b"full":
                raise self._crowded(self._inspector.get(job_id).owner)
            case b"credential":
                raise CredentialMissingError(
                    f"job {job_id} needs a fresh sealed password: its own was wiped when it ended"
                )

    def _crowded(self, owner: str) -> TooManyWaitingError:
        limit = self._rules.waiting_per_owner
        return TooManyWaitingError(f"{limit} jobs of {owner} wait, as many as one user may have")
