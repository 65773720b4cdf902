"""What JobInspector promises: pages, counts, search, changes, and records that somebody has tampered with."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from redis import Redis
from stager_jobs.errors import DamagedRecordError, JobNotFoundError, StoreUnavailableError
from stager_jobs.job import FileFault, Job, NewJob, Priority, Progress, State
from stager_jobs.rq_store import RqJobInspector, RqJobQueue
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Verdict
from stager_jobs.rq_store.progress_text import encode_fault
from stager_jobs.rules import Rules
from stager_jobs.store import JobChange, Resync
from stager_redis import connect

New = Callable[..., NewJob]


def submit(queue: RqJobQueue, *jobs: NewJob) -> list[str]:
    """Submit jobs that must be taken; their ids."""
    return [outcome.id for outcome in queue.submit(jobs) if isinstance(outcome, Job)]


def test_pages_newest_first(queue: RqJobQueue, inspector: RqJobInspector, new: New) -> None:
    """Following the cursors gives each job once, newest first, and jobs that come meanwhile change nothing."""
    ids = submit(queue, *[new(title=str(number)) for number in range(25)])
    seen, cursor = [], ""
    while True:
        page = inspector.list("jan", cursor=cursor, size=10)
        seen += [job.id for job in page.jobs]
        submit(queue, new("jan", title="meanwhile"))
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == ids[::-1]


def test_filters(queue: RqJobQueue, inspector: RqJobInspector, new: New, claims: Callable[..., Claims]) -> None:
    """By state and by text in any case; the counts are of all."""
    submit(queue, *[new(title=f"Sub-{number:02}") for number in range(30)])
    worker = claims()
    claim = worker.claim(QUEUES)
    assert claim
    worker.lease(claim).finish(Verdict.COMPLETE)
    page = inspector.list("jan", states={State.COMPLETED})
    assert [job.id for job in page.jobs] == [claim.job_id]
    assert dict(page.counts) == {State.COMPLETED: 1, State.PENDING: 29}
    assert [job.task.title for job in inspector.list("jan", search="sUB-07").jobs] == ["Sub-07"]
    assert inspector.list("jan", counted=False).counts == {}
    assert inspector.list("jan", search="[x").jobs == ()


def test_owners_are_apart(queue: RqJobQueue, inspector: RqJobInspector, new: New) -> None:
    """A user sees nothing of those whose names begin alike: jan, jan.smith."""
    (one,), (two,) = submit(queue, new("jan")), submit(queue, new("jan.smith"))
    assert [job.id for job in inspector.list("jan").jobs] == [one]
    assert [job.id for job in inspector.list("jan.smith").jobs] == [two]


@pytest.mark.parametrize("cursor", ["x", "é", "AAAA", "bmFuIGE=", "MS4wIGEgYg=="])
def test_foreign_cursors(inspector: RqJobInspector, cursor: str) -> None:
    """A cursor that this store can't have given out is refused."""
    with pytest.raises(ValueError, match="cursor"):
        inspector.list("jan", cursor=cursor)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("data", b"nonsense"),
        ("data", b"x\x9c\x03\x00\x00\x00\x00\x01"),
        ("stager_progress", b"[[[["),
        ("stager_progress", b'{"files": [1]}'),
        ("stager_error", b'{"class": "bad"}'),
        ("stager_attempts", b"many"),
        ("stager_created", b"nan"),
        ("origin", b"elsewhere"),
        ("stager_owner", b"ann"),
        ("stager_attempts", b"99999999999999999999999"),
    ],
)
def test_damaged_records(
    queue: RqJobQueue, inspector: RqJobInspector, new: New, redis: Redis, field: str, value: bytes
) -> None:
    """A record that was tampered with is one clear error, and spoils no list."""
    bad, good = submit(queue, new(title="bad"), new(title="good"))
    redis.hset(f"rq:job:{bad}", field, value)
    with pytest.raises(DamagedRecordError, match=bad):
        inspector.get(bad)
    assert [job.id for job in inspector.list("jan").jobs] == [good]


def test_unknown_jobs(inspector: RqJobInspector) -> None:
    """One is an error, among many it is None."""
    with pytest.raises(JobNotFoundError):
        inspector.get("nothing")
    assert inspector.get_many(["nothing", "at-all"]) == [None, None]


