"""JobService, as clients meet it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from api_harness import (
    JAN,
    PIET,
    SECONDS,
    STREAMER,
    Api,
    MakeTask,
    RedisServer,
    Submit,
    Users,
    code,
    login,
    needs_root,
    refused,
    start_api,
    violations,
)
from grpc import StatusCode
from redis import Redis
from stager.v1 import job_pb2
from stager.v1 import job_service_pb2 as pb
from stager_jobs.job import ErrorClass, JobError, Progress
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Lease, Mark, Verdict
from stager_jobs.rules import Rules

TakeLease = Callable[[], Lease]

SOON = 5.0
"""Seconds. The contract promises one, which tests/bench/bench_running.py measures where nothing else runs."""


@pytest.fixture
def lease(redis: Redis) -> TakeLease:
    """A worker's hold on the job that waits first, taken when asked."""
    claims = Claims(redis, Rules(), "w1", Mark())

    def take() -> Lease:
        claim = claims.claim(QUEUES)
        assert claim
        return claims.lease(claim)

    return take


def get(api: Api, job_id: str, metadata: list[tuple[str, str]] = JAN) -> job_pb2.Job:
    """One job."""
    return api.jobs.Get(pb.GetRequest(id=job_id), metadata=metadata, timeout=SECONDS).job


def test_submitted_job_is_stored_as_asked_and_shows_no_password(api: Api, submit: Submit, users: Users) -> None:
    """Every field comes back but for the credential; absent timeouts have become the defaults."""
    job = submit(stager_email="jan@ru.nl", timeout=0)
    assert get(api, job.id) == job
    assert job.state == job_pb2.JOB_STATE_PENDING
    assert job.task.dr_pass == ""
    assert (job.task.title, job.task.timeout, job.task.timeout_noprogress) == ("scans", 0, 3600)
    assert (job.submitted_by, job.task.stager_user) == ("service:jan", users.jan)


def test_every_fault_of_a_task_comes_at_once(api: Api) -> None:
    """A bad document is INVALID_ARGUMENT with a violation for each key."""
    bad = job_pb2.Task(
        title="a\nb", dr_user="", dr_pass="clear", src_url="project", dst_url="/x/../y", stager_email="me", timeout=-1
    )
    error = refused(lambda: api.jobs.Submit(pb.SubmitRequest(task=bad), metadata=JAN, timeout=SECONDS))
    assert error.code() is StatusCode.INVALID_ARGUMENT
    assert set(violations(error)) == {
        "title", "drUser", "drPass", "srcURL", "dstURL", "stagerUser", "stagerEmail", "timeout"
    }  # fmt: skip
    assert "clear password" in violations(error)["drPass"]


def test_validate_only_makes_no_job(api: Api, task: MakeTask, redis: Redis) -> None:
    """The answer has no id and Redis stays empty."""
    request = pb.SubmitRequest(task=task(), validate_only=True)
    assert api.jobs.Submit(request, metadata=JAN, timeout=SECONDS).job.id == ""
    assert not list(redis.scan_iter("rq:job:*"))


def test_many_are_judged_each_on_its_own(api: Api, task: MakeTask, users: Users) -> None:
    """Good ones get a job, bad ones what Submit would have said."""
    requests = [
        pb.SubmitRequest(task=task()),
        pb.SubmitRequest(task=task(title="")),
        pb.SubmitRequest(task=task(stager_user=users.piet)),
        pb.SubmitRequest(task=task(title="last")),
    ]
    answer = api.jobs.SubmitMany(pb.SubmitManyRequest(requests=requests), metadata=JAN, timeout=SECONDS)
    first, second, third, fourth = answer.results
    assert (first.job.task.title, fourth.job.task.title) == ("scans", "last")
    assert second.error.code == StatusCode.INVALID_ARGUMENT.value[0]
    assert [fault.field for fault in second.error.violations] == ["title"]
    assert third.error.code == StatusCode.PERMISSION_DENIED.value[0]


def test_none_or_too_many_tasks_are_refused(api: Api) -> None:
    """1 to 1000 go at a time."""
    for requests in ([], [pb.SubmitRequest()] * 1001):
        many = pb.SubmitManyRequest(requests=requests)
        error = refused(lambda many=many: api.jobs.SubmitMany(many, metadata=JAN, timeout=SECONDS))
        assert set(violations(error)) == {"requests"}


