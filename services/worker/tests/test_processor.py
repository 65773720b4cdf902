"""One job at a time through the whole worker but its pool, with a process that speaks s-isync's protocol."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer
from stager_jobs.job import ErrorClass, Job, State
from stager_jobs.rq_store import RqJobInspector, RqJobQueue
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Mark
from stager_jobs.rules import Rules
from stager_worker.prctl import adopt_orphans
from stager_worker.processor import Processor
from stager_worker.settings import WorkerSettings
from stager_worker.stopping import Stopping

Submit = Callable[..., Job]


@pytest.fixture
def run_one(redis: Redis, settings: WorkerSettings) -> Callable[..., None]:
    """Claims the next job and runs it to its end."""

    def do(stopping: Stopping | None = None) -> None:
        claims = Claims(redis, Rules(), "w1", Mark())
        claim = claims.claim(QUEUES)
        assert claim
        Processor(settings, None, stopping or Stopping(), lambda _ended: None).run(claim, claims.lease(claim))

    return do


def test_complete_transfer(
    submit: Submit, run_one: Callable[[], None], inspector: RqJobInspector, settings: WorkerSettings
) -> None:
    """A transfer that reports all files ends the job as completed, with its progress and a report of each file."""
    job = submit("ok")
    run_one()
    found = inspector.get(job.id)
    assert (found.state, found.last_error) == (State.COMPLETED, None)
    assert (found.progress.files_total, found.progress.files_transferred) == (3, 3)
    assert found.progress.totals_final
    (line,) = (settings.log_directory / f"{job.id}.report.jsonl").read_text().splitlines()
    assert json.loads(line)["path"] == "a"


@pytest.mark.parametrize(
    ("behaviour", "state", "error_class", "code", "words"),
    [
        ("refused", State.FAILED, ErrorClass.FATAL, "login_refused", "refuses alice"),
        ("partial", State.RETRY, ErrorClass.PARTIAL, "partial", "1 of 3 files failed; the first: b: no."),
        ("liar", State.RETRY, ErrorClass.TRANSIENT, "unconfirmed", "every file"),
        ("mute", State.RETRY, ErrorClass.TRANSIENT, "unconfirmed", "every file"),
        ("crash", State.RETRY, ErrorClass.TRANSIENT, "killed", "SIGSEGV"),
    ],
)
def test_failures_by_class(
    submit: Submit,
    run_one: Callable[[], None],
    inspector: RqJobInspector,
    behaviour: str,
    state: State,
    error_class: ErrorClass,
    code: str,
    words: str,
) -> None:
    """Each way to fail has its class, its name and a sentence, and only fatal ones end the job."""
    job = submit(behaviour)
    run_one()
    found = inspector.get(job.id)
    assert found.state is state
    assert found.last_error
    assert (found.last_error.error_class, found.last_error.code) == (error_class, code)
    assert words in found.last_error.message


def test_log_tells_the_story(submit: Submit, run_one: Callable[[], None], settings: WorkerSettings) -> None:
    """A job's log says when an attempt began, what failed and why, and how it ended."""
    job = submit("partial")
    run_one()
    begun, failed, ended = (settings.log_directory / f"{job.id}.log").read_text().splitlines()
    assert "attempt 1 begins" in begun
    assert '"b" failed: b: no. (login_refused)' in failed
    assert "ends: retry; files: 2 transferred, 0 skipped, 1 failed, of 3" in ended


def test_garbage_is_survived(
    submit: Submit, run_one: Callable[[], None], inspector: RqJobInspector, settings: WorkerSettings
) -> None:
    """Whatever else stands on stdout, the events count, and stderr lands in the job's log."""
    job = submit("garbage")
    run_one()
    assert inspector.get(job.id).state is State.COMPLETED
    assert "a log line" in (settings.log_directory / f"{job.id}.log").read_text()


