"""The SDK against a real gRPC server."""

from __future__ import annotations

import threading
import time
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from memory_stager import QUICK, TOKEN, Fault, MemoryStager
from stager.v1 import job_pb2
from stager_client import (
    ClientSettings,
    InvalidRequestError,
    Job,
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    RequestIdTakenError,
    ServerFaultError,
    StagerClient,
    StagerError,
    TimedOutError,
    UnavailableError,
    WrongStateError,
)
from stager_client.errors import UNSEALABLE

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


def test_submit_seals_the_password(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """The clear password doesn't travel; the worker's key opens what does, for this owner and account."""
    job = client.submit(task)
    assert stager.passwords == {job.id: "S3cret-päss"}
    assert job.task.dr_pass == ""
    assert job.task.timeout == 86400
    assert job.task.HasField("timeout_noprogress")
    assert task["drPass"] == "S3cret-päss"  # the caller's own document is left alone


def test_sealed_password_stays(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """A password that is sealed already is sent as it is."""
    task["drPass"] = client.seal("other", owner="jan", dr_user="jan@ru.nl")
    assert stager.passwords.get(client.submit(task).id) == "other"


def test_no_password_stays_none(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """Without a password (a service account) nothing is sealed and no key is asked for."""
    del task["drPass"]
    client.submit(task)
    assert stager.passwords == {}
    assert stager.calls["GetSealingKey"] == 0


def test_bad_sealed_password_does_not_leave(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """Something that looks sealed and isn't is refused here: it may be a damaged secret."""
    task["drPass"] = "sealed:v0:one:AAAA"
    with pytest.raises(InvalidRequestError) as caught:
        client.submit(task)
    assert [(fault.field, fault.reason) for fault in caught.value.violations] == [("drPass", UNSEALABLE)]
    assert stager.calls["Submit"] == 0


def test_retired_key_is_replaced(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """Where the key was rotated meanwhile, the client asks again and the submit goes through."""
    client.submit(task)
    stager.current_key = "two"
    job = client.submit(task)
    assert stager.passwords[job.id] == "S3cret-päss"
    assert stager.calls["GetSealingKey"] == 2


@pytest.mark.parametrize("code", [UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED])
def test_lost_answer_makes_no_second_job(
    client: StagerClient, stager: MemoryStager, task: dict[str, Any], code: grpc.StatusCode
) -> None:
    """The job is made and its answer lost: the next try finds that job."""
    stager.faults["Submit"] = Fault(code, times=2, answer_lost=True)
    job = client.submit(task)
    assert list(stager.jobs) == [job.id]
    assert stager.calls["Submit"] == 3


def test_lost_answers_of_many_make_no_second_jobs(
    client: StagerClient, stager: MemoryStager, task: dict[str, Any]
) -> None:
    """The same for a list of tasks."""
    stager.faults["SubmitMany"] = Fault(UNAVAILABLE, answer_lost=True)
    outcomes = client.submit_many([task, task, task])
    assert [outcome.id for outcome in outcomes if isinstance(outcome, Job)] == list(stager.jobs)
    assert len(stager.jobs) == 3


def test_own_request_id(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """The caller's own id gives the same job for the same task, and an error for another."""
    task["drPass"] = client.seal("x", owner="jan", dr_user="jan@ru.nl")
    assert client.submit(task, request_id="r1").id == client.submit(task, request_id="r1").id
    with pytest.raises(RequestIdTakenError):
        client.submit(task | {"title": "other"}, request_id="r1")
    assert len(stager.jobs) == 1


def test_tries_come_to_an_end(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """A stager that stays away is an error after the tries, of a class of this package."""
    stager.faults["Submit"] = Fault(UNAVAILABLE, times=100)
    with pytest.raises(UnavailableError) as caught:
        client.submit(task)
    assert caught.value.attempts == QUICK.tries == stager.calls["Submit"]
    assert caught.value.transient


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, NotAllowedError),
        (grpc.StatusCode.NOT_FOUND, NotFoundError),
        (grpc.StatusCode.UNAUTHENTICATED, NotSignedInError),
        (grpc.StatusCode.FAILED_PRECONDITION, WrongStateError),
        (grpc.StatusCode.INTERNAL, ServerFaultError),
        (grpc.StatusCode.UNIMPLEMENTED, ServerFaultError),
        (grpc.StatusCode.DATA_LOSS, ServerFaultError),
    ],
)
def test_other_errors_are_not_tried_again(
    client: StagerClient, stager: MemoryStager, code: grpc.StatusCode, expected: type[StagerError]
) -> None:
    """What another try can't help is reported at once, by the class for its status code."""
    stager.faults["Get"] = Fault(code, times=100)
    with pytest.raises(expected):
        client.get("x")
    assert stager.calls["Get"] == 1


def test_every_status_code_has_a_class(client: StagerClient, stager: MemoryStager) -> None:
    """Whatever code a server sends, the caller meets a StagerError."""
    for code in grpc.StatusCode:
        if code is not grpc.StatusCode.OK:
            stager.faults["Get"] = Fault(code, times=100)
            with pytest.raises(StagerError):
                client.get("x")


def test_violations_come_all_at_once(client: StagerClient, stager: MemoryStager) -> None:
    """Every fault that the stager finds is in the error."""
    with pytest.raises(InvalidRequestError) as caught:
        client.submit({"title": "t", "timeout": -1, "srcURL": "/a/../b"})
    fields = {violation.field for violation in caught.value.violations}
    assert fields == {"drUser", "dstURL", "stagerUser", "timeout", "srcURL"}
    assert stager.jobs == {}


def test_validate_makes_no_job(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """Judging a task leaves nothing behind."""
    client.validate(task)
    with pytest.raises(InvalidRequestError):
        client.validate(task | {"title": ""})
    assert stager.jobs == {}


def test_many_are_judged_each(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """Bad ones among many don't hold up the good ones, and each outcome stands in its place."""
    outcomes = client.submit_many([task, {"tilte": "x"}, task | {"title": ""}, task | {"stagerUser": "eve"}, task])
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Job, InvalidRequestError, InvalidRequestError, NotAllowedError, Job]
    assert len(stager.jobs) == 2


def test_many_go_in_batches(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """More tasks, or more bytes, than one message takes are sent in several."""
    del task["drPass"]
    assert len(client.submit_many([task] * 1001)) == 1001
    assert stager.calls["SubmitMany"] == 2
    long = task | {"srcURL": "/" + "x" * 4000}
    assert all(isinstance(outcome, Job) for outcome in client.submit_many([long] * 900))
    assert stager.calls["SubmitMany"] == 4


def test_many_with_a_batch_lost(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """Where a batch fails for good, each of its tasks says so, and the others keep their jobs."""
    del task["drPass"]
    stager.faults["SubmitMany"] = Fault(grpc.StatusCode.RESOURCE_EXHAUSTED, times=1)
    outcomes = client.submit_many([task] * 1001)
    assert [isinstance(outcome, Job) for outcome in outcomes] == [False] * 1000 + [True]


def test_login(address: str) -> None:
    """A token does; no login or a wrong one is NotSignedInError."""
    with StagerClient(ClientSettings(address, token=TOKEN)) as client:
        assert list(client.jobs()) == []
    for login in ({}, {"token": "wrong"}, {"user": "jan", "password": TOKEN}):
        with StagerClient(ClientSettings(address, **login)) as client, pytest.raises(NotSignedInError):  # type: ignore[arg-type]
            client.list_page()


def test_time_limit(stager: MemoryStager, address: str) -> None:
    """A stager that accepts the call and says nothing is a TimedOutError after the time limit and the tries."""
    with (
        StagerClient(ClientSettings(address, token=TOKEN, timeout=0.2), QUICK) as client,
        stager.changed,  # whoever wants to see a job waits
    ):
        started = time.monotonic()
        with pytest.raises(TimedOutError):
            client.get("x")
    assert 0.5 < time.monotonic() - started < 5


def test_nobody_there() -> None:
    """Nothing listens there: said with the address, within the tries."""
    with (
        StagerClient(ClientSettings("127.0.0.1:1"), QUICK) as client,
        pytest.raises(UnavailableError, match=":1 can't"),
    ):
        client.resolve_collection("x")


def test_list_and_pages(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """Jobs come newest first over all pages; filters and counts work."""
    del task["drPass"]
    client.submit_many([task | {"title": f"t{n}"} for n in range(450)])
    jobs = list(client.jobs())
    assert [job.task.title for job in jobs] == [f"t{n}" for n in reversed(range(450))]
    stager.change("job-7", "failed")
    assert [job.id for job in client.jobs(states=["failed"])] == ["job-7"]
    page = client.list_page(search="t44", page_size=2)
    assert len(page.jobs) == 2
    assert page.next_page_token
    assert page.counts == {job_pb2.JOB_STATE_PENDING: 449, job_pb2.JOB_STATE_FAILED: 1}
    with pytest.raises(InvalidRequestError, match="no state"):
        client.list_page(states=["done"])


def test_stop_restart_delete(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """The life of a job by hand; a restart takes a fresh password and seals it for the job's owner and account."""
    job = client.submit(task)
    assert client.stop(job.id).state == job_pb2.JOB_STATE_STOPPED
    assert client.stop(job.id).state == job_pb2.JOB_STATE_STOPPED
    with pytest.raises(WrongStateError, match="password"):
        client.restart(job.id)
    assert client.restart(job.id, password="fresh").state == job_pb2.JOB_STATE_PENDING
    assert stager.passwords[job.id] == "fresh"
    client.delete(job.id)
    with pytest.raises(NotFoundError):
        client.delete(job.id)


def test_lost_answers_of_stop_restart_delete(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """What was done by a try whose answer was lost counts as done."""
    del task["drPass"]
    job = client.submit(task)
    for method in ("Stop", "Restart", "Delete"):
        stager.faults[method] = Fault(UNAVAILABLE, answer_lost=True)
    assert client.stop(job.id).state == job_pb2.JOB_STATE_STOPPED
    assert client.restart(job.id).state == job_pb2.JOB_STATE_PENDING
    client.delete(job.id)
    assert stager.jobs == {}


def test_directory_and_project(client: StagerClient) -> None:
    """A directory comes over all its pages, a project gives its collection; refusals are told apart."""
    assert [entry.name for entry in client.list_directory("/project/x")] == ["link", "raw", "red\x1b[31m"]
    assert len(list(client.list_directory("/project/x", include_hidden=True))) == 4
    with pytest.raises(NotAllowedError):
        list(client.list_directory("/root"))
    assert client.resolve_collection("3010000.01") == "/nl.ru.donders/di/dccn/DAC_3010000.01_173"
    with pytest.raises(NotFoundError):
        client.resolve_collection("9")


def test_wait(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """Waiting returns the job once it has ended, also where the line was cut meanwhile."""
    job = client.submit(task)
    stager.watch_rounds = 1
    timer = threading.Timer(0.3, stager.change, [job.id, "completed"])
    timer.start()
    assert client.wait(job.id).state == job_pb2.JOB_STATE_COMPLETED
    timer.join()
    assert stager.calls["Watch"] == 2


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(
    document=st.dictionaries(
        st.sampled_from(["title", "drUser", "drPass", "srcURL", "stagerUser", "timeout", "bad"]) | st.text(max_size=5),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(st.characters(categories=None))
        | st.lists(st.text()),
    )
)
def test_any_document_is_judged(client: StagerClient, document: dict[str, Any]) -> None:
    """Whatever stands in a task, the caller meets a job or an error of this package that names faults."""
    with pytest.raises((InvalidRequestError, NotAllowedError)) as caught:  # there is never a dstURL
        client.validate(document)
    assert caught.value.violations or isinstance(caught.value, NotAllowedError)


def test_with_token(address: str, client: StagerClient, task: dict[str, Any]) -> None:
    """One connection serves several callers, each with a token of their own."""
    with StagerClient(ClientSettings(address, timeout=10), QUICK) as nobody:
        with pytest.raises(NotSignedInError):
            nobody.list_page()
        with pytest.raises(NotSignedInError):
            nobody.with_token("wrong").list_page()
        job = client.submit(task)
        assert [found.id for found in nobody.with_token(TOKEN).list_page().jobs] == [job.id]
        with pytest.raises(NotSignedInError):
            nobody.list_page()
