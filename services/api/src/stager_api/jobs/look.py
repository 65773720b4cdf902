"""Looking at jobs: one, several, a page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from stager_jobs.job import ENDED, Job, State
from stager_jobs.store import JobInspector, JobPage

from stager_api import rules
from stager_api.access import Access
from stager_api.errors import InvalidRequestError, NotFoundError, Violation
from stager_api.principal import Principal
from stager_api.reasons import Fault, Reason

DEFAULT_PAGE = 50
LARGEST_PAGE = 200


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs of a user to list. A size of 0 is the default; `faults` are those found in reading the request."""

    user: str = ""
    states: Collection[State] = ()
    search: str = ""
    size: int = 0
    token: str = ""
    counted: bool = True
    faults: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class LookAtJobs:
    """The use cases."""

    inspector: JobInspector
    access: Access

    def get(self, caller: Principal, job_id: str) -> Job:
        """One job.

        Raises:
            NotFoundError: There is none of this id, or it isn't the caller's.
            JobNotFoundError: The same, from the store.
        """
        if not rules.is_job_id(job_id):
            raise NotFoundError("there is no such job", Reason.NO_SUCH_JOB)
        return self.access.see(caller, self.inspector.get(job_id))

    def get_all(self, caller: Principal, job_ids: Sequence[str]) -> list[Job]:
        """Several jobs, each named once, in order.

        Raises:
            InvalidRequestError: Too many.
            NotFoundError: One doesn't exist or isn't the caller's; the text names it.
        """
        rules.refuse(rules.count_violations("ids", len(job_ids), least=1, most=rules.IDS_AT_ONCE))
        wanted = list(dict.fromkeys(job_ids))
        found = self.inspector.get_many([job_id for job_id in wanted if rules.is_job_id(job_id)])
        owners = {job.owner for job in found if job}
        known = {owner for owner in owners if self.access.knows_of(caller, owner)}
        mine = {job.id: job for job in found if job and job.owner in known}
        for number, job_id in enumerate(wanted):
            if job_id not in mine:
                raise NotFoundError(f"there is no such job: number {number + 1} of those named", Reason.NO_SUCH_JOB)
        return [mine[job_id] for job_id in wanted]

    def page(self, caller: Principal, wanted: JobFilter) -> JobPage:
        """A page of a user's jobs, newest first.

        Raises:
            NotPermittedError: The caller may not act as this user.
            InvalidRequestError: The filter breaks rules.
        """
        rules.refuse(
            iter(wanted.faults),
            rules.user_violations("stager_user", wanted.user) if wanted.user else iter(()),
            rules.search_violations(wanted.search),
            rules.page_size_violations(wanted.size, LARGEST_PAGE),
        )
        owner = self.access.chosen_user(caller, wanted.user, field="stager_user")
        try:
            return self.inspector.list(
                owner,
                states=wanted.states,
                search=wanted.search,
                cursor=wanted.token,
                size=wanted.size or DEFAULT_PAGE,
                counted=wanted.counted,
            )
        except ValueError as error:
            raise InvalidRequestError(
                [Violation("page_token", Fault.NOT_A_PAGE, "is not from an answer to this request")]
            ) from error

    def user(self, caller: Principal, user: str) -> str:
        """Whose jobs the caller asks for.

        Raises:
            NotPermittedError: The caller may not act as this user.
            InvalidRequestError: The name breaks rules, or it is needed.
        """
        if user:
            rules.refuse(rules.user_violations("stager_user", user))
        return self.access.chosen_user(caller, user, field="stager_user")

    def all_of(self, owner: str, *, skip_ended: bool = False) -> list[Job]:
        """Every job of a user, newest first, or those that have not ended."""
        states = frozenset(State) - ENDED if skip_ended else frozenset()
        jobs: list[Job] = []
        cursor = ""
        while True:
            page = self.inspector.list(owner, states=states, cursor=cursor, size=LARGEST_PAGE, counted=False)
            jobs.extend(page.jobs)
            cursor = page.next_cursor
            if not cursor:
                return jobs
