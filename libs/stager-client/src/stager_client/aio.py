"""The SDK for asyncio: the same as `stager_client.client`, to be awaited."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import grpc
from stager.v1 import directory_service_pb2, job_pb2, job_service_pb2
from stager.v1.directory_service_pb2 import MeasureRequest, MeasureResponse
from stager.v1.job_service_pb2 import WatchRequest, WatchResponse

from stager_client import operations
from stager_client.calls import Call, Steps, Stubs
from stager_client.channel import metadata, open_async_channel
from stager_client.configuration import find_settings
from stager_client.convert import convert
from stager_client.errors import NotFoundError, StagerError
from stager_client.operations import KeyHolder, Page, TaskLike
from stager_client.retry import Retry
from stager_client.settings import ClientSettings
from stager_client.watching import STREAM_SECONDS, Following, JobEvent, Outage, after_stream

Res = TypeVar("Res")
T = TypeVar("T")


class AsyncStagerClient:
    """A connection to the stager, in one event loop; close it, or use it in an `async with`.

    Arguments, answers and errors of each method are those of the method of the same name in `StagerClient`.
    """

    def __init__(self, settings: ClientSettings, retry: Retry | None = None) -> None:
        self.settings = settings
        self._retry = retry or Retry()
        self._metadata = metadata(settings)
        self._channel = open_async_channel(settings)
        self._stubs = Stubs(self._channel)
        self._key = KeyHolder()

    @classmethod
    def from_environment(cls, *, config: Path | None = None, **given: object) -> Self:
        """Connect with settings from the arguments, then STAGER_* variables, then the configuration file."""
        return cls(find_settings(given, config=config))

    def with_token(self, token: str) -> Self:
        """The same connection for another caller; for programs that call on behalf of many people."""
        other = copy.copy(self)
        other.settings = dataclasses.replace(self.settings, user=None, password=None, token=token)
        other._metadata = metadata(other.settings)  # noqa: SLF001 - of the same class
        return other

    async def close(self) -> None:
        """Hang up; calls under way are cancelled."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def submit(
        self, task: TaskLike, *, priority: str | None = None, request_id: str | None = None
    ) -> job_pb2.Job:
        """Hand in a task; a clear password in it is sealed before it leaves."""
        return await self._run(
            operations.submit(self._key, task, priority=priority, request_id=request_id, validate_only=False)
        )

    async def validate(self, task: TaskLike, *, priority: str | None = None) -> None:
        """Have the stager judge a task without making a job."""
        await self._run(operations.submit(self._key, task, priority=priority, request_id=None, validate_only=True))

    async def submit_many(
        self, tasks: Iterable[TaskLike], *, priority: str | None = None, request_id: str | None = None
    ) -> list[job_pb2.Job | StagerError]:
        """Hand in any number of tasks, each judged on its own."""
        return await self._run(operations.submit_many(self._key, tasks, priority=priority, request_id=request_id))

    async def validate_many(self, tasks: Iterable[TaskLike]) -> list[StagerError | None]:
        """Have the stager judge any number of tasks; for each, in their order, None or why it would be refused."""
        outcomes = await self._run(
            operations.submit_many(self._key, tasks, priority=None, request_id=None, validate_only=True)
        )
        return [outcome if isinstance(outcome, StagerError) else None for outcome in outcomes]

    async def get(self, job_id: str) -> job_pb2.Job:
        """One job."""
        return await self._run(operations.get(job_id))

    async def list_page(
        self,
        *,
        states: Iterable[str] = (),
        search: str = "",
        stager_user: str = "",
        page_size: int = 50,
        page_token: str = "",
    ) -> Page:
        """A page of jobs, newest first."""
        return await self._run(
            operations.list_page(
                states=states, search=search, stager_user=stager_user, page_size=page_size, page_token=page_token
            )
        )

    async def jobs(
        self, *, states: Sequence[str] = (), search: str = "", stager_user: str = ""
    ) -> AsyncIterator[job_pb2.Job]:
        """All jobs, newest first, fetched page by page."""
        token = ""
        while True:
            page = await self._run(
                operations.list_page(
                    states=states,
                    search=search,
                    stager_user=stager_user,
                    page_size=200,
                    page_token=token,
                    counted=False,
                )
            )
            for job in page.jobs:
                yield job
            token = page.next_page_token
            if not token:
                return

    async def watch(
        self,
        ids: Iterable[str] = (),
        *,
        stager_user: str = "",
        skip_ended: bool = False,
        on_lost: Callable[[StagerError], None] | None = None,
    ) -> AsyncIterator[JobEvent]:
        """Follow jobs: each as it stands, then again within a second of each change; comes back after a lost line."""
        following = Following(ids, stager_user, skip_ended=skip_ended)
        outage = Outage(self._retry)
        watch_rpc = cast("grpc.aio.UnaryStreamMultiCallable[WatchRequest, WatchResponse]", self._stubs.jobs.Watch)
        while not following.is_done():
            error: StagerError | None = None
            heard = False
            stream = watch_rpc(following.request(), timeout=STREAM_SECONDS, metadata=self._metadata)
            try:
                async for response in stream:
                    heard = True
                    outage.over()
                    if (event := following.take(response)) is not None:
                        yield event
            except grpc.RpcError as caught:
                error = convert(caught, self.settings.target)
            finally:
                stream.cancel()
            if following.is_done():
                return
            pause = await self._run(after_stream(following, outage, error, heard=heard))
            for event in pause.events:
                yield event
            if pause.lost is not None and on_lost is not None:
                on_lost(pause.lost)
            await asyncio.sleep(pause.seconds)

    async def wait(self, job_id: str) -> job_pb2.Job:
        """Follow a job to its end and return it."""
        async for event in self.watch([job_id]):
            if event.deleted:
                break
            if event.final:
                return event.job
        raise NotFoundError(f"the job {job_id} was deleted")

    async def stop(self, job_id: str) -> job_pb2.Job:
        """End a job that waits or runs."""
        return await self._run(operations.stop(job_id))

    async def restart(self, job_id: str, *, password: str = "") -> job_pb2.Job:
        """Run an ended job again, under its id."""
        return await self._run(operations.restart(self._key, job_id, password))

    async def delete(self, job_id: str) -> None:
        """Remove a job's record, stopping the job first if it waits or runs."""
        await self._run(operations.delete(job_id))

    async def list_directory(
        self, path: str, *, include_hidden: bool = False, stager_user: str = ""
    ) -> AsyncIterator[directory_service_pb2.Entry]:
        """What stands in a directory of the project storage, in the order of names."""
        token = ""
        while True:
            page = await self._run(
                operations.list_directory(
                    path, include_hidden=include_hidden, stager_user=stager_user, page_size=1000, page_token=token
                )
            )
            for entry in page.entries:
                yield entry
            token = page.next_page_token
            if not token:
                return

    async def report(self, job_id: str, *, outcomes: Sequence[str] = ()) -> AsyncIterator[job_service_pb2.FileReport]:
        """What became of a job's files, in the order in which it happened."""
        token = ""
        while True:
            page = await self.report_page(job_id, outcomes=outcomes, page_size=1000, page_token=token)
            for file in page.files:
                yield file
            token = page.next_page_token
            if not token:
                return

    async def report_page(
        self, job_id: str, *, outcomes: Iterable[str] = (), page_size: int = 200, page_token: str = ""
    ) -> job_service_pb2.GetReportResponse:
        """A page of that."""
        return await self._run(operations.report(job_id, outcomes=outcomes, page_size=page_size, page_token=page_token))

    async def log(self, job_id: str, *, size: int = 65_536) -> str:
        """The end of what the transfer program logged about a job, within `size` bytes."""
        return (await self._run(operations.log(job_id, size))).text

    async def measure(self, paths: Iterable[str], *, stager_user: str = "") -> AsyncIterator[MeasureResponse]:
        """Count files and bytes at paths of the project storage; so far, again and again."""
        request = MeasureRequest(paths=paths, stager_user=stager_user)
        rpc = cast(
            "grpc.aio.UnaryStreamMultiCallable[MeasureRequest, MeasureResponse]", self._stubs.directories.Measure
        )
        stream = rpc(request, timeout=STREAM_SECONDS, metadata=self._metadata)
        try:
            async for response in stream:
                yield response
        except grpc.RpcError as caught:
            raise convert(caught, self.settings.target) from caught
        finally:
            stream.cancel()

    async def free_space(self, path: str, *, stager_user: str = "") -> directory_service_pb2.GetFreeSpaceResponse:
        """The room at a path of the project storage, or in its nearest directory that exists."""
        return await self._run(operations.free_space(path, stager_user))

    async def resolve_collection(self, project: str) -> str:
        """The collection that takes a project's raw data."""
        return await self._run(operations.resolve_collection(project))

    async def seal(self, password: str, *, owner: str, dr_user: str) -> str:
        """Seal a repository password for a job of this owner under this account."""
        return await self._run(operations.seal(self._key, password, owner=owner, dr_user=dr_user))

    async def _run(self, steps: Steps[T]) -> T:
        try:
            call = next(steps)
            while True:
                try:
                    response = await self._call(call)
                except StagerError as error:
                    call = steps.throw(error)
                else:
                    call = steps.send(response)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _call(self, call: Call[Any, Res]) -> Res:
        rpc = cast("Callable[..., Awaitable[Res]]", call.rpc(self._stubs))
        for tries, delay in enumerate(self._retry.delays(), start=1):
            try:
                return await rpc(call.request, timeout=self.settings.timeout * call.patience, metadata=self._metadata)
            except grpc.RpcError as caught:
                error = convert(caught, self.settings.target, tries)
                if not error.transient or tries >= self._retry.tries:
                    raise error from caught
            await asyncio.sleep(delay)
        raise AssertionError("delays never end")
