"""Taking tasks: judge each on its own, store what is good, in one step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial

from stager_jobs.errors import JobStoreError
from stager_jobs.job import Job, NewJob, Priority, State, Task
from stager_jobs.store import JobQueue
from stager_telemetry.traces import current_traceparent

from stager_api import audit, rules
from stager_api.access import Access
from stager_api.errors import ApiError, Violation
from stager_api.principal import Principal
from stager_api.sealing_keys import SealingKeys


@dataclass(frozen=True, slots=True)
class Submission:
    """A task that somebody hands in; `faults` are those that were found in reading it."""

    task: Task
    priority: Priority = Priority.DEFAULT
    request_id: str = ""
    validate_only: bool = False
    faults: tuple[Violation, ...] = ()


Outcome = Job | ApiError | JobStoreError


class SubmitJobs:
    """The use case."""

    def __init__(self, queue: JobQueue, access: Access, keys: SealingKeys) -> None:
        self._queue = queue
        self._access = access
        self._keys = keys

    def __call__(self, caller: Principal, submissions: Sequence[Submission]) -> list[Outcome]:
        """One outcome for each submission, in order: the job, or why there is none.

        Raises:
            InvalidRequestError: There are none or too many of them.
            StoreUnavailableError: Redis can't be reached.
        """
        rules.refuse(rules.count_violations("requests", len(submissions), least=1, most=rules.TASKS_AT_ONCE))
        # A name service may take a millisecond for a user, and a batch is mostly one user's.
        act_as = cache(partial(self._access.act_as, caller, field="stagerUser"))
        judged = [self._judge(caller, submission, act_as) for submission in submissions]
        stored = iter(self._store(caller, [new for new in judged if isinstance(new, NewJob)]))
        outcomes: list[Outcome] = [next(stored) if isinstance(new, NewJob) else new for new in judged]
        for submission, outcome in zip(submissions, outcomes, strict=True):
            if not submission.validate_only:
                _record(caller, submission.task, outcome)
        return outcomes

    def _store(self, caller: Principal, new: list[NewJob]) -> list[Job | JobStoreError]:
        try:
            return self._queue.submit(new)
        except JobStoreError as error:
            for one in new:
                audit.refusal("submit", error, principal=caller.label, owner=one.task.stager_user)
            raise

    def _judge(
        self, caller: Principal, submission: Submission, act_as: Callable[[str], object]
    ) -> NewJob | Job | ApiError:
        """What to store, the job as it would be (validate_only), or why not."""
        task = submission.task
        try:
            rules.refuse(
                iter(submission.faults),
                rules.task_violations(task),
                rules.request_id_violations(submission.request_id),
                self._credential_violations(task.dr_pass),
            )
            act_as(task.stager_user)
            if not task.dr_pass:
                self._access.use_service_account(caller, task.dr_user)
        except ApiError as refusal:
            return refusal
        if submission.validate_only:
            now = datetime.now(UTC)
            return Job("", task, task.stager_user, caller.label, State.PENDING, submission.priority, now)
        return NewJob(task, caller.label, submission.priority, submission.request_id, current_traceparent())

    def _credential_violations(self, dr_pass: str) -> Iterator[Violation]:
        violation = self._keys.violation(dr_pass) if dr_pass else None
        if violation:
            yield violation


def _record(caller: Principal, task: Task, outcome: Outcome) -> None:
    owner = task.stager_user if next(rules.user_violations("stagerUser", task.stager_user), None) is None else ""
    if isinstance(outcome, Job):
        audit.record("submit", "done", principal=caller.label, job_id=outcome.id, owner=owner)
    else:
        audit.refusal("submit", outcome, principal=caller.label, owner=owner)
