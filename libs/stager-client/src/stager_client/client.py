"""The SDK for ordinary code; `stager_client.aio` has the same for asyncio."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
from stager.v1 import directory_service_pb2, job_pb2, job_service_pb2

from stager_client import operations
from stager_client.calls import Call, Steps, Stubs
from stager_client.channel import metadata, open_channel
from stager_client.configuration import find_settings
from stager_client.convert import convert
from stager_client.errors import NotFoundError, StagerError
from stager_client.operations import KeyHolder, Page, TaskLike
from stager_client.retry import Retry
from stager_client.settings import ClientSettings
from stager_client.watching import STREAM_SECONDS, Following, JobEvent, Outage, after_stream

Res = TypeVar("Res")
T = TypeVar("T")


class StagerClient:
    """A connection to the stager; close it, or use it in a `with`. May be used by several threads.

    Every call has a time limit, and is tried again after a transient failure in a way that can't do anything twice.
    Every method may raise a StagerError: NotSignedInError, NotAllowedError, UnavailableError and so on.

    Args:
        settings: Where the stager is and who calls.
        retry: How often lost calls are tried again.
    """

    def __init__(self, settings: ClientSettings, retry: Retry | None = None) -> None:
        self.settings = settings
        self._retry = retry or Retry()
        self._metadata = metadata(settings)
        self._channel = open_channel(settings)
        self._stubs = Stubs(self._channel)
        self._key = KeyHolder()

    @classmethod
    def from_environment(cls, *, config: Path | None = None, **given: object) -> Self:
        """Connect with settings from the arguments, then STAGER_* variables, then the configuration file.

        Raises:
            ConfigurationError: They can't be used; see `find_settings`.
        """
        return cls(find_settings(given, config=config))

    def with_token(self, token: str) -> Self:
        """The same connection for another caller; for programs that call on behalf of many people.

        Args:
            token: The caller's OAuth2 access token.

        Returns:
            A client that shares this one's connection, and is of no use once this one is closed.

        Raises:
            ConfigurationError: That is no token.
        """
        other = copy.copy(self)
        other.settings = dataclasses.replace(self.settings, user=None, password=None, token=token)
        other._metadata = metadata(other.settings)  # noqa: SLF001 - of the same class
        return other

    def close(self) -> None:
        """Hang up; calls under way are cancelled."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, task: TaskLike, *, priority: str | None = None, request_id: str | None = None) -> job_pb2.Job:
        """Hand in a task; a clear password in it is sealed before it leaves.

        Args:
            task: A message, or the JSON form as a mapping.
            priority: `critical`, `default` or `low`.
            request_id: Names this one intended job (at most 128 characters): submitting again with the same id
                returns the same job. One is made if none is given, so that a lost answer makes no second job.

        Raises:
            InvalidRequestError: The task is wrong; `violations` has every fault.
            RequestIdTakenError: The request id belongs to another task.
            TooManyError: Too many jobs wait.
        """
        return self._run(
            operations.submit(self._key, task, priority=priority, request_id=request_id, validate_only=False)
        )

    def validate(self, task: TaskLike, *, priority: str | None = None) -> None:
        """Have the stager judge a task without making a job; raises as `submit` does."""
        self._run(operations.submit(self._key, task, priority=priority, request_id=None, validate_only=True))

    def submit_many(
        self, tasks: Iterable[TaskLike], *, priority: str | None = None, request_id: str | None = None
    ) -> list[job_pb2.Job | StagerError]:
        """Hand in any number of tasks, each judged on its own.

        Args:
            tasks: As for `submit`.
            priority: Of all of them.
            request_id: Names the whole list (at most 100 characters); each task gets an id made from it and its place.

        Returns:
            For each task, in their order, the job, or why there is none.
        """
        return self._run(operations.submit_many(self._key, tasks, priority=priority, request_id=request_id))

    def validate_many(self, tasks: Iterable[TaskLike]) -> list[StagerError | None]:
        """Have the stager judge any number of tasks; for each, in their order, None or why it would be refused."""
        outcomes = self._run(
            operations.submit_many(self._key, tasks, priority=None, request_id=None, validate_only=True)
        )
        return [outcome if isinstance(outcome, StagerError) else None for outcome in outcomes]

    def get(self, job_id: str) -> job_pb2.Job:
        """One job; NotFoundError if there is none or it isn't the caller's."""
        return self._run(operations.get(job_id))

    def list_page(
        self,
        *,
        states: Iterable[str] = (),
        search: str = "",
        stager_user: str = "",
        page_size: int = 50,
        page_token: str = "",
    ) -> Page:
        """A page of jobs, newest first.

        Args:
            states: Only those in one of these, such as `failed`; none: all.
            search: Only those whose id, title, source or destination contains this text, in any case.
            stager_user: Whose; empty: the caller's own.
            page_size: 1 to 200.
            page_token: `next_page_token` of the page before.
        """
        return self._run(
            operations.list_page(
                states=states, search=search, stager_user=stager_user, page_size=page_size, page_token=page_token
            )
        )

    def jobs(self, *, states: Sequence[str] = (), search: str = "", stager_user: str = "") -> Iterator[job_pb2.Job]:
        """All jobs, newest first, fetched page by page; arguments as for `list_page`."""
        token = ""
        while True:
            page = self._run(
                operations.list_page(
                    states=states,
                    search=search,
                    stager_user=stager_user,
                    page_size=200,
                    page_token=token,
                    counted=False,
                )
            )
            yield from page.jobs
            token = page.next_page_token
            if not token:
                return

    def watch(
        self,
        ids: Iterable[str] = (),
        *,
        stager_user: str = "",
        skip_ended: bool = False,
        on_lost: Callable[[StagerError], None] | None = None,
    ) -> Iterator[JobEvent]:
        """Follow jobs: each as it stands, then again within a second of each change; comes back after a lost line.

        Args:
            ids: Which; the iteration ends once all of them have ended. None: all of the caller's, without end.
            stager_user: Whose, where no ids are given; empty: the caller's own.
            skip_ended: Where no ids are given: leave out jobs that had ended before they were first seen.
            on_lost: Told each time that the stager is out of reach, before trying again.

        Raises:
            NotFoundError: One of the jobs isn't there.
            UnavailableError: The stager has been out of reach for longer than `Retry.patience`.
        """
        following = Following(ids, stager_user, skip_ended=skip_ended)
        outage = Outage(self._retry)
        while not following.is_done():
            error: StagerError | None = None
            heard = False
            stream = self._stubs.jobs.Watch(following.request(), timeout=STREAM_SECONDS, metadata=self._metadata)
            try:
                for response in stream:
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
            pause = self._run(after_stream(following, outage, error, heard=heard))
            yield from pause.events
            if pause.lost is not None and on_lost is not None:
                on_lost(pause.lost)
            time.sleep(pause.seconds)

    def wait(self, job_id: str) -> job_pb2.Job:
        """Follow a job to its end and return it; NotFoundError if its record is removed meanwhile."""
        for event in self.watch([job_id]):
            if event.deleted:
                break
            if event.final:
                return event.job
        raise NotFoundError(f"the job {job_id} was deleted")

    def stop(self, job_id: str) -> job_pb2.Job:
        """End a job that waits or runs; safe to repeat. WrongStateError if it has completed or failed."""
        return self._run(operations.stop(job_id))

    def restart(self, job_id: str, *, password: str = "") -> job_pb2.Job:
        """Run an ended job again, under its id.

        Args:
            job_id: Which.
            password: The repository account's password, clear or sealed, since a job's own is wiped when it ends;
                not needed for service accounts.

        Raises:
            WrongStateError: It waits or runs, or a password is needed.
        """
        return self._run(operations.restart(self._key, job_id, password))

    def delete(self, job_id: str) -> None:
        """Remove a job's record, stopping the job first if it waits or runs."""
        self._run(operations.delete(job_id))

    def list_directory(
        self, path: str, *, include_hidden: bool = False, stager_user: str = ""
    ) -> Iterator[directory_service_pb2.Entry]:
        """What stands in a directory of the project storage, as its user sees it, in the order of names.

        Raises:
            NotAllowedError: The user may not read it, or it is outside the allowed roots.
        """
        token = ""
        while True:
            page = self._run(
                operations.list_directory(
                    path, include_hidden=include_hidden, stager_user=stager_user, page_size=1000, page_token=token
                )
            )
            yield from page.entries
            token = page.next_page_token
            if not token:
                return

    def report(self, job_id: str, *, outcomes: Sequence[str] = ()) -> Iterator[job_service_pb2.FileReport]:
        """What became of a job's files, in the order in which it happened, fetched page by page.

        Args:
            job_id: Which.
            outcomes: Only `transferred`, `skipped`, `failed`, `deleted` or `error` (about no single file); none: all.
        """
        token = ""
        while True:
            page = self.report_page(job_id, outcomes=outcomes, page_size=1000, page_token=token)
            yield from page.files
            token = page.next_page_token
            if not token:
                return

    def report_page(
        self, job_id: str, *, outcomes: Iterable[str] = (), page_size: int = 200, page_token: str = ""
    ) -> job_service_pb2.GetReportResponse:
        """A page of that; it says whether the report is complete, and where the whole list is."""
        return self._run(operations.report(job_id, outcomes=outcomes, page_size=page_size, page_token=page_token))

    def log(self, job_id: str, *, size: int = 65_536) -> str:
        """The end of what the transfer program logged about a job, within `size` bytes.

        Raises:
            NotFoundError: There is no such job, or it hasn't begun.
            WrongStateError: Logs are kept where the service can't read them.
        """
        return self._run(operations.log(job_id, size)).text

    def measure(
        self, paths: Iterable[str], *, stager_user: str = ""
    ) -> Iterator[directory_service_pb2.MeasureResponse]:
        """Count files and bytes at paths of the project storage, as their user; so far, again and again.

        There is at least one; the last one is `final`, unless time ran out.
        """
        request = directory_service_pb2.MeasureRequest(paths=paths, stager_user=stager_user)
        stream = self._stubs.directories.Measure(request, timeout=STREAM_SECONDS, metadata=self._metadata)
        try:
            yield from stream
        except grpc.RpcError as caught:
            raise convert(caught, self.settings.target) from caught
        finally:
            stream.cancel()

    def free_space(self, path: str, *, stager_user: str = "") -> directory_service_pb2.GetFreeSpaceResponse:
        """The room at a path of the project storage, or in its nearest directory that exists.

        Raises:
            NotFoundError: The file system doesn't tell.
        """
        return self._run(operations.free_space(path, stager_user))

    def resolve_collection(self, project: str) -> str:
        """The collection that takes a project's raw data; NotFoundError if none is known."""
        return self._run(operations.resolve_collection(project))

    def seal(self, password: str, *, owner: str, dr_user: str) -> str:
        """Seal a repository password for a job of this owner under this account.

        Raises:
            InvalidRequestError: No such password can be.
        """
        return self._run(operations.seal(self._key, password, owner=owner, dr_user=dr_user))

    def _run(self, steps: Steps[T]) -> T:
        """Make the calls that the steps ask for, one after the other."""
        try:
            call = next(steps)
            while True:
                try:
                    response = self._call(call)
                except StagerError as error:
                    call = steps.throw(error)
                else:
                    call = steps.send(response)
        except StopIteration as end:
            result: T = end.value
            return result

    def _call(self, call: Call[Any, Res]) -> Res:
        rpc = call.rpc(self._stubs)
        for tries, delay in enumerate(self._retry.delays(), start=1):
            try:
                return rpc(call.request, timeout=self.settings.timeout * call.patience, metadata=self._metadata)
            except grpc.RpcError as caught:
                error = convert(caught, self.settings.target, tries)
                if not error.transient or tries >= self._retry.tries:
                    raise error from caught
            time.sleep(delay)
        raise AssertionError("delays never end")
