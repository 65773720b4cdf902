"""What the clients do, as steps: which calls, in which order, and what to make of their answers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stager.v1 import credential_service_pb2, directory_service_pb2, job_pb2, job_service_pb2, project_service_pb2
from stager_credentials import CredentialError, SealingKey, parse_sealed

from stager_client.calls import Call, Steps, answer
from stager_client.convert import convert_submit_error
from stager_client.errors import (
    UNSEALABLE,
    InvalidRequestError,
    NotFoundError,
    ServerFaultError,
    StagerError,
    UnavailableError,
    Violation,
    WrongStateError,
)
from stager_client.job_states import has_ended, parse_outcome, parse_priority, parse_state
from stager_client.task_document import to_task

TaskLike = job_pb2.Task | Mapping[str, object]
"""A task as message or in its JSON form (`drPass drUser dstURL srcURL stagerUser stagerEmail timeout ...`)."""

MAX_TASKS: Final = 1000
MAX_BYTES: Final = 3 * 1024 * 1024
"""Of one SubmitMany; servers of gRPC take 4 MiB in a message."""


@dataclass
class KeyHolder:
    """The stager's sealing key, once it has been asked for."""

    key: SealingKey | None = None


@dataclass(frozen=True)
class Page:
    """A page of jobs.

    Attributes:
        jobs: Newest first.
        next_page_token: For the next page; empty on the last one.
        counts: How many jobs the user has in all, by state.
    """

    jobs: Sequence[job_pb2.Job]
    next_page_token: str
    counts: Mapping[job_pb2.JobState.ValueType, int]


def sealing_key(holder: KeyHolder, *, fresh: bool = False) -> Steps[SealingKey]:
    """Ask for the stager's key, or take the one that is there."""
    if holder.key is None or fresh:
        request = credential_service_pb2.GetSealingKeyRequest()
        response = yield from answer(Call(lambda stubs: stubs.credentials.GetSealingKey, request))
        try:
            holder.key = SealingKey.from_pem(response.key_id, response.public_key_pem)
        except CredentialError as error:
            raise ServerFaultError(f"the stager's sealing key can't be used: {error}") from error
    return holder.key


def seal(holder: KeyHolder, password: str, *, owner: str, dr_user: str, fresh: bool = False) -> Steps[str]:
    """Seal a clear password; one that is sealed already stays, and an empty one stays empty."""
    try:
        if not password:
            return ""
        if password.startswith("sealed:"):
            parse_sealed(password)
            return password
        key = yield from sealing_key(holder, fresh=fresh)
        return key.seal(password, owner=owner, dr_user=dr_user)
    except CredentialError as error:
        raise InvalidRequestError(
            "the password can't be sealed", violations=[Violation("drPass", str(error), UNSEALABLE)]
        ) from error


def submit(
    holder: KeyHolder, task: TaskLike, *, priority: str | None, request_id: str | None, validate_only: bool
) -> Steps[job_pb2.Job]:
    """Seal and submit; once more with a fresh key if the password's was refused."""
    clear = to_task(task)
    request = job_service_pb2.SubmitRequest(
        task=clear,
        priority=parse_priority(priority),
        request_id=request_id or new_request_id(),
        validate_only=validate_only,
    )
    yield from _seal_request(holder, request)
    call = Call(lambda stubs: stubs.jobs.Submit, request)
    try:
        return (yield from answer(call)).job
    except InvalidRequestError as error:
        retired = _is_about_password(error) and (
            yield from _is_retired(holder, [(clear.dr_pass, request.task.dr_pass)])
        )
        if not retired:
            raise
    request.task.CopyFrom(clear)
    yield from _seal_request(holder, request)
    return (yield from answer(call)).job


