"""JobInspector on RQ and Redis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from redis import Redis
from redis.exceptions import ResponseError

from stager_jobs.errors import DamagedRecordError, JobNotFoundError
from stager_jobs.figures import QueueFigures
from stager_jobs.job import OWNER_AT_LIMIT, Job, State
from stager_jobs.rq_store.changes import RqChangeFeed
from stager_jobs.rq_store.connection import is_wrong_kind, of_right_kind, store_errors
from stager_jobs.rq_store.keys import faults_key, job_key, owner_key, state_of, text
from stager_jobs.rq_store.listing import Place, cursor_at, is_last, newest_first, place_at, position_at
from stager_jobs.rq_store.progress_text import decode_fault
from stager_jobs.rq_store.queue_figures import read_queue_figures
from stager_jobs.rq_store.record import Record, job_of, parse_record
from stager_jobs.rq_store.scripts import Name, Scripts
from stager_jobs.rules import Rules
from stager_jobs.store import JobPage, ReportPage

_LOOK_AT = 5000
"""Jobs looked at for one page at the most; a filter that finds little gives short pages, not slow ones."""
_BATCH = 200
"""Ids read at a time, where one page's worth was not enough."""
_LONGEST_PLACE = 4096
_COUNT = 2000
"""Statuses counted in one script, which holds up Redis for a millisecond or two."""


class RqJobInspector:
    """Looks at jobs. Implements `stager_jobs.store.JobInspector`."""

    def __init__(self, redis: Redis, rules: Rules | None = None) -> None:
        self._redis = redis
        self._rules = rules or Rules()
        self._scripts = Scripts(redis)

    def get(self, job_id: str) -> Job:
        """See JobInspector.

        Raises:
            DamagedRecordError: There is something by this id, but no transfer.
        """
        return self._with_reason(job_of(job_id, self._record(job_id)), {})

    def get_many(self, job_ids: Sequence[str]) -> list[Job | None]:
        """See JobInspector. Damaged records are None."""
        if not job_ids:
            return []
        with store_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for job_id in job_ids:
                pipeline.hgetall(job_key(job_id))
            found = of_right_kind(pipeline.execute(raise_on_error=False))
        jobs: list[Job | None] = []
        for job_id, fields in zip(job_ids, found, strict=True):
            try:
                jobs.append(job_of(job_id, parse_record(fields)) if fields else None)
            except DamagedRecordError:
                jobs.append(None)
        active: dict[str, int] = {}
        return [job and self._with_reason(job, active) for job in jobs]

    def list(  # noqa: PLR0913 - filters, each by its name
        self,
        owner: str,
        *,
        states: Collection[State] = (),
        search: str = "",
        cursor: str = "",
        size: int = 50,
        counted: bool = True,
    ) -> JobPage:
        """See JobInspector."""
        wanted, needle = frozenset(states), search.casefold()
        after = place_at(cursor)
        counts = self._counts(owner) if counted else {}
        jobs: list[Job] = []
        for number, (place, job) in enumerate(self._each(owner, after, wanted, size), start=1):
            if job and (not wanted or job.state in wanted) and _matches(job, needle):
                jobs.append(job)
            if len(jobs) == size or number == _LOOK_AT:
                last = is_last(self._redis, owner, place)
                return JobPage(tuple(jobs), "" if last else cursor_at(place), counts)
        return JobPage(tuple(jobs), "", counts)

    def report(self, job_id: str, *, cursor: str = "", size: int = 100) -> ReportPage:
        """See JobInspector."""
        first = position_at(cursor)
        record = self._record(job_id)
        with store_errors(), self._redis.pipeline(transaction=False) as pipeline:
            pipeline.llen(faults_key(job_id))
            pipeline.lrange(faults_key(job_id), first, first + size - 1)
            length, found = of_right_kind(pipeline.execute(raise_on_error=False))
        kept = length or 0
        total = text(record.get("stager_faults", b""))
        return ReportPage(
            job=self._with_reason(job_of(job_id, record), {}),
            faults=tuple(fault for fault in map(decode_fault, found or ()) if fault),
            next_cursor=str(first + size) if first + size < kept else "",
            faults_total=max(kept, int(total) if total.isdecimal() and len(total) < 19 else 0),
            faults_kept=kept,
            full_list=text(record.get("stager_report", b""))[:_LONGEST_PLACE],
        )

    def figures(self) -> QueueFigures:
        """See JobInspector."""
        return read_queue_figures(self._redis)

    def changes(self) -> RqChangeFeed:
        """See JobInspector."""
        return RqChangeFeed(self._redis)

    def _record(self, job_id: str) -> Record:
        with store_errors():
            try:
                fields = self._redis.hgetall(job_key(job_id))
            except ResponseError as error:
                if is_wrong_kind(error):
                    raise DamagedRecordError(f"the record of job {job_id} is damaged: it is no hash") from None
                raise
        if not fields:
            raise JobNotFoundError(f"there is no job {job_id}")
        return parse_record(fields)

    def _each(
        self, owner: str, after: Place | None, wanted: frozenset[State], portion: int
    ) -> Iterator[tuple[Place, Job | None]]:
        """The owner's jobs, newest first; None for those that aren't in a state wanted, which cost little."""
        first = _BATCH if wanted else min(portion, _BATCH)
        for batch in newest_first(self._redis, owner, after, first, _BATCH):
            likely = {job_id for _, job_id in batch}
            if wanted:
                likely = self._in_states([job_id for _, job_id in batch], wanted)
            for start in range(0, len(batch), portion):
                part = batch[start : start + portion]
                ids = [job_id for _, job_id in part if job_id in likely]
                jobs = dict(zip(ids, self.get_many(ids), strict=True))
                for place in part:
                    yield place, jobs.get(place[1])

    def _in_states(self, job_ids: Sequence[str], wanted: frozenset[State]) -> set[str]:
        with store_errors():
            found = self._scripts.run(Name.STATES, *job_ids)
        rows = zip(job_ids, found[::2], found[1::2], strict=True)
        return {
            job_id
            for job_id, status, tried in rows
            if status and state_of(text(status), attempted=tried != b"0") in wanted
        }

    def _counts(self, owner: str) -> Counter[State]:
        counts: Counter[State] = Counter()
        first = 0
        while True:
            with store_errors():
                dropped, looked, *found = self._scripts.run(
                    Name.COUNT, first, first + _COUNT - 1, keys=(owner_key(owner),)
                )
            for status, tried, number in zip(found[::3], found[1::3], found[2::3], strict=True):
                counts[state_of(text(status), attempted=tried == b"1")] += number
            if looked < _COUNT:
                return counts
            first += _COUNT - dropped

    def _with_reason(self, job: Job, active: dict[str, int]) -> Job:
        """Says of a pending job whether its owner's other jobs are what it waits for; `active` is filled and reused."""
        if job.state is not State.PENDING:
            return job
        if job.owner not in active:
            with store_errors():
                active[job.owner] = int(self._scripts.run(Name.ACTIVE, job.owner))
        running = active[job.owner]
        if running < self._rules.active_per_owner:
            return job
        reason = f"{running} jobs of {job.owner} are running, as many as one user may; this one is in line"
        return replace(job, waiting_reason=reason, waiting_code=OWNER_AT_LIMIT)


def _matches(job: Job, needle: str) -> bool:
    texts = (job.id, job.task.title, job.task.src_url, job.task.dst_url)
    return not needle or any(needle in words.casefold() for words in texts)
