"""What a worker does with jobs: take one, say that it lives and how far it is, hear what is wanted, end it.

A lease is a worker's hold on a job. Whoever holds it is the only one that may write about the attempt, and it ends
its transfer before the lease can pass to somebody else (`Lease.fenced`), so no job ever runs twice at once.
"""

from __future__ import annotations

import time
import uuid
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from zlib import compress

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from stager_jobs.job import DEADLINES, FileFault, JobError, Progress
from stager_jobs.rq_store.connection import store_errors
from stager_jobs.rq_store.keys import QUEUES, WAKE, leases_key, rq_time, text
from stager_jobs.rq_store.progress_text import encode_current, encode_fault, encode_progress
from stager_jobs.rq_store.record import WORKER_LOST, Record, encode_error, parse_record
from stager_jobs.rq_store.scripts import Name, Scripts, legal_statuses
from stager_jobs.rules import Rules
from stager_jobs.transitions import Move

_WRITE_EVERY = 0.5
"""Seconds between two writes of progress at least."""
_LISTEN_EVERY = 2.0
"""Seconds after which a worker speaks up even without news; it hears of a stop that way."""
_MOST_FAULTS = 1000
"""How many faults of an attempt are kept in Redis."""
_RQ_FAILURE = 2
"""RQ's number for a failure among a job's results."""


class Order(StrEnum):
    """What is wanted of the worker that runs a job."""

    RUN = "run"
    STOP = "stop"
    DELETE = "delete"
    LOST = "lost"
    """The job is no longer this worker's, or its record is gone: end the transfer, then let go of it by `finish`."""


class Verdict(StrEnum):
    """How an attempt ended."""

    COMPLETE = "complete"
    FAIL = "fail"
    RETRY = "retry"
    """Failed, but another attempt may help; the store knows whether one is left."""
    HAND_BACK = "hand_back"
    """Not the job's fault: another worker takes it at once."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A worker's process, so that one on the same machine can see that it is gone: see `stager_worker`."""

    host: str = ""
    pid: int = 0
    started: str = ""