def test_changes_are_told(
    queue: RqJobQueue, inspector: RqJobInspector, new: New, claims: Callable[..., Claims]
) -> None:
    """Submit, claim, progress, end and delete each come through the feed."""
    feed = inspector.changes()
    changes: list[JobChange] = []
    ready = threading.Event()

    def listen() -> None:
        for change in feed:
            ready.set()
            if isinstance(change, JobChange):
                changes.append(change)
                if change.deleted:
                    feed.close()

    thread = threading.Thread(target=listen)
    thread.start()
    assert ready.wait(30)
    (job_id,) = submit(queue, new())
    worker = claims()
    claim = worker.claim(QUEUES)
    assert claim
    lease = worker.lease(claim)
    lease.update(Progress(files_total=1))
    lease.flush()
    lease.finish(Verdict.COMPLETE)
    queue.delete(job_id)
    thread.join(30)
    assert not thread.is_alive()
    assert set(changes) == {JobChange(job_id, "jan"), JobChange(job_id, "jan", deleted=True)}
    assert len(changes) == 5


def test_redis_away_is_one_error(new: New) -> None:
    """Whatever is asked, the answer is StoreUnavailableError."""
    nowhere = connect("unix:///nonexistent/redis.sock")
    with pytest.raises(StoreUnavailableError):
        RqJobInspector(nowhere).get("x")
    with pytest.raises(StoreUnavailableError):
        RqJobQueue(nowhere).submit([new()])


def test_a_lost_subscription_is_told(inspector: RqJobInspector, redis: Redis) -> None:
    """Who listens hears when changes may have been missed, apart from a second without any."""
    feed = inspector.changes()
    heard = iter(feed)
    assert next(heard) == Resync()
    assert next(heard) is None
    redis.client_kill_filter(_type="pubsub")
    assert Resync() in [next(heard) for _ in range(4)]
    feed.close()


def test_reports_are_paged(
    queue: RqJobQueue, inspector: RqJobInspector, new: New, claims: Callable[..., Claims]
) -> None:
    """Each fault once and in order, though told twice; the counts of every attempt; more faults than are kept."""
    (job_id,) = submit(queue, new())
    worker = claims(rules=Rules(retry_delays=(0,)))
    claim = worker.claim(QUEUES)
    assert claim
    lease = worker.lease(claim)
    faults = [FileFault(f"dir/{number}", "EACCES", "It may not be read.") for number in range(1200)]
    lease.lists_files_in("host:/log/report")
    for number, fault in enumerate(faults):
        lease.fault(fault)
        if number == 500:
            lease.update(Progress(files_total=2000, files_failed=500, current=("dir/500",)))
            lease.flush()
    lease._faults_told, told = 0, lease._faults_told
    lease._faults = [encode_fault(fault) for fault in faults[:told]] + lease._faults
    lease.update(Progress(files_total=2000, files_failed=1200))
    lease.finish(Verdict.RETRY)
    seen, cursor = [], ""
    while True:
        page = inspector.report(job_id, cursor=cursor, size=300)
        seen += page.faults
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == faults[:1000]
    assert (page.faults_total, page.faults_kept, page.full_list) == (1200, 1000, "host:/log/report")
    assert page.job.attempts[0].progress == Progress(files_total=2000, files_failed=1200)
    again = worker.claim(QUEUES)
    assert again
    fresh = inspector.report(job_id)
    assert (fresh.faults, fresh.faults_total) == ((), 0)
    worker.lease(again).finish(Verdict.COMPLETE)
    queue.delete(job_id)
    with pytest.raises(JobNotFoundError):
        inspector.report(job_id)


@pytest.mark.parametrize("cursor", ["x", "-1", "²", "99999999999"])
def test_foreign_report_cursors(queue: RqJobQueue, inspector: RqJobInspector, new: New, cursor: str) -> None:
    """They are refused, too."""
    (job_id,) = submit(queue, new())
    with pytest.raises(ValueError, match="cursor"):
        inspector.report(job_id, cursor=cursor)


def test_figures(queue: RqJobQueue, inspector: RqJobInspector, new: New, claims: Callable[..., Claims]) -> None:
    """Depths by queue, whose jobs run, how long the first waits; a gauge for each."""
    submit(queue, *[new(title=str(number)) for number in range(4)], new("ann", priority="low"), new("ann"))
    workers = [claims(f"w{number}") for number in range(3)]
    held = [worker.claim(QUEUES) for worker in workers]
    assert held[0]
    workers[0].lease(held[0]).finish(Verdict.RETRY)
    figures = inspector.figures()
    assert figures.waiting == {Priority.CRITICAL: 0, Priority.DEFAULT: 2, Priority.LOW: 1}
    assert figures.delayed[Priority.DEFAULT] == 1
    assert figures.active[Priority.DEFAULT] == 2
    assert figures.active_owners == 1
    assert 0 < figures.seconds_in_line[Priority.LOW] < 60
    assert figures.seconds_in_line[Priority.CRITICAL] == 0
    depths = {gauge.labels["queue"]: gauge.value for gauge in figures.gauges() if "waiting" in gauge.name}
    assert depths == {"critical": 0, "default": 2, "low": 1}
