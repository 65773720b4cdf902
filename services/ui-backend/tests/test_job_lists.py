"""Lists of jobs, and what is told of a job's files."""

from __future__ import annotations

import csv
from collections import Counter
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from stager.v1 import job_pb2, job_service_pb2
from stager_ui.job_list import _KEYS, Order, Wanted, latest_jobs
from stager_ui.views.job_record import COLUMNS, _as_csv

USUAL: dict[str, Any] = {"state": "", "search": "", "order": "", "page": ""}


@pytest.mark.parametrize(
    "wrong",
    [{"state": "asleep"}, {"order": "random"}, {"order": "title", "page": "-1"}, {"order": "title", "page": "x"},
     {"order": "title", "page": "1001"}],
)  # fmt: skip
def test_addresses_that_name_no_list(wrong: dict[str, str]) -> None:
    """They are refused, not guessed at."""
    with pytest.raises(ValueError, match=r".+"):
        Wanted.checked(**USUAL | wrong)


def test_addresses_say_what_is_unusual() -> None:
    """The usual order is left out, and a change of the state keeps search and order."""
    wanted = Wanted.checked(**USUAL | {"search": " scan ", "order": "title"})
    assert wanted.address(state="failed") == {"state": "failed", "search": "scan", "order": "title"}
    assert Wanted.checked(**USUAL).address() == {}


def test_orders() -> None:
    """Each order begins with what it says; jobs that haven't ended come before those that have."""
    jobs = [job_pb2.Job(id=name) for name in "abc"]
    for number, (job, title, size) in enumerate(zip(jobs, ("Beta", "alpha", "gamma"), (5, 1, 9), strict=True), start=1):
        job.task.title, job.progress.bytes_total = title, size
        job.created_at.FromSeconds(number)
    jobs[0].ended_at.FromSeconds(50)
    jobs[1].ended_at.FromSeconds(60)
    found = {order: "".join(job.id for job in sorted(jobs, key=key)) for order, key in _KEYS.items()}
    assert found == {Order.OLDEST: "abc", Order.TITLE: "bac", Order.LARGEST: "cab", Order.ENDED: "cba"}


class Jobs:
    """Stands where the API's client does: jobs, the newest first, those named in capitals run."""

    def __init__(self, names: str) -> None:
        running, waiting = job_pb2.JOB_STATE_ACTIVE, job_pb2.JOB_STATE_PENDING
        self.jobs = [job_pb2.Job(id=name, state=running if name.isupper() else waiting) for name in names]
        self.calls = 0

    def list_page(self, *, states: list[str], page_size: int, **_more: object) -> SimpleNamespace:
        """A page of them."""
        self.calls += 1
        found = [job for job in self.jobs if not states or job.state == job_pb2.JOB_STATE_ACTIVE]
        counts = Counter(job.state for job in self.jobs)
        return SimpleNamespace(jobs=found[:page_size], counts=counts, next_page_token="")


@pytest.mark.parametrize(
    ("names", "shown", "calls"),
    [("abc", "abc", 1), ("abcdEF", "EFab", 2), ("aBcDe", "BDac", 1), ("ABCDEF", "ABCD", 2), ("abcD", "Dabc", 1),
     ("", "", 1)],
)  # fmt: skip
def test_running_jobs_are_seen(names: str, shown: str, calls: int) -> None:
    """However many wait behind them, jobs that run stand first in the short list, which asks twice only if it must."""
    api = Jobs(names)
    page = latest_jobs(api, 4)  # type: ignore[arg-type] # as much of it as is asked
    assert "".join(job.id for job in page.jobs) == shown
    assert (page.waiting, api.calls) == (sum(map(str.islower, names)), calls)


def test_a_table_of_files_holds_no_formulas() -> None:
    """Names and messages of others can't become formulas in a spreadsheet, and stay in one cell."""
    files = [
        job_service_pb2.FileReport(
            path='=HYPERLINK("x"),y', outcome=job_service_pb2.FILE_OUTCOME_FAILED, message="=1+1"
        ),
        job_service_pb2.FileReport(path="-rf\n", outcome=job_service_pb2.FILE_OUTCOME_TRANSFERRED, bytes=3, attempt=2),
    ]
    head, first, second = csv.reader(StringIO("".join(_as_csv(files)), newline=""))
    assert tuple(head) == COLUMNS
    assert first == ['./=HYPERLINK("x"),y', "failed", "0", "", "", "'=1+1"]
    assert second == ["./-rf\n", "transferred", "3", "", "2", ""]
