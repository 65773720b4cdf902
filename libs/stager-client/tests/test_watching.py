"""Following jobs while lines are cut, stagers go away and jobs vanish."""

from __future__ import annotations

import threading
import time
from typing import Any

import grpc
import pytest
from memory_stager import PASSWORD, QUICK, USER, Fault, MemoryStager, serve
from stager.v1 import job_pb2
from stager_client import (
    ClientSettings,
    NotFoundError,
    NotSignedInError,
    Retry,
    StagerClient,
    StagerError,
    UnavailableError,
    watching,
)


def test_events_come_once(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """What was told before a line was cut isn't told again after it; the loss is reported."""
    job = client.submit(task)
    lost: list[StagerError] = []
    seen = []
    stager.watch_rounds = 1
    for event in client.watch([job.id], on_lost=lost.append):
        seen.append((event.job.state, event.job.progress.files_transferred))
        if len(seen) == 1:
            threading.Timer(0.3, stager.change, [job.id, "active"], {"files_transferred": 1}).start()
        elif len(seen) == 2:
            stager.change(job.id, "completed")
    states = [state for state, _ in seen]
    assert states == [job_pb2.JOB_STATE_PENDING, job_pb2.JOB_STATE_ACTIVE, job_pb2.JOB_STATE_COMPLETED]
    assert len(lost) == 1
    assert stager.calls["Watch"] == 2


def test_only_the_rest_is_asked_for_again(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """After a reconnect jobs that have ended are not asked for any more."""
    first, second = client.submit(task), client.submit(task)
    stager.change(first.id, "completed")
    stager.watch_rounds = 1
    for event in client.watch([first.id, second.id], on_lost=lambda _error: stager.change(second.id, "failed")):
        assert not event.deleted
    assert stager.watch_ids == [[first.id, second.id], [second.id]]


def test_job_deleted_while_watched(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """A removed record is an event and the job's last one."""
    job = client.submit(task)
    events = []
    for event in client.watch([job.id]):
        events.append(event)
        if not event.deleted:
            stager.remove(job.id)
    assert [event.deleted for event in events] == [False, True]
    assert events[-1].job.id == job.id


def test_job_deleted_while_the_line_was_cut(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """A record that was removed unseen is told as deleted, and the other job is followed on."""
    gone, stays = client.submit(task), client.submit(task)
    stager.watch_rounds = 1

    def meanwhile(_error: StagerError) -> None:
        stager.remove(gone.id)
        stager.change(stays.id, "completed")

    last = {event.job.id: event for event in client.watch([gone.id, stays.id], on_lost=meanwhile)}
    assert last[gone.id].deleted
    assert last[stays.id].job.state == job_pb2.JOB_STATE_COMPLETED


def test_job_that_never_was(client: StagerClient, task: dict[str, Any]) -> None:
    """A wrong id is an error, not a deleted job."""
    job = client.submit(task)
    with pytest.raises(NotFoundError):
        list(client.watch([job.id, "nope"]))
    with pytest.raises(NotFoundError):
        client.wait("nope")


def test_wait_for_a_deleted_job(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """Waiting for a job that is deleted ends with an error."""
    job = client.submit(task)

    def remove() -> None:
        stager.wait_until_told()
        stager.remove(job.id)

    thread = threading.Thread(target=remove)
    thread.start()
    with pytest.raises(NotFoundError, match="deleted"):
        client.wait(job.id)
    thread.join()


def test_login_lost(stager: MemoryStager, address: str) -> None:
    """What another try can't help ends the watch at once."""
    with StagerClient(ClientSettings(address, token="wrong"), QUICK) as client, pytest.raises(NotSignedInError):
        next(client.watch(["x"]))
    assert stager.calls["Watch"] == 1


def test_patience_ends(client: StagerClient, stager: MemoryStager, task: dict[str, Any]) -> None:
    """A stager that stays away ends the watch once patience has run out."""
    job = client.submit(task)
    stager.faults["Watch"] = Fault(grpc.StatusCode.UNAVAILABLE, times=1000)
    with (
        StagerClient(client.settings, Retry(tries=2, first_delay=0.05, longest_delay=0.1, patience=0.5)) as hasty,
        pytest.raises(UnavailableError),
    ):
        list(hasty.watch([job.id]))
    assert stager.calls["Watch"] > 1


def test_stager_restarted(stager: MemoryStager, task: dict[str, Any]) -> None:
    """The stager is stopped and comes back on its port: the watch goes on."""
    server, port = serve(stager)
    with StagerClient(ClientSettings(f"127.0.0.1:{port}", user=USER, password=PASSWORD), QUICK) as client:
        job = client.submit(task)
        states = []
        second: list[grpc.Server] = []

        def back(_error: StagerError) -> None:
            if not second:
                stager.closing = False
                again, _ = serve(stager, port=port)
                second.append(again)
                stager.change(job.id, "completed")

        for event in client.watch([job.id], on_lost=back):
            states.append(event.job.state)
            if not second:
                stager.closing = True
                server.stop(0).wait(10)
        assert states == [job_pb2.JOB_STATE_PENDING, job_pb2.JOB_STATE_COMPLETED]
        second[0].stop(0).wait(10)


def test_silent_streams_are_asked_for_anew(
    client: StagerClient, stager: MemoryStager, task: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that reaches its time limit is opened again without a word; also where there is nothing to tell."""
    monkeypatch.setattr("stager_client.client.STREAM_SECONDS", 0.2)
    lost: list[StagerError] = []

    def submit() -> None:
        deadline = time.monotonic() + 60
        while stager.calls["Watch"] <= 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        client.submit(task)

    thread = threading.Thread(target=submit)
    thread.start()
    event = next(client.watch(on_lost=lost.append))
    thread.join()
    assert event.job.task.title == task["title"]
    assert stager.calls["Watch"] > 2
    assert lost == []


def test_outage_counts_from_the_first_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience is measured from the first loss, and anew after the stager was heard."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    outage = watching.Outage(Retry(first_delay=1.0, longest_delay=4.0, patience=10.0))
    error = UnavailableError("away")
    delays = []
    for now[0] in (0.0, 5.0, 10.0):
        delays.append(outage.wait(error))
    assert 0.5 <= delays[0] <= 1 <= delays[1] <= 2 <= delays[2] <= 4
    outage.over()
    now[0] = 11.0
    assert outage.wait(error) <= 1
    now[0] = 21.1
    with pytest.raises(UnavailableError):
        outage.wait(error)
