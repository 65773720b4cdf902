"""The asyncio client: the same calls, answers and errors."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from memory_stager import QUICK, TOKEN, Fault, MemoryStager
from stager.v1 import job_pb2
from stager_client import (
    AsyncStagerClient,
    ClientSettings,
    InvalidRequestError,
    Job,
    NotFoundError,
    NotSignedInError,
    StagerClient,
    UnavailableError,
)


@pytest.fixture
async def aclient(settings: ClientSettings) -> AsyncIterator[AsyncStagerClient]:
    """An asyncio client that doesn't wait long between tries."""
    async with AsyncStagerClient(settings, QUICK) as client:
        yield client


def test_same_surface() -> None:
    """Every public method of the one is there in the other, with the same parameters."""

    def surface(kind: type) -> dict[str, list[str]]:
        members = inspect.getmembers(kind, inspect.isfunction)
        return {name: list(inspect.signature(m).parameters) for name, m in members if not name.startswith("_")}

    assert surface(StagerClient) == surface(AsyncStagerClient)


async def test_life_of_a_job(aclient: AsyncStagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """Submit, list, stop, restart, delete."""
    job = await aclient.submit(task)
    assert stager.passwords[job.id] == task["drPass"]
    assert [each.id async for each in aclient.jobs()] == [job.id]
    assert (await aclient.stop(job.id)).state == job_pb2.JOB_STATE_STOPPED
    assert (await aclient.restart(job.id, password="fresh")).state == job_pb2.JOB_STATE_PENDING
    await aclient.delete(job.id)
    with pytest.raises(NotFoundError):
        await aclient.get(job.id)


async def test_another_caller_over_the_same_connection(settings: ClientSettings) -> None:
    """A token makes the same connection call for somebody else, and leaves the first caller as it was."""
    async with AsyncStagerClient(settings, QUICK) as first:
        assert [job async for job in first.with_token(TOKEN).jobs()] == []
        with pytest.raises(NotSignedInError):
            await first.with_token("wrong").list_page()
        assert (await first.list_page()).jobs == []


async def test_lost_answer_makes_no_second_job(
    aclient: AsyncStagerClient, stager: MemoryStager, task: dict[str, Any]
) -> None:
    """A lost answer is made good by the next try."""
    stager.faults["Submit"] = Fault(grpc.StatusCode.UNAVAILABLE, answer_lost=True)
    job = await aclient.submit(task)
    assert list(stager.jobs) == [job.id]


async def test_errors(aclient: AsyncStagerClient, stager: MemoryStager) -> None:
    """Faults come all at once, and a stager that stays away is an error of this package."""
    with pytest.raises(InvalidRequestError) as caught:
        await aclient.submit({"title": "t"})
    assert len(caught.value.violations) == 4
    stager.faults["Get"] = Fault(grpc.StatusCode.UNAVAILABLE, times=100)
    with pytest.raises(UnavailableError):
        await aclient.get("x")


async def test_many(aclient: AsyncStagerClient, task: dict[str, Any]) -> None:
    """Tasks of a list are judged each, for real or only to know."""
    outcomes = await aclient.submit_many([task, {"title": "t"}])
    assert [type(outcome) for outcome in outcomes] == [Job, InvalidRequestError]
    assert [type(outcome) for outcome in await aclient.validate_many([task, {}])] == [type(None), InvalidRequestError]


async def test_watch_over_a_cut_line(aclient: AsyncStagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """The watch comes back, and waiting ends with the job."""
    job = await aclient.submit(task)
    stager.watch_rounds = 1
    waiting = asyncio.create_task(aclient.wait(job.id))
    await asyncio.to_thread(stager.wait_until_told)
    await asyncio.to_thread(stager.change, job.id, "completed")
    assert (await asyncio.wait_for(waiting, 10)).state == job_pb2.JOB_STATE_COMPLETED
    assert stager.calls["Watch"] == 2


async def test_watch_can_be_cancelled(aclient: AsyncStagerClient, task: dict[str, Any]) -> None:
    """Cancelling the task that waits ends the wait, and the client still works."""
    job = await aclient.submit(task)
    waiting = asyncio.create_task(aclient.wait(job.id))
    await asyncio.sleep(0.2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await aclient.get(job.id)).id == job.id


async def test_directory_and_project(aclient: AsyncStagerClient) -> None:
    """A directory comes over all its pages, a project gives its collection."""
    assert len([entry async for entry in aclient.list_directory("/project/x", include_hidden=True)]) == 4
    assert (await aclient.resolve_collection("3010000.01")).startswith("/nl.ru.donders/")
    assert (await aclient.seal("x", owner="jan", dr_user="j")).startswith("sealed:v1:one:")
    await aclient.validate({"title": "t", "drUser": "d", "srcURL": "/a", "dstURL": "i:/b", "stagerUser": "jan"})