def submit_many(
    holder: KeyHolder,
    tasks: Iterable[TaskLike],
    *,
    priority: str | None,
    request_id: str | None,
    validate_only: bool = False,
) -> Steps[list[job_pb2.Job | StagerError]]:
    """Seal and submit, in as many calls as needed; each task is judged on its own.

    Those whose password was refused, since its key has been replaced meanwhile, are sealed with the new key and
    submitted once more.
    """
    base = request_id or new_request_id()
    outcomes: dict[int, job_pb2.Job | StagerError] = {}
    clear: dict[int, job_service_pb2.SubmitRequest] = {}
    for number, task in enumerate(tasks):
        try:
            clear[number] = job_service_pb2.SubmitRequest(
                task=to_task(task),
                priority=parse_priority(priority),
                request_id=f"{base}-{number}",
                validate_only=validate_only,
            )
        except InvalidRequestError as error:
            outcomes[number] = error
    taken, sealed = yield from _submit_round(holder, clear)
    outcomes |= taken
    refused = [number for number, outcome in taken.items() if number in sealed and _is_about_password(outcome)]
    if (yield from _is_retired(holder, [(clear[n].task.dr_pass, sealed[n]) for n in refused])):
        again, _ = yield from _submit_round(holder, {number: clear[number] for number in refused})
        outcomes |= again
    return [outcomes[number] for number in sorted(outcomes)]


def _submit_round(
    holder: KeyHolder, clear: Mapping[int, job_service_pb2.SubmitRequest]
) -> Steps[tuple[dict[int, job_pb2.Job | StagerError], dict[int, str]]]:
    """Seal and submit each once; what became of each by its number, and its password as it was sent."""
    outcomes: dict[int, job_pb2.Job | StagerError] = {}
    requests: list[tuple[int, job_service_pb2.SubmitRequest]] = []
    for number, unsealed in clear.items():
        request = job_service_pb2.SubmitRequest()
        request.CopyFrom(unsealed)
        try:
            yield from _seal_request(holder, request)
            requests.append((number, request))
        except InvalidRequestError as error:
            outcomes[number] = error
    for batch in _batches(requests):
        call = Call(
            lambda stubs: stubs.jobs.SubmitMany,
            job_service_pb2.SubmitManyRequest(requests=[request for _, request in batch]),
            patience=4.0,
        )
        try:
            results = (yield from answer(call)).results
            if len(results) != len(batch):
                raise ServerFaultError(f"the stager answered {len(results)} times for {len(batch)} tasks")
        except StagerError as error:
            # The others may have been taken: what happened to each has to be told.
            outcomes |= {number: error for number, _ in batch}
            continue
        for (number, _), result in zip(batch, results, strict=True):
            outcomes[number] = result.job if result.HasField("job") else convert_submit_error(result.error)
    return outcomes, {number: request.task.dr_pass for number, request in requests}


def _is_about_password(outcome: job_pb2.Job | StagerError) -> bool:
    return isinstance(outcome, InvalidRequestError) and any(fault.field == "drPass" for fault in outcome.violations)


def get(job_id: str) -> Steps[job_pb2.Job]:
    """One job."""
    return (yield from answer(Call(lambda stubs: stubs.jobs.Get, job_service_pb2.GetRequest(id=job_id)))).job


def list_page(  # noqa: PLR0913 - filters, each by its name
    *, states: Iterable[str], search: str, stager_user: str, page_size: int, page_token: str, counted: bool = True
) -> Steps[Page]:
    """A page of jobs."""
    request = job_service_pb2.JobServiceListRequest(
        stager_user=stager_user,
        states=[parse_state(name) for name in states],
        search=search,
        page_size=page_size,
        page_token=page_token,
        omit_counts=not counted,
    )
    response = yield from answer(Call(lambda stubs: stubs.jobs.List, request))
    return Page(list(response.jobs), response.next_page_token, {c.state: c.count for c in response.counts})


def stop(job_id: str) -> Steps[job_pb2.Job]:
    """Stop a job."""
    return (yield from answer(Call(lambda stubs: stubs.jobs.Stop, job_service_pb2.StopRequest(id=job_id)))).job


