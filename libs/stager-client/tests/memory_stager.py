"""A stager that keeps jobs in memory and speaks the contract over a real gRPC server; what it can't do is run jobs."""

from __future__ import annotations

import base64
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass, field
from typing import Final, NoReturn

import grpc
from google.protobuf import any_pb2
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from stager.v1 import (
    credential_service_pb2,
    credential_service_pb2_grpc,
    directory_service_pb2,
    directory_service_pb2_grpc,
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
    project_service_pb2,
    project_service_pb2_grpc,
)
from stager_client import Retry
from stager_client.job_states import has_ended
from stager_credentials import CredentialError, Keyring, parse_sealed

QUICK: Final = Retry(tries=3, first_delay=0.02, longest_delay=0.1, patience=2.0)
"""For clients in tests."""

USER, PASSWORD, TOKEN = "jan", "correct horse", "t0ken"
LOGINS = {f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}", f"Bearer {TOKEN}"}


@dataclass
class Fault:
    """What happens to the next calls of a method instead of, or after, their work."""

    code: grpc.StatusCode
    times: int = 1
    answer_lost: bool = False
    """The work is done, and only then the call fails."""


@dataclass
class MemoryStager:
    """All that the servicers share."""

    keyring: Keyring
    current_key: str
    jobs: dict[str, job_pb2.Job] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    by_request_id: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    watch_rounds: int | None = None
    """How many answers a watch sends before it ends; None: until all jobs have ended."""
    watch_ids: list[list[str]] = field(default_factory=list)
    told: int = 0
    """How many answers watches have sent."""
    changed: threading.Condition = field(default_factory=threading.Condition)
    closing: bool = False

    def change(self, job_id: str, state: str = "", **progress: int) -> None:
        """Move a job on and tell those who watch it."""
        with self.changed:
            job = self.jobs[job_id]
            if state:
                job.state = job_pb2.JobState.Value(f"JOB_STATE_{state.upper()}")
            for name, value in progress.items():
                setattr(job.progress, name, value)
            self.changed.notify_all()

    def remove(self, job_id: str) -> None:
        """Forget a job and tell those who watch it."""
        with self.changed:
            del self.jobs[job_id]
            self.changed.notify_all()

    def wait_until_told(self) -> None:
        """Wait until a watch has sent an answer."""
        deadline = time.monotonic() + 60
        while not self.told:
            assert time.monotonic() < deadline, "nobody watches"
            time.sleep(0.02)

    def submit(self, request: job_service_pb2.SubmitRequest) -> job_pb2.Job:
        """Judge and keep a task; raises RefusedError."""
        violations = self.violations(request.task)
        if violations:
            raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, "the task is not valid", violations)
        if request.task.stager_user != USER:
            raise RefusedError(grpc.StatusCode.PERMISSION_DENIED, f"you may not act as {request.task.stager_user}")
        job = job_pb2.Job(task=request.task, state=job_pb2.JOB_STATE_PENDING, max_attempts=5, priority=request.priority)
        job.task.dr_pass = ""
        if request.validate_only:
            return job
        task_bytes = request.task.SerializeToString(deterministic=True)
        with self.changed:
            if request.request_id in self.by_request_id:
                known, job_id = self.by_request_id[request.request_id]
                if known != task_bytes:
                    raise RefusedError(grpc.StatusCode.ALREADY_EXISTS, "the request id belongs to another task")
                return self.jobs[job_id]
            job.id = f"job-{len(self.by_request_id) + 1}"
            job.created_at.GetCurrentTime()
            self.jobs[job.id] = job
            self.by_request_id[request.request_id] = (task_bytes, job.id)
            if request.task.dr_pass:
                self.passwords[job.id] = self.keyring.open(
                    request.task.dr_pass, owner=request.task.stager_user, dr_user=request.task.dr_user
                )
            self.changed.notify_all()
        return job

    def violations(self, task: job_pb2.Task) -> list[tuple[str, str]]:
        """Some of the contract's rules."""
        found = [
            (key, "is required")
            for key, value in [
                ("title", task.title),
                ("drUser", task.dr_user),
                ("srcURL", task.src_url),
                ("dstURL", task.dst_url),
                ("stagerUser", task.stager_user),
            ]
            if not value
        ]
        if task.HasField("timeout") and task.timeout < 0:
            found.append(("timeout", "at least 0"))
        if task.src_url and ".." in task.src_url:
            found.append(("srcURL", "no .."))
        if task.dr_pass:
            try:
                if parse_sealed(task.dr_pass) != self.current_key:
                    found.append(("drPass", "its key has been retired"))
            except CredentialError as error:
                found.append(("drPass", str(error)))
        return found


class RefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, code: grpc.StatusCode, message: str, violations: list[tuple[str, str]] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.violations = violations or []

    def abort(self, context: grpc.ServicerContext) -> NoReturn:
        """End the call with this error."""
        status = Status(code=self.code.value[0], message=self.message)
        if self.violations:
            faults = [BadRequest.FieldViolation(field=key, description=text) for key, text in self.violations]
            detail = any_pb2.Any()
            detail.Pack(BadRequest(field_violations=faults))
            status.details.append(detail)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(self.code, self.message)
        raise AssertionError("abort raises")


class _Servicer:
    def __init__(self, stager: MemoryStager) -> None:
        self.stager = stager

    def enter(self, method: str, context: grpc.ServicerContext, *, login: bool = True) -> None:
        """Count the call, check who calls, and fail as was asked for."""
        self.stager.calls[method] += 1
        if login and dict(context.invocation_metadata()).get("authorization") not in LOGINS:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "sign in first")
        self.fail(method, context, answer_lost=False)

    def fail(self, method: str, context: grpc.ServicerContext, *, answer_lost: bool = True) -> None:
        """Fail here if a fault of this kind was asked for."""
        fault = self.stager.faults.get(method)
        if fault is not None and fault.times > 0 and fault.answer_lost == answer_lost:
            fault.times -= 1
            context.abort(fault.code, "as the test wants it")

    def find(self, job_id: str, context: grpc.ServicerContext) -> job_pb2.Job:
        """Return a job, or end the call with NOT_FOUND."""
        with self.stager.changed:
            job = self.stager.jobs.get(job_id)
            if job is not None:
                copy = job_pb2.Job()
                copy.CopyFrom(job)
                return copy
        context.abort(grpc.StatusCode.NOT_FOUND, f"no job {job_id}")
        raise AssertionError("abort raises")