def test_repeat_of_a_request_id_returns_the_same_job(api: Api, task: MakeTask) -> None:
    """Also freshly sealed; with another task it is ALREADY_EXISTS."""
    first, again = (
        api.jobs.Submit(pb.SubmitRequest(task=task(), request_id="r1"), metadata=JAN, timeout=SECONDS).job
        for _ in range(2)
    )
    assert first.id == again.id
    other = pb.SubmitRequest(task=task(title="other"), request_id="r1")
    assert code(lambda: api.jobs.Submit(other, metadata=JAN, timeout=SECONDS)) is StatusCode.ALREADY_EXISTS


def test_someone_elses_job_is_not_found_whatever_one_does(api: Api, submit: Submit) -> None:
    """Fault 8 of the originals: nothing tells it apart from a job that doesn't exist."""
    job = submit()
    for job_id in (job.id, "nosuchjob", "../x", ""):
        for call in (
            lambda i=job_id: get(api, i, PIET),
            lambda i=job_id: api.jobs.Stop(pb.StopRequest(id=i), metadata=PIET, timeout=SECONDS),
            lambda i=job_id: api.jobs.Restart(pb.RestartRequest(id=i), metadata=PIET, timeout=SECONDS),
            lambda i=job_id: api.jobs.Delete(pb.DeleteRequest(id=i), metadata=PIET, timeout=SECONDS),
            lambda i=job_id: list(api.jobs.Watch(pb.WatchRequest(ids=[i]), metadata=PIET, timeout=SECONDS)),
        ):
            assert code(call) is StatusCode.NOT_FOUND
    assert get(api, job.id).state == job_pb2.JOB_STATE_PENDING


def test_owners_are_whole_names(api: Api, submit: Submit, users: Users) -> None:
    """A user whose name begins like another's sees nothing of theirs."""
    submit()
    empty = api.jobs.List(pb.JobServiceListRequest(stager_user=users.jan + "x"), metadata=login("everybody"))
    assert not empty.jobs
    denied = pb.JobServiceListRequest(stager_user=users.jan[:-1])
    assert code(lambda: api.jobs.List(denied, metadata=JAN, timeout=SECONDS)) is StatusCode.PERMISSION_DENIED


def test_list_pages_filters_and_counts(api: Api, submit: Submit, users: Users) -> None:
    """Newest first, page by page; counts are of all jobs whatever the filter."""
    ids = [submit(title=f"scan {number}").id for number in range(5)]
    submit(PIET, stager_user=users.piet)
    api.jobs.Stop(pb.StopRequest(id=ids[0]), metadata=JAN, timeout=SECONDS)
    found, token = [], ""
    while True:
        page = api.jobs.List(pb.JobServiceListRequest(page_size=2, page_token=token), metadata=JAN, timeout=SECONDS)
        found += [job.id for job in page.jobs]
        token = page.next_page_token
        if not token:
            break
    assert found == ids[::-1]
    assert {count.state: count.count for count in page.counts} == {
        job_pb2.JOB_STATE_PENDING: 4,
        job_pb2.JOB_STATE_STOPPED: 1,
    }
    stopped = pb.JobServiceListRequest(states=[job_pb2.JOB_STATE_STOPPED])
    assert [job.id for job in api.jobs.List(stopped, metadata=JAN).jobs] == ids[:1]
    assert [job.id for job in api.jobs.List(pb.JobServiceListRequest(search="SCAN 3"), metadata=JAN).jobs] == ids[3:4]


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (pb.JobServiceListRequest(page_size=201), {"page_size"}),
        (pb.JobServiceListRequest(page_size=-1, search="x" * 201), {"page_size", "search"}),
        (pb.JobServiceListRequest(states=[0]), {"states"}),
        (pb.JobServiceListRequest(page_token="nonsense"), {"page_token"}),
        (pb.JobServiceListRequest(stager_user="-rf /"), {"stager_user"}),
    ],
)
def test_bad_list_requests_name_the_field(api: Api, request_: pb.JobServiceListRequest, fields: set[str]) -> None:
    """INVALID_ARGUMENT, with the field at fault."""
    error = refused(lambda: api.jobs.List(request_, metadata=JAN, timeout=SECONDS))
    assert set(violations(error)) == fields


def test_service_for_several_users_has_to_say_which(api: Api, submit: Submit, users: Users) -> None:
    """It sees the jobs of all users that its entry lists."""
    job = submit()
    error = refused(lambda: api.jobs.List(pb.JobServiceListRequest(), metadata=STREAMER, timeout=SECONDS))
    assert set(violations(error)) == {"stager_user"}
    listed = api.jobs.List(pb.JobServiceListRequest(stager_user=users.jan), metadata=STREAMER, timeout=SECONDS)
    assert [found.id for found in listed.jobs] == [job.id]