def restart(holder: KeyHolder, job_id: str, password: str) -> Steps[job_pb2.Job]:
    """Run a job again; a clear password is sealed for the job's own owner and account first."""
    sealed = ""
    if password:
        task = (yield from get(job_id)).task
        sealed = yield from seal(holder, password, owner=task.stager_user, dr_user=task.dr_user, fresh=True)
    request = job_service_pb2.RestartRequest(id=job_id, dr_pass=sealed)
    try:
        return (yield from answer(Call(lambda stubs: stubs.jobs.Restart, request))).job
    except WrongStateError as error:
        if error.attempts > 1:  # an earlier try may have done it, and only its answer was lost
            job = yield from get(job_id)
            if not has_ended(job):
                return job
        raise


def delete(job_id: str) -> Steps[None]:
    """Remove a job's record."""
    try:
        yield from answer(Call(lambda stubs: stubs.jobs.Delete, job_service_pb2.DeleteRequest(id=job_id)))
    except NotFoundError as error:
        if error.attempts == 1:  # else an earlier try has done it, and only its answer was lost
            raise


def list_directory(
    path: str, *, include_hidden: bool, stager_user: str, page_size: int, page_token: str
) -> Steps[directory_service_pb2.DirectoryServiceListResponse]:
    """A page of a directory of the project storage."""
    request = directory_service_pb2.DirectoryServiceListRequest(
        path=path,
        stager_user=stager_user,
        include_hidden=include_hidden,
        page_size=page_size,
        page_token=page_token,
    )
    return (yield from answer(Call(lambda stubs: stubs.directories.List, request)))


def report(
    job_id: str, *, outcomes: Iterable[str], page_size: int, page_token: str
) -> Steps[job_service_pb2.GetReportResponse]:
    """A page of what became of a job's files."""
    request = job_service_pb2.GetReportRequest(
        id=job_id, outcomes=[parse_outcome(name) for name in outcomes], page_size=page_size, page_token=page_token
    )
    return (yield from answer(Call(lambda stubs: stubs.jobs.GetReport, request)))


def log(job_id: str, size: int) -> Steps[job_service_pb2.GetLogResponse]:
    """The end of a job's log."""
    return (
        yield from answer(Call(lambda stubs: stubs.jobs.GetLog, job_service_pb2.GetLogRequest(id=job_id, bytes=size)))
    )


def free_space(path: str, stager_user: str) -> Steps[directory_service_pb2.GetFreeSpaceResponse]:
    """The room at a path of the project storage."""
    request = directory_service_pb2.GetFreeSpaceRequest(path=path, stager_user=stager_user)
    return (yield from answer(Call(lambda stubs: stubs.directories.GetFreeSpace, request)))


def resolve_collection(project: str) -> Steps[str]:
    """The collection of a project."""
    request = project_service_pb2.ResolveCollectionRequest(project=project)
    return (yield from answer(Call(lambda stubs: stubs.projects.ResolveCollection, request))).collection


def new_request_id() -> str:
    """Make an id for one intended submit."""
    return uuid.uuid4().hex


def _seal_request(holder: KeyHolder, request: job_service_pb2.SubmitRequest) -> Steps[None]:
    task = request.task
    task.dr_pass = yield from seal(holder, task.dr_pass, owner=task.stager_user, dr_user=task.dr_user)


def _is_retired(holder: KeyHolder, refused: Sequence[tuple[str, str]]) -> Steps[bool]:
    """Whether refused passwords, as they were given and as they were sent, were sealed here with a key of before."""
    sealed_here = [sent for given, sent in refused if given and not given.startswith("sealed:")]
    if not sealed_here:
        return False
    try:
        current = (yield from sealing_key(holder, fresh=True)).key_id
    except UnavailableError:
        return False
    return any(parse_sealed(sent) != current for sent in sealed_here)


def _batches(
    requests: list[tuple[int, job_service_pb2.SubmitRequest]],
) -> Iterable[list[tuple[int, job_service_pb2.SubmitRequest]]]:
    batch: list[tuple[int, job_service_pb2.SubmitRequest]] = []
    size = 0
    for number, request in requests:
        bytes_more = request.ByteSize() + 16
        if batch and (len(batch) == MAX_TASKS or size + bytes_more > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((number, request))
        size += bytes_more
    if batch:
        yield batch