class Jobs(_Servicer, job_service_pb2_grpc.JobServiceServicer):
    """JobService."""

    def Submit(
        self, request: job_service_pb2.SubmitRequest, context: grpc.ServicerContext
    ) -> job_service_pb2.SubmitResponse:
        self.enter("Submit", context)
        try:
            job = self.stager.submit(request)
        except RefusedError as refused:
            refused.abort(context)
        self.fail("Submit", context)
        return job_service_pb2.SubmitResponse(job=job)

    def SubmitMany(
        self, request: job_service_pb2.SubmitManyRequest, context: grpc.ServicerContext
    ) -> job_service_pb2.SubmitManyResponse:
        self.enter("SubmitMany", context)
        answer = job_service_pb2.SubmitManyResponse()
        for one in request.requests:
            result = answer.results.add()
            try:
                result.job.CopyFrom(self.stager.submit(one))
            except RefusedError as refused:
                result.error.code = refused.code.value[0]
                result.error.message = refused.message
                for key, text in refused.violations:
                    result.error.violations.add(field=key, description=text)
        self.fail("SubmitMany", context)
        return answer

    def Get(self, request: job_service_pb2.GetRequest, context: grpc.ServicerContext) -> job_service_pb2.GetResponse:
        self.enter("Get", context)
        return job_service_pb2.GetResponse(job=self.find(request.id, context))

    def List(
        self, request: job_service_pb2.JobServiceListRequest, context: grpc.ServicerContext
    ) -> job_service_pb2.JobServiceListResponse:
        self.enter("List", context)
        with self.stager.changed:
            jobs = list(reversed(self.stager.jobs.values()))
        counts = Counter(job.state for job in jobs)
        jobs = [job for job in jobs if not request.states or job.state in request.states]
        jobs = [job for job in jobs if request.search.lower() in f"{job.id} {job.task.title}".lower()]
        start, size = int(request.page_token or 0), request.page_size or 50
        return job_service_pb2.JobServiceListResponse(
            jobs=jobs[start : start + size],
            next_page_token=str(start + size) if start + size < len(jobs) else "",
            counts=[job_service_pb2.StateCount(state=state, count=count) for state, count in counts.items()],
        )

    def Watch(
        self, request: job_service_pb2.WatchRequest, context: grpc.ServicerContext
    ) -> Iterator[job_service_pb2.WatchResponse]:
        self.enter("Watch", context)
        self.stager.watch_ids.append(list(request.ids))
        for job_id in request.ids:
            self.find(job_id, context)
        told: dict[str, bytes] = {}
        rounds = 0
        while context.is_active():
            with self.stager.changed:
                current = dict(self.stager.jobs)
                news = []
                for job_id, job in current.items():
                    if (not request.ids or job_id in request.ids) and told.get(job_id) != job.SerializeToString():
                        told[job_id] = job.SerializeToString()
                        news.append(
                            job_service_pb2.WatchResponse(
                                change=job_service_pb2.WatchResponse.CHANGE_CURRENT,
                                job=job_pb2.Job.FromString(told[job_id]),
                            )
                        )
                for job_id in told.keys() - current.keys():
                    del told[job_id]
                    news.append(
                        job_service_pb2.WatchResponse(
                            change=job_service_pb2.WatchResponse.CHANGE_DELETED, job=job_pb2.Job(id=job_id)
                        )
                    )
                ended = request.ids and all(i not in current or has_ended(current[i]) for i in request.ids)
                if not news and not ended and not self.stager.closing:
                    self.stager.changed.wait(0.05)
            yield from news
            self.stager.told += len(news)
            rounds += bool(news)
            if (ended and not news) or self.stager.closing:
                return
            if rounds == self.stager.watch_rounds:
                self.stager.watch_rounds = None
                context.abort(grpc.StatusCode.UNAVAILABLE, "the line is cut")
            self.fail("Watch", context)

    def Stop(self, request: job_service_pb2.StopRequest, context: grpc.ServicerContext) -> job_service_pb2.StopResponse:
        self.enter("Stop", context)
        job = self.find(request.id, context)
        if has_ended(job) and job.state != job_pb2.JOB_STATE_STOPPED:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"the job {job.id} has ended already")
        self.stager.change(job.id, "stopped")
        self.fail("Stop", context)
        return job_service_pb2.StopResponse(job=self.find(request.id, context))

    def Restart(
        self, request: job_service_pb2.RestartRequest, context: grpc.ServicerContext
    ) -> job_service_pb2.RestartResponse:
        self.enter("Restart", context)
        job = self.find(request.id, context)
        if not has_ended(job):
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"the job {job.id} waits or runs")
        if job.id in self.stager.passwords and not request.dr_pass:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "its credential is gone; give the password again")
        if request.dr_pass:
            self.stager.passwords[job.id] = self.stager.keyring.open(
                request.dr_pass, owner=job.task.stager_user, dr_user=job.task.dr_user
            )
        self.stager.change(job.id, "pending")
        self.fail("Restart", context)
        return job_service_pb2.RestartResponse(job=self.find(request.id, context))

    def Delete(
        self, request: job_service_pb2.DeleteRequest, context: grpc.ServicerContext
    ) -> job_service_pb2.DeleteResponse:
        self.enter("Delete", context)
        self.find(request.id, context)
        self.stager.remove(request.id)
        self.fail("Delete", context)
        return job_service_pb2.DeleteResponse()