def test_service_account_is_for_those_whose_entry_names_it(api: Api, task: MakeTask) -> None:
    """Without drPass, drUser has to be among the caller's service accounts."""
    request = pb.SubmitRequest(task=task(dr_user="dccn-streamer", dr_pass=""))
    assert api.jobs.Submit(request, metadata=STREAMER, timeout=SECONDS).job.submitted_by == "service:streamer"
    assert code(lambda: api.jobs.Submit(request, metadata=JAN, timeout=SECONDS)) is StatusCode.PERMISSION_DENIED
    other = pb.SubmitRequest(task=task(dr_user="another", dr_pass=""))
    assert code(lambda: api.jobs.Submit(other, metadata=STREAMER, timeout=SECONDS)) is StatusCode.PERMISSION_DENIED


def test_restart_with_the_service_account_needs_the_right_to_it(api: Api, submit: Submit) -> None:
    """The owner of a job that ran with a service account can't run it again with that account."""
    job = submit(STREAMER, dr_user="dccn-streamer", dr_pass="")
    api.jobs.Stop(pb.StopRequest(id=job.id), metadata=JAN, timeout=SECONDS)
    restart = pb.RestartRequest(id=job.id)
    assert code(lambda: api.jobs.Restart(restart, metadata=JAN, timeout=SECONDS)) is StatusCode.FAILED_PRECONDITION
    again = api.jobs.Restart(restart, metadata=STREAMER, timeout=SECONDS).job
    assert (again.id, again.state) == (job.id, job_pb2.JOB_STATE_PENDING)


@needs_root
@pytest.mark.root
def test_root_and_system_accounts_only_by_name(api: Api, task: MakeTask) -> None:
    """`*` lets a service act as people; root has to stand in its entry."""
    for user, caller, expected in (
        ("root", "everybody", StatusCode.PERMISSION_DENIED),
        ("daemon", "everybody", StatusCode.PERMISSION_DENIED),
        ("nobody", "everybody", StatusCode.PERMISSION_DENIED),
        ("daemon", "roots", StatusCode.PERMISSION_DENIED),
    ):
        request = pb.SubmitRequest(task=task(stager_user=user))
        assert code(lambda r=request, c=caller: api.jobs.Submit(r, metadata=login(c), timeout=SECONDS)) is expected
    as_root = pb.SubmitRequest(task=task(stager_user="root"))
    assert api.jobs.Submit(as_root, metadata=login("roots"), timeout=SECONDS).job.id


def test_user_without_an_account_is_a_fault_of_the_task(api: Api, task: MakeTask) -> None:
    """The violation names stagerUser."""
    request = pb.SubmitRequest(task=task(stager_user="nosuchuser"))
    error = refused(lambda: api.jobs.Submit(request, metadata=login("everybody"), timeout=SECONDS))
    assert set(violations(error)) == {"stagerUser"}


def test_stop_restart_delete_follow_the_contract(
    api: Api, submit: Submit, users: Users, seal: Callable[..., str]
) -> None:
    """Stop is safe to repeat; restart needs a fresh password; delete leaves nothing."""
    job = submit()
    running = pb.RestartRequest(id=job.id, dr_pass=seal(users.jan))
    assert code(lambda: api.jobs.Restart(running, metadata=JAN, timeout=SECONDS)) is StatusCode.FAILED_PRECONDITION
    for _ in range(2):
        stopped = api.jobs.Stop(pb.StopRequest(id=job.id), metadata=JAN, timeout=SECONDS).job
        assert stopped.state == job_pb2.JOB_STATE_STOPPED
    bare = pb.RestartRequest(id=job.id)
    assert code(lambda: api.jobs.Restart(bare, metadata=JAN, timeout=SECONDS)) is StatusCode.FAILED_PRECONDITION
    clear = pb.RestartRequest(id=job.id, dr_pass="secret")
    assert set(violations(refused(lambda: api.jobs.Restart(clear, metadata=JAN, timeout=SECONDS)))) == {"drPass"}
    again = api.jobs.Restart(running, metadata=JAN, timeout=SECONDS).job
    assert (again.id, again.state) == (job.id, job_pb2.JOB_STATE_PENDING)
    api.jobs.Delete(pb.DeleteRequest(id=job.id), metadata=JAN, timeout=SECONDS)
    assert code(lambda: get(api, job.id)) is StatusCode.NOT_FOUND


