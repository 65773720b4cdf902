"""What an admin does in the real rq-dashboard: afterwards jobs are shown as they are, and workers keep to it."""

from __future__ import annotations

import base64
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from stager_jobs.errors import JobNotFoundError
from stager_jobs.job import ErrorClass, Job, JobError, NewJob, State
from stager_jobs.rq_store import RqJobInspector, RqJobQueue
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Lease, Order, Verdict
from stager_sandbox.redis_server import RedisServer

FAULT = JobError(ErrorClass.FATAL, "no_source", "There is no such folder.")


@pytest.fixture(scope="module")
def dashboard(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], None]]:
    """The admin service as a process; POSTs to a path of it."""
    folder = tmp_path_factory.mktemp("admin")
    config = folder / "admin.yml"
    password = PasswordHasher(1, 8, 1).hash("right")
    config.write_text(f"redis_url: {redis_server.url}\nport: 0\nusers:\n  root: {password}\n")
    program = Path(sys.executable).parent / "stager-admin"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([program, "--config", config], stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout
    address = process.stdout.readline().split()[1]
    headers = {
        "Authorization": f"Basic {base64.b64encode(b'root:right').decode()}",
        "Sec-Fetch-Site": "same-origin",
    }

    def post(path: str) -> None:
        request = urllib.request.Request(f"http://{address}/rq/{path}", method="POST", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    yield post
    process.terminate()
    process.wait(10)


@pytest.fixture
def submit(queue: RqJobQueue, new: Callable[..., NewJob]) -> Callable[..., str]:
    """Submits a job; its id."""

    def do(**more: str) -> str:
        (job,) = queue.submit([new(**more)])
        assert isinstance(job, Job)
        return job.id

    return do


Post = Callable[[str], None]


def test_requeue_of_one_and_of_all(
    dashboard: Post, submit: Callable[..., str], begin: Callable[[], Lease], inspector: RqJobInspector
) -> None:
    """Failed jobs are pending again, with their history; a worker takes them, and what they come to is shown."""
    ids = [submit(title=str(number)) for number in range(3)]
    for _ in ids:
        begin().finish(Verdict.FAIL, FAULT)
    dashboard(f"job/{ids[0]}/requeue")
    assert [inspector.get(job_id).state for job_id in ids] == [State.PENDING, State.FAILED, State.FAILED]
    dashboard("requeue/default")
    page = inspector.list("jan", states={State.PENDING})
    assert {job.id for job in page.jobs} == set(ids)
    assert dict(page.counts) == {State.PENDING: 3}
    begin().finish(Verdict.COMPLETE)
    found = inspector.get(ids[0])
    assert (found.state, [attempt.error for attempt in found.attempts]) == (State.COMPLETED, [FAULT, None])
    for _ in range(2):
        begin().finish(Verdict.FAIL, FAULT)
    assert dict(inspector.list("jan").counts) == {State.COMPLETED: 1, State.FAILED: 2}


def test_a_requeued_job_brings_no_credential_back(
    dashboard: Post, submit: Callable[..., str], begin: Callable[[], Lease], claims: Callable[..., Claims]
) -> None:
    """It was wiped; the worker finds none, and says so to whoever waits."""
    job_id = submit(dr_pass="sealed:v1:k:x")
    begin().finish(Verdict.FAIL, FAULT)
    dashboard(f"job/{job_id}/requeue")
    claim = claims().claim(QUEUES)
    assert claim
    assert (claim.job_id, claim.credential) == (job_id, "")


@pytest.mark.parametrize("registry", ["queued", "failed", "finished", "scheduled", "canceled"])
def test_empty(
    dashboard: Post,
    submit: Callable[..., str],
    begin: Callable[[], Lease],
    inspector: RqJobInspector,
    queue: RqJobQueue,
    claims: Callable[..., Claims],
    registry: str,
) -> None:
    """Those in the list are gone, from lists and counts as well; the others stay, and nothing is stuck."""
    ends = {"failed": Verdict.FAIL, "finished": Verdict.COMPLETE, "scheduled": Verdict.RETRY}
    gone = submit(title="gone")
    if verdict := ends.get(registry):
        begin().finish(verdict, FAULT)
    if registry == "canceled":
        queue.stop(gone)
    kept = submit(owner="ann") if registry == "queued" else submit(title="kept")
    if registry == "queued":
        queue.stop(kept)
    dashboard(f"queue/default/{registry}/empty")
    with pytest.raises(JobNotFoundError):
        inspector.get(gone)
    owner = "ann" if registry == "queued" else "jan"
    assert [job.id for job in inspector.list(owner).jobs] == [kept]
    assert sum(inspector.list("jan").counts.values()) == (0 if registry == "queued" else 1)
    claim = claims().claim(QUEUES)
    assert (claim and claim.job_id) == (None if registry == "queued" else kept)


def test_empty_of_running_jobs_ends_them(
    dashboard: Post, submit: Callable[..., str], begin: Callable[[], Lease], inspector: RqJobInspector
) -> None:
    """Their workers hear that the jobs are no longer theirs, and their end changes nothing any more."""
    job_id = submit()
    lease = begin()
    dashboard("queue/default/started/empty")
    lease.flush()
    assert lease.order is Order.LOST
    assert lease.finish(Verdict.COMPLETE) == "lost"
    with pytest.raises(JobNotFoundError):
        inspector.get(job_id)
    assert inspector.list("jan").jobs == ()


def test_delete_and_compact(
    dashboard: Post, submit: Callable[..., str], begin: Callable[[], Lease], inspector: RqJobInspector
) -> None:
    """A deleted job is gone wherever it stood; compacting a queue loses none and keeps the order."""
    ids = [submit(title=str(number)) for number in range(4)]
    dashboard(f"job/{ids[1]}/delete")
    dashboard("queue/default/compact")
    assert [job.id for job in inspector.list("jan").jobs] == [ids[3], ids[2], ids[0]]
    assert [begin()._claim.job_id for _ in range(3)] == [ids[0], ids[2], ids[3]]