def test_stop_is_gentle_and_quick(
    submit: Submit,
    run_one: Callable[[], None],
    queue: RqJobQueue,
    inspector: RqJobInspector,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stopped job's process is gone before kindness ends, and so is what it had started."""
    monkeypatch.setattr("stager_worker.follow._KIND_SECONDS", 100.0)
    adopt_orphans()
    job = submit("family", folder / "mark")
    began = _later(lambda: queue.stop(job.id), folder / "mark")
    run_one()
    assert inspector.get(job.id).state is State.STOPPED
    assert time.monotonic() - began() < 30
    assert not Path(f"/proc/{(folder / 'mark').read_text().strip()}").exists()
    assert "sleep" not in _own_children()


def test_a_process_that_ignores_sigterm_is_killed(
    submit: Submit,
    run_one: Callable[[], None],
    queue: RqJobQueue,
    inspector: RqJobInspector,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Kindness has an end, after which the whole process group goes."""
    monkeypatch.setattr("stager_worker.follow._KIND_SECONDS", 1.0)
    job = submit("stubborn", folder / "mark")
    _later(lambda: queue.stop(job.id), folder / "mark")
    run_one()
    assert inspector.get(job.id).state is State.STOPPED


@pytest.mark.parametrize(("keys", "code"), [({"timeout": 1}, "timeout"), ({"timeout_noprogress": 1}, "no_progress")])
def test_deadlines(
    submit: Submit,
    run_one: Callable[[], None],
    inspector: RqJobInspector,
    folder: Path,
    keys: dict[str, int],
    code: str,
) -> None:
    """Either deadline ends the transfer; it may be tried again."""
    job = submit("silent", folder / "mark", **keys)
    run_one()
    found = inspector.get(job.id)
    assert found.state is State.RETRY
    assert found.last_error
    assert found.last_error.code == code


def test_work_of_the_zone_is_no_silence(
    submit: Submit, run_one: Callable[[], None], inspector: RqJobInspector, folder: Path
) -> None:
    """A checksum that takes longer than a transfer may be without progress."""
    job = submit("working", folder / "mark", timeout_noprogress=1)
    run_one()
    assert inspector.get(job.id).state is State.COMPLETED


def test_delete_of_a_running_job(
    submit: Submit, run_one: Callable[[], None], queue: RqJobQueue, redis: Redis, folder: Path
) -> None:
    """The transfer ends, then nothing of the job is left in Redis."""
    job = submit("slow", folder / "mark")
    _later(lambda: queue.delete(job.id), folder / "mark")
    run_one()
    assert [key for key in redis.scan_iter() if job.id.encode() in key] == []


def test_a_worker_that_ends_hands_its_job_back(
    submit: Submit, run_one: Callable[..., None], inspector: RqJobInspector, folder: Path
) -> None:
    """The job waits at the front of its queue, without a mark against it."""
    job = submit("slow", folder / "mark")
    stopping = Stopping()
    _later(lambda: stopping._take(0, None), folder / "mark")
    run_one(stopping)
    found = inspector.get(job.id)
    assert (found.state, found.last_error, found.max_attempts) == (State.PENDING, None, 6)


def test_jobs_that_cant_run_here_say_why(
    submit: Submit, run_one: Callable[[], None], inspector: RqJobInspector
) -> None:
    """No password, no keys: each a fatal error in words."""
    for keys, code in [
        ({"dr_user": "nobody-knows"}, "credential_missing"),
        ({"dr_pass": "sealed:v1:k:x"}, "no_keyring"),
    ]:
        job = submit("ok", **keys)
        run_one()
        found = inspector.get(job.id)
        assert found.last_error
        assert (found.state, found.last_error.code) == (State.FAILED, code)


def test_a_user_who_is_not_found_may_be_later(
    submit: Submit, run_one: Callable[[], None], inspector: RqJobInspector
) -> None:
    """A name service that is away can't be told from a user that is none: the job is tried again."""
    job = submit("ok", stager_user="no-such-user")
    run_one()
    found = inspector.get(job.id)
    assert found.last_error
    assert (found.state, found.last_error.code) == (State.RETRY, "no_user")


def test_a_report_that_never_ends_is_cut(
    submit: Submit, run_one: Callable[[], None], settings: WorkerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever steers a transfer can't fill the worker's disk; the last line says that there was more."""
    monkeypatch.setattr("stager_worker.report._LARGEST_REPORT", 200)
    job = submit("chatter")
    run_one()
    lines = [json.loads(line) for line in (settings.log_directory / f"{job.id}.report.jsonl").read_text().splitlines()]
    assert len(lines) < 5
    assert lines[0]["path"] == "a"
    assert lines[-1]["code"] == "report_full"


def test_a_requeue_lends_nobody_a_service_account(
    submit: Submit, run_one: Callable[[], None], redis: Redis, inspector: RqJobInspector
) -> None:
    """A job in a service account's name whose own password never fit is lent no other one by an admin's requeue."""
    job = submit("ok", dr_user="service", dr_pass="sealed:v1:k:x")
    run_one()
    assert inspector.get(job.id).state is State.FAILED
    RqJob.fetch(job.id, connection=redis, serializer=JSONSerializer).requeue()
    run_one()
    found = inspector.get(job.id)
    assert found.last_error
    assert (found.state, found.last_error.code) == (State.FAILED, "credential_missing")


def _later(act: Callable[[], object], mark: Path) -> Callable[[], float]:
    """Act once the transfer runs; returns when that was."""
    began: list[float] = []

    def wait_and_act() -> None:
        deadline = time.monotonic() + 20
        while not mark.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        began.append(time.monotonic())
        act()

    threading.Thread(target=wait_and_act, daemon=True).start()
    return lambda: began[0]


def _own_children() -> str:
    pids = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return " ".join(Path(f"/proc/{pid}/comm").read_text().strip() for pid in pids)