def test_watch_shows_a_job_to_its_end_soon_after_each_change(api: Api, submit: Submit, lease: TakeLease) -> None:
    """First as it stands, then active, its progress, its end; then the stream ends by itself."""
    job = submit()
    stream = api.jobs.Watch(pb.WatchRequest(ids=[job.id, job.id]), metadata=JAN, timeout=SECONDS)
    first = next(stream)
    assert (first.change, first.job) == (pb.WatchResponse.CHANGE_CURRENT, job)
    held = lease()
    began = time.monotonic()
    assert next(stream).job.state == job_pb2.JOB_STATE_ACTIVE
    assert time.monotonic() - began < SOON
    held.update(Progress(files_total=10, files_transferred=4, bytes_total=100, bytes_transferred=40))
    held.flush()
    began = time.monotonic()
    assert next(stream).job.progress.files_transferred == 4
    assert time.monotonic() - began < SOON
    held.finish(Verdict.FAIL, JobError(ErrorClass.FATAL, "login_refused", "The repository refuses the login."))
    last = list(stream)[-1].job
    assert (last.state, last.last_error.code) == (job_pb2.JOB_STATE_FAILED, "login_refused")
    assert last.last_error.error_class == job_pb2.ERROR_CLASS_FATAL


def test_watch_of_all_shows_new_jobs_and_deletions_and_nobody_elses(api: Api, submit: Submit, users: Users) -> None:
    """It goes on until the caller hangs up."""
    old = submit()
    stream = api.jobs.Watch(pb.WatchRequest(), metadata=JAN, timeout=SECONDS)
    assert next(stream).job.id == old.id
    submit(PIET, stager_user=users.piet)
    new = submit(title="new")
    assert next(stream).job.id == new.id
    api.jobs.Delete(pb.DeleteRequest(id=old.id), metadata=JAN, timeout=SECONDS)
    seen = next(stream)
    while seen.change != pb.WatchResponse.CHANGE_DELETED:
        seen = next(stream)
    assert seen.job == job_pb2.Job(id=old.id)
    stream.cancel()