class Credentials(_Servicer, credential_service_pb2_grpc.CredentialServiceServicer):
    """CredentialService."""

    def GetSealingKey(
        self, _request: credential_service_pb2.GetSealingKeyRequest, context: grpc.ServicerContext
    ) -> credential_service_pb2.GetSealingKeyResponse:
        self.enter("GetSealingKey", context, login=False)
        key = self.stager.keyring.sealing_key(self.stager.current_key)
        return credential_service_pb2.GetSealingKeyResponse(key_id=key.key_id, public_key_pem=key.pem)


class Directories(_Servicer, directory_service_pb2_grpc.DirectoryServiceServicer):
    """DirectoryService over one made-up directory, /project/x."""

    ENTRIES = (
        directory_service_pb2.Entry(name=".hidden", type=directory_service_pb2.ENTRY_TYPE_FILE, size=1),
        directory_service_pb2.Entry(
            name="link", type=directory_service_pb2.ENTRY_TYPE_SYMLINK, symlink_target="/else\x1b[31m"
        ),
        directory_service_pb2.Entry(name="raw", type=directory_service_pb2.ENTRY_TYPE_DIRECTORY),
        directory_service_pb2.Entry(name="red\x1b[31m", type=directory_service_pb2.ENTRY_TYPE_FILE, size=2**40),
    )

    def List(
        self, request: directory_service_pb2.DirectoryServiceListRequest, context: grpc.ServicerContext
    ) -> directory_service_pb2.DirectoryServiceListResponse:
        self.enter("DirectoryList", context)
        if request.path != "/project/x":
            context.abort(grpc.StatusCode.PERMISSION_DENIED, f"{request.path} can't be read by {USER}")
        entries = [entry for entry in self.ENTRIES if request.include_hidden or not entry.name.startswith(".")]
        start = int(request.page_token or 0)  # a page of two, whatever is asked for
        return directory_service_pb2.DirectoryServiceListResponse(
            entries=entries[start : start + 2], next_page_token=str(start + 2) if start + 2 < len(entries) else ""
        )


class Projects(_Servicer, project_service_pb2_grpc.ProjectServiceServicer):
    """ProjectService with one project."""

    def ResolveCollection(
        self, request: project_service_pb2.ResolveCollectionRequest, context: grpc.ServicerContext
    ) -> project_service_pb2.ResolveCollectionResponse:
        self.enter("ResolveCollection", context, login=False)
        if request.project != "3010000.01":
            context.abort(grpc.StatusCode.NOT_FOUND, f"no collection is known for project {request.project}")
        return project_service_pb2.ResolveCollectionResponse(collection="/nl.ru.donders/di/dccn/DAC_3010000.01_173")


def serve(
    stager: MemoryStager, credentials: grpc.ServerCredentials | None = None, port: int = 0
) -> tuple[grpc.Server, int]:
    """Start a server, on a port of the kernel's choice if none is given; the caller stops it."""
    server = grpc.server(futures.ThreadPoolExecutor(16))
    job_service_pb2_grpc.add_JobServiceServicer_to_server(Jobs(stager), server)
    credential_service_pb2_grpc.add_CredentialServiceServicer_to_server(Credentials(stager), server)
    directory_service_pb2_grpc.add_DirectoryServiceServicer_to_server(Directories(stager), server)
    project_service_pb2_grpc.add_ProjectServiceServicer_to_server(Projects(stager), server)
    place = f"127.0.0.1:{port}"
    port = server.add_secure_port(place, credentials) if credentials else server.add_insecure_port(place)
    server.start()
    return server, port