class Lease:
    """A worker's hold on one attempt. Implements `stager_jobs.store.ProgressSink`. Not for several threads."""

    def __init__(
        self, scripts: Scripts, rules: Rules, worker: str, claim: Claim, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._scripts, self._rules, self._worker, self._clock = scripts, rules, worker, clock
        self._claim = claim
        self._progress: Progress | None = None
        self._shown: Progress | None = None
        self._list = ""
        self._faults_seen = self._faults_told = 0
        self._faults: list[str] = []
        self._answered = clock()
        self._asked = self._answered - _WRITE_EVERY  # the first news is told at once
        self._order = Order.RUN

    @property
    def order(self) -> Order:
        """What was wanted when Redis answered last."""
        return self._order

    @property
    def fenced(self) -> bool:
        """Whether Redis has been silent for so long that the transfer must end now.

        Counted from when the last question that was answered was asked: the lease may have begun then.
        """
        return self._clock() - self._answered > self._rules.fence

    @property
    def progress(self) -> Progress:
        """The newest figures."""
        return self._progress or Progress()

    def update(self, progress: Progress) -> None:
        """See ProgressSink. Redis being away is no error here; `fenced` tells when it becomes one."""
        self._progress = progress
        self.beat()

    def fault(self, fault: FileFault) -> None:
        """Take something that went wrong with one file; it is told with the next progress."""
        if self._faults_seen < _MOST_FAULTS:
            self._faults.append(encode_fault(fault))
        self._faults_seen += 1

    def lists_files_in(self, place: str) -> None:
        """Say where the fate of each file is listed: HOST:PATH."""
        self._list = place

    def flush(self) -> None:
        """See ProgressSink."""
        self._speak()

    def confirm(self) -> bool:
        """Ask now whether the job is still to be run by this worker; False where Redis has been silent for long."""
        self._speak()
        return self._order is Order.RUN and not self.fenced

    def beat(self) -> Order:
        """To be called often; speaks with Redis when it is time to."""
        patience = _WRITE_EVERY if self._progress != self._shown else _LISTEN_EVERY
        if self._clock() - self._asked >= patience:
            self._speak()
        return self._order

    def finish(self, verdict: Verdict, error: JobError | None = None) -> str:
        """End the attempt with the newest progress; once answered, the lease is over.

        Returns:
            RQ's status of the job from now on, `deleted`, or `lost` if the job was not this worker's any more.

        Raises:
            StoreUnavailableError: Redis doesn't answer; safe to repeat.
        """
        claim = self._claim
        delays = ",".join(str(delay) for delay in self._rules.retry_delays)
        # rq-dashboard shows the text as it is, so only the error's name goes there.
        overdue = int(error is not None and error.code in DEADLINES)
        result = (_RQ_FAILURE, _rq_text(error)) if error else ("", "")
        head = (claim.job_id, claim.execution, claim.queue, self._worker, verdict.value)
        with store_errors():
            reply = self._scripts.run(Name.FINISH, *head, encode_error(error), delays, overdue, *result, *self._news())
        return str(reply.decode())

    def _speak(self) -> None:
        self._asked = self._clock()
        claim = self._claim
        head = (claim.job_id, claim.execution, claim.queue, self._rules.lease, claim.owner, self._worker)
        has_news = self._progress != self._shown
        try:
            reply = self._scripts.run(Name.BEAT, *head, *(self._news() if has_news else ("",)))
        except RedisError:
            return
        self._answered = self._asked
        self._order = Order(reply.decode())
        if has_news:
            self._shown = self._progress
            self._faults_told += len(self._faults)
            self._faults.clear()

    def _news(self) -> list[str | int]:
        counts = encode_progress(self.progress), encode_current(self.progress)
        return [*counts, self._list, self._faults_seen, self._faults_told, *self._faults]


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that a worker has just taken, as it stands in Redis and not looked at yet."""

    job_id: str
    queue: str
    execution: str
    record: Record

    @property
    def owner(self) -> str:
        """The owner as the record names it."""
        return self.record.get("stager_owner", b"").decode(errors="replace")

    @property
    def seconds_in_line(self) -> float:
        """How long the job waited for a worker."""
        attempt = text(self.record.get("stager_attempts", b""))
        try:
            began = float(self.record[f"stager_attempt_{attempt}_started"])
            return max(0.0, began - rq_time(text(self.record["enqueued_at"])).timestamp())
        except (LookupError, ValueError):
            return 0.0

    @property
    def request_id(self) -> str:
        """The request id of the submit; empty if it had none."""
        return text(self.record.get("stager_request", b""))

    @property
    def trace(self) -> str:
        """The `traceparent` of the submit; empty if it had none."""
        return text(self.record.get("stager_trace", b""))

    @property
    def credential(self) -> str:
        """The sealed credential; empty if the job has none."""
        return self.record.get("stager_credential", b"").decode(errors="replace")

    @property
    def brought_credential(self) -> bool:
        """Whether the job ever came with a sealed credential, wiped by now or not."""
        return text(self.record.get("stager_sealed", b"1")) != "0"


class Claims:
    """Where a worker gets its jobs."""

    def __init__(self, redis: Redis, rules: Rules, worker: str, mark: Mark) -> None:
        self._redis, self._rules, self._worker, self._mark = redis, rules, worker, mark
        self._scripts = Scripts(redis)
        self._execution = uuid.uuid4().hex
        self._next_due = 0.0

    def claim(self, queues: tuple[str, ...]) -> Claim | None:
        """The next job whose turn it is, looking at the queues in this order; None if there is none now.

        Raises:
            StoreUnavailableError: Redis doesn't answer. The next call gets the job that this one may have taken.
        """
        rules, mark = self._rules, self._mark
        limits = (rules.lease, rules.active_per_owner, rules.lost_limit)
        what = (WORKER_LOST, legal_statuses(Move.CLAIM), mark.host, mark.pid, mark.started)
        with store_errors():
            reply = self._scripts.run(Name.CLAIM, self._worker, self._execution, *limits, *what, *queues)
        job_id, second, *fields = reply
        if not job_id:
            self._next_due = float(second or 3600)
            return None
        claim = Claim(text(job_id), text(second), self._execution, parse_record(fields))
        self._execution = uuid.uuid4().hex
        return claim

    def lease(self, claim: Claim) -> Lease:
        """The hold on a job that `claim` gave."""
        return Lease(self._scripts, self._rules, self._worker, claim)

    def wait(self, longest: float) -> None:
        """Until a job may be there, or `longest` seconds have passed.

        Raises:
            StoreUnavailableError: Redis doesn't answer.
        """
        patience = max(0.05, min(longest, self._next_due))
        with store_errors():
            self._redis.blpop([WAKE], timeout=patience)

    def take_from_dead(self, is_dead: Callable[[Mark], bool]) -> int:
        """Take the jobs of workers that are known to be gone, without waiting for their leases; how many.

        Raises:
            StoreUnavailableError: Redis doesn't answer.
        """
        taken = 0
        with store_errors():
            for queue in QUEUES:
                for entry in map(text, self._redis.zrange(leases_key(queue), 0, -1)):
                    job_id, _, execution = entry.partition(":")
                    mark = self._mark_of(f"rq:execution:{entry}")
                    if mark and is_dead(mark):
                        lost = (job_id, execution, queue, WORKER_LOST, self._rules.lost_limit)
                        taken += self._scripts.run(Name.LOSE, *lost)
        return taken

    def _mark_of(self, key: str) -> Mark | None:
        try:
            found = self._redis.hmget(key, ["host", "pid", "started"])
        except ResponseError:
            return None  # of another kind: whoever put it there is not to hold up the others
        host, pid, started = (text(value or b"") for value in found)
        return Mark(host, int(pid), started) if host and pid.isdecimal() and len(pid) < 10 else None


def _rq_text(error: JobError) -> str:
    return b64encode(compress(f"{error.error_class.value}: {error.code}".encode())).decode()
