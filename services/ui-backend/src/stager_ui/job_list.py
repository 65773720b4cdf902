"""The list of the person's jobs: found, sorted, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from stager.v1 import job_pb2
from stager_client import StagerClient

from stager_ui.job_view import STATES, JobView

PAGE_SIZE: Final = 25
MOST_SORTED: Final = 1000
"""The API knows its own order only; for another one so many of the newest jobs are fetched and sorted."""
MAX_SEARCH: Final = 200
BIG: Final = 200
"""From so many jobs on a sorted list is asked for less often."""


class Order(StrEnum):
    """What a list begins with."""

    NEWEST = "newest"
    OLDEST = "oldest"
    TITLE = "title"
    LARGEST = "largest"
    ENDED = "ended"


@dataclass(frozen=True)
class Wanted:
    """Which page of which list.

    Attributes:
        state: Only jobs in this state; empty for all.
        search: Only jobs with this text.
        order: What comes first.
        page: Empty for the first page, else what the page before told.
    """

    state: str = ""
    search: str = ""
    order: Order = Order.NEWEST
    page: str = ""

    @classmethod
    def checked(cls, *, state: str, search: str, order: str, page: str) -> Wanted:
        """From what stood in an address; raises ValueError if that names no list."""
        wanted = cls(state, search.strip()[:MAX_SEARCH], Order(order or Order.NEWEST), page)
        if state and state not in STATES.values():
            raise ValueError(f"{state} is no state")
        if page and wanted.order is not Order.NEWEST and not 0 <= int(page) <= MOST_SORTED:
            raise ValueError("no such page")
        return wanted

    def address(self, **changes: str) -> dict[str, str]:
        """The query of this list, from its first page on, with something changed; what is usual is left out."""
        values = {"state": self.state, "search": self.search, "order": self.order.value} | changes
        return {name: value for name, value in values.items() if value and value != Order.NEWEST.value}


@dataclass(frozen=True)
class JobPage:
    """A page of the list.

    Attributes:
        wanted: What was asked for.
        jobs: In the order that was asked for.
        counts: How many jobs there are by state, before any filter.
        next_page: Which page comes next; empty on the last.
        cut: Whether there are more jobs than were sorted.
    """

    wanted: Wanted
    jobs: list[JobView]
    counts: dict[str, int]
    next_page: str
    cut: bool = False

    @property
    def total(self) -> int:
        """Jobs of all states."""
        return sum(self.counts.values())

    @property
    def waiting(self) -> int:
        """Jobs that will run by themselves, sooner or later."""
        return sum(self.counts[state] for state in ("pending", "scheduled", "retry"))

    @property
    def is_heavy(self) -> bool:
        """Whether it takes so much fetching that it had better not be asked for every second."""
        return self.wanted.order is not Order.NEWEST and self.total > BIG


_KEYS: Final[dict[Order, Callable[[job_pb2.Job], Any]]] = {
    Order.OLDEST: lambda job: job.created_at.ToNanoseconds(),
    Order.TITLE: lambda job: (job.task.title.casefold(), -job.created_at.ToNanoseconds()),
    Order.LARGEST: lambda job: (-job.progress.bytes_total, -job.created_at.ToNanoseconds()),
    # Those that haven't ended come first: they are the newest news.
    Order.ENDED: lambda job: (job.HasField("ended_at"), -job.ended_at.ToNanoseconds(), -job.created_at.ToNanoseconds()),
}


def find_jobs(api: StagerClient, wanted: Wanted, size: int = PAGE_SIZE) -> JobPage:
    """A page of the caller's jobs."""
    states = [wanted.state] if wanted.state else []
    if wanted.order is Order.NEWEST:
        answer = api.list_page(states=states, search=wanted.search, page_size=size, page_token=wanted.page)
        return JobPage(wanted, _views(answer.jobs), _by_name(answer.counts), answer.next_page_token)
    counts = api.list_page(page_size=1).counts
    found = list(islice(api.jobs(states=states, search=wanted.search), MOST_SORTED + 1))
    begin = int(wanted.page or 0)
    ordered = sorted(found[:MOST_SORTED], key=_KEYS[wanted.order])
    following = str(begin + size) if begin + size < len(ordered) else ""
    cut = len(found) > MOST_SORTED
    return JobPage(wanted, _views(ordered[begin : begin + size]), _by_name(counts), following, cut=cut)


def latest_jobs(api: StagerClient, size: int) -> JobPage:
    """The caller's newest jobs, before them those that run: what was submitted first runs first."""
    newest = find_jobs(api, Wanted(), size)
    if newest.counts["active"] <= sum(job.state == "active" for job in newest.jobs):
        return replace(newest, jobs=sorted(newest.jobs, key=_waits))
    running = find_jobs(api, Wanted(state="active"), size).jobs
    shown = {job.id for job in running}
    return replace(newest, jobs=(running + [job for job in newest.jobs if job.id not in shown])[:size])


def _waits(job: JobView) -> bool:
    return job.state != "active"


def _views(jobs: Sequence[job_pb2.Job]) -> list[JobView]:
    return [JobView.of(job) for job in jobs]


def _by_name(counts: Mapping[job_pb2.JobState.ValueType, int]) -> dict[str, int]:
    return {name: counts.get(number, 0) for number, name in STATES.items()}