def test_watchers_are_many_at_once(api: Api, submit: Submit) -> None:
    """A hundred streams of one client see the same end."""
    job = submit()
    streams = [api.jobs.Watch(pb.WatchRequest(ids=[job.id]), metadata=JAN, timeout=SECONDS) for _ in range(100)]
    for stream in streams:
        assert next(stream).job.state == job_pb2.JOB_STATE_PENDING
    api.jobs.Stop(pb.StopRequest(id=job.id), metadata=JAN, timeout=SECONDS)
    ends: list[int] = []
    threads = [threading.Thread(target=lambda s=stream: ends.append(list(s)[-1].job.state)) for stream in streams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert ends == [job_pb2.JOB_STATE_STOPPED] * 100


def test_without_redis_calls_are_unavailable_and_come_back(api: Api, submit: Submit, redis_server: RedisServer) -> None:
    """Redis away: UNAVAILABLE; Redis back: everything goes on, a watch too."""
    job = submit()
    stream = api.jobs.Watch(pb.WatchRequest(ids=[job.id]), metadata=JAN, timeout=60)
    next(stream)
    redis_server.kill()
    try:
        assert code(lambda: get(api, job.id)) is StatusCode.UNAVAILABLE
    finally:
        redis_server.start()
    assert get(api, job.id).id == job.id
    api.jobs.Stop(pb.StopRequest(id=job.id), metadata=JAN, timeout=SECONDS)
    assert list(stream)[-1].job.state == job_pb2.JOB_STATE_STOPPED


def test_calls_need_a_login(api: Api) -> None:
    """No header, a wrong password, an unknown name and an unknown scheme are all the same to the caller."""
    texts = set()
    for metadata in ([], login("jan", "no"), login("ghost"), [("authorization", "Digest x")], JAN + JAN):
        error = refused(lambda m=metadata: api.jobs.List(pb.JobServiceListRequest(), metadata=m, timeout=SECONDS))
        assert error.code() is StatusCode.UNAUTHENTICATED
        texts.add(error.details())
    assert len(texts) == 1


def test_watch_finds_out_what_it_missed(api: Api, submit: Submit, redis: Redis) -> None:
    """Changes told while nobody listened (Redis away, an admin's hand): new, changed and deleted jobs, each once."""
    old, gone = submit(title="old"), submit(title="gone")
    stream = api.jobs.Watch(pb.WatchRequest(), metadata=JAN, timeout=60)
    assert {next(stream).job.id for _ in range(2)} == {old.id, gone.id}
    # What the lost messages would have told: a channel that says nothing, records that changed.
    redis.client_kill_filter(_type="pubsub")
    redis.delete(f"rq:job:{gone.id}")
    new = submit(title="new")
    seen = [next(stream) for _ in range(2)]
    assert {(one.change, one.job.id) for one in seen} == {
        (pb.WatchResponse.CHANGE_CURRENT, new.id),
        (pb.WatchResponse.CHANGE_DELETED, gone.id),
    }
    stream.cancel()


def test_watch_can_leave_out_what_has_ended(api: Api, submit: Submit) -> None:
    """A user with years of history begins with what still moves."""
    ended, waits = submit(), submit()
    api.jobs.Stop(pb.StopRequest(id=ended.id), metadata=JAN, timeout=SECONDS)
    stream = api.jobs.Watch(pb.WatchRequest(skip_ended=True), metadata=JAN, timeout=SECONDS)
    assert next(stream).job.id == waits.id
    api.jobs.Stop(pb.StopRequest(id=waits.id), metadata=JAN, timeout=SECONDS)
    assert next(stream).job.state == job_pb2.JOB_STATE_STOPPED
    stream.cancel()


def test_counts_can_be_left_out(api: Api, submit: Submit) -> None:
    """Counting is what costs with very many jobs."""
    submit()
    page = api.jobs.List(pb.JobServiceListRequest(omit_counts=True), metadata=JAN, timeout=SECONDS)
    assert (len(page.jobs), len(page.counts)) == (1, 0)


def test_validate_only_among_many_makes_no_job(api: Api, task: MakeTask, redis: Redis) -> None:
    """Each of many may be only judged; the others are taken."""
    requests = [
        pb.SubmitRequest(task=task(title="judge me"), validate_only=True),
        pb.SubmitRequest(task=task(title=""), validate_only=True),
        pb.SubmitRequest(task=task(title="take me")),
    ]
    many = pb.SubmitManyRequest(requests=requests)
    judged, bad, taken = api.jobs.SubmitMany(many, metadata=JAN, timeout=SECONDS).results
    assert (judged.job.id, judged.job.task.title) == ("", "judge me")
    assert [fault.field for fault in bad.error.violations] == ["title"]
    assert [key.decode() for key in redis.scan_iter("rq:job:*")] == [f"rq:job:{taken.job.id}"]


@needs_root
@pytest.mark.root
def test_jobs_of_system_accounts_are_for_those_who_name_them(api: Api, task: MakeTask) -> None:
    """A service that acts as `*` can't see, stop or list root's jobs either."""
    made = api.jobs.Submit(pb.SubmitRequest(task=task(stager_user="root")), metadata=login("roots"), timeout=SECONDS)
    everybody, job_id = login("everybody"), made.job.id
    for call in (
        lambda: get(api, job_id, everybody),
        lambda: api.jobs.Stop(pb.StopRequest(id=job_id), metadata=everybody, timeout=SECONDS),
        lambda: api.jobs.Delete(pb.DeleteRequest(id=job_id), metadata=everybody, timeout=SECONDS),
        lambda: list(api.jobs.Watch(pb.WatchRequest(ids=[job_id]), metadata=everybody, timeout=SECONDS)),
    ):
        assert code(call) is StatusCode.NOT_FOUND
    listing = pb.JobServiceListRequest(stager_user="root")
    assert code(lambda: api.jobs.List(listing, metadata=everybody, timeout=SECONDS)) is StatusCode.PERMISSION_DENIED
    assert get(api, job_id, login("roots")).id == job_id


def test_too_many_waiting_jobs_are_refused(
    tmp_path: Path, settings: dict[str, Any], redis_server: RedisServer, redis: Redis, task: MakeTask
) -> None:
    """RESOURCE_EXHAUSTED for what is too much, not for a repeat of what was taken."""
    assert redis
    limited = start_api(tmp_path, {**settings, "limits": {"waiting_jobs_per_user": 2}}, redis_server.url)
    try:

        def ask(number: int) -> str:
            request = pb.SubmitRequest(task=task(title=f"t{number}"), request_id=f"r{number}")
            return limited.jobs.Submit(request, metadata=JAN, timeout=SECONDS).job.id

        ids = [ask(1), ask(2)]
        assert code(lambda: ask(3)) is StatusCode.RESOURCE_EXHAUSTED
        assert ask(1) == ids[0]
    finally:
        assert limited.stop() == 0
