"""Whatever comes in, every method refuses it in the contract's words, and nothing changes.

Some 14,000 inputs go through the running service: tasks with at least one fault each, messages of any content,
and bytes that are no messages. What is told about is checked in tests/security with thousands more, by part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from api_harness import JAN, PIET, SECONDS, Api, MakeTask, RedisServer, Users, code, start_api
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from redis import Redis
from stager.v1 import credential_service_pb2, directory_service_pb2, job_service_pb2, project_service_pb2
from stager_redis import connect

QUICK = hypothesis_settings(
    max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True
)
METHODS = {
    f"/{service.full_name}/{method.name}": method
    for module in (job_service_pb2, directory_service_pb2, project_service_pb2, credential_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
SPAWNING = ("DirectoryService",)
"""Methods that start a process for each call that gets so far; fewer of those."""
REFUSALS = {
    StatusCode.INVALID_ARGUMENT, StatusCode.NOT_FOUND, StatusCode.PERMISSION_DENIED, StatusCode.FAILED_PRECONDITION,
    StatusCode.RESOURCE_EXHAUSTED,
}  # fmt: skip
CHANGING = ("Submit", "SubmitMany", "Stop", "Restart", "Delete")

HOSTILE = [
    "", "..", "../../etc/passwd", "/", "//", "/proc/self/root", "\0", "a\0b", "\r\n", "-rf", "$(id)", "`id`", "%s%n",
    "' or 1=1", "{request_id}", "\ufeff", "\u202e", "x" * 5000, "é" * 2500, "sealed:v1:k1:AAAA", "rq:job:x", "*", "~",
    "root",
]  # fmt: skip
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(HOSTILE)
numbers = st.sampled_from([0, 1, -1, 2**31 - 1, -(2**31)]) | st.integers(-(2**31), 2**31 - 1)


def message_of(descriptor: Descriptor, depth: int = 2) -> st.SearchStrategy[Message]:
    """A message of any content: each field left out, or hostile."""
    kind = GetMessageClass(descriptor)
    fields = {
        field.name: st.lists(_value(field, depth), max_size=3) if field.is_repeated else _value(field, depth)
        for field in descriptor.fields
        if field.message_type is None or depth
    }
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: kind(**values))


def _value(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return message_of(field.message_type, depth - 1)
    by_type = {FieldDescriptor.TYPE_STRING: texts, FieldDescriptor.TYPE_BOOL: st.booleans()}
    return by_type.get(field.type, numbers)


@pytest.fixture(scope="module")
def target(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], redis_server: RedisServer
) -> Iterator[Api]:
    """A service that doesn't mind how many logins fail."""
    free = {"failures_by_name": 0, "failures_by_address": 0}
    api = start_api(tmp_path_factory.mktemp("api"), {**settings, "logins": free}, redis_server.url)
    yield api
    assert "unexpected error" not in api.log.read_text()
    assert api.stop() == 0


@pytest.fixture
def unchanged(redis_server: RedisServer, target: Api, task: MakeTask, users: Users) -> Iterator[str]:
    """The id of a job of piet's that stands as it did, and nothing beside it, when the test ends."""
    with connect(redis_server.url) as redis:
        redis.flushall()
        request = job_service_pb2.SubmitRequest(task=task(stager_user=users.piet))
        job_id = target.jobs.Submit(request, metadata=PIET, timeout=SECONDS).job.id
        before = everything(redis)
        yield job_id
        assert everything(redis) == before


def everything(redis: Redis) -> dict[bytes, bytes]:
    """All that stands in Redis."""
    return {key: redis.dump(key) for key in redis.scan_iter()}


def call(api: Api, method: str, data: bytes, metadata: Any = JAN) -> StatusCode:  # noqa: ANN401 - of any form
    """How a call with these bytes ends; of a stream that doesn't end by itself what its first answer says."""
    streams = METHODS[method].server_streaming
    if streams:
        stream = api.channel.unary_stream(method, lambda x: x, lambda x: x)(data, metadata=metadata, timeout=SECONDS)
        try:
            next(stream)
        except StopIteration:
            return StatusCode.OK
        except grpc.RpcError as error:
            return error.code()
        stream.cancel()
        return StatusCode.OK
    try:
        api.channel.unary_unary(method, lambda x: x, lambda x: x)(data, metadata=metadata, timeout=SECONDS)
    except grpc.RpcError as error:
        return error.code()
    return StatusCode.OK


@pytest.mark.parametrize("method", [name for name in METHODS if not name.endswith("/Watch")])
def test_any_message_is_answered_or_refused(target: Api, unchanged: str, method: str) -> None:
    """With any content in any field, also the id of somebody else's job."""
    assert unchanged
    few = any(part in method for part in SPAWNING)

    @hypothesis_settings(QUICK, max_examples=60 if few else 200)
    @given(message_of(METHODS[method].input_type), st.booleans())
    def check(message: Message, theirs: bool) -> None:
        if theirs and "id" in message.DESCRIPTOR.fields_by_name:
            message.id = unchanged  # type: ignore[attr-defined]
        answer = call(target, method, message.SerializeToString())
        if method.endswith(CHANGING) and "validate_only: true" not in str(message) and not method.endswith("Many"):
            assert answer in REFUSALS, message
        else:
            assert answer in {StatusCode.OK, *REFUSALS}, message

    check()


def test_any_watch_is_answered_or_refused(target: Api, unchanged: str) -> None:
    """With names it is refused at once; without, it waits."""

    @hypothesis_settings(QUICK, max_examples=200)
    @given(st.lists(texts | st.just(unchanged), min_size=1, max_size=3), texts)
    def check(ids: list[str], user: str) -> None:
        request = job_service_pb2.WatchRequest(ids=ids, stager_user=user)
        assert call(target, "/stager.v1.JobService/Watch", request.SerializeToString()) is StatusCode.NOT_FOUND

    check()


@pytest.mark.parametrize("method", METHODS)
def test_bytes_that_are_no_message_are_refused(target: Api, unchanged: str, method: str) -> None:
    """Cut, flipped, of the wrong type, or just noise: INVALID_ARGUMENT, or what the message happens to say."""
    assert unchanged
    sample = job_service_pb2.SubmitRequest(request_id="x" * 20, task={"title": "t", "timeout": 5}).SerializeToString()
    cut = st.integers(0, len(sample)).map(lambda end: sample[:end])
    flipped = st.tuples(st.integers(0, len(sample) - 1), st.integers(1, 255)).map(
        lambda place: sample[: place[0]] + bytes([sample[place[0]] ^ place[1]]) + sample[place[0] + 1 :]
    )

    @hypothesis_settings(QUICK, max_examples=25 if any(part in method for part in SPAWNING) else 60)
    @given(st.binary(max_size=200) | cut | flipped)
    def check(data: bytes) -> None:
        if method.endswith("/Watch") and _waits(data):
            return
        answer = call(target, method, data)
        assert answer in {StatusCode.OK, *REFUSALS}, (answer, data)

    check()


def _waits(data: bytes) -> bool:
    """Whether these bytes are a watch of all of one's jobs, which goes on until somebody hangs up."""
    try:
        return not job_service_pb2.WatchRequest.FromString(data).ids
    except DecodeError:
        return False


def faulty(task: MakeTask) -> Iterator[tuple[str, st.SearchStrategy[Any]]]:
    """By field of a task: values that break its rules."""
    control = st.tuples(texts, st.sampled_from("\0\n\t\x7f\x85\u2028\u2029"), texts).map("".join)
    blank = st.text(" \u00a0\u3000", max_size=5)
    yield "title", blank | control | st.text("ab", min_size=201, max_size=300)
    yield "dr_user", blank | control | st.text("ab", min_size=251, max_size=300)
    local = st.text("ab/", max_size=20)
    bad_path = st.one_of(
        st.just(""),
        local.map(lambda text: "rel" + text),
        local.map(lambda text: f"/{text}/../x"),
        control.map(lambda text: "/" + text),
        st.integers(4097, 5000).map(lambda length: "/" + "x" * length),
        local.map(lambda text: "i:/" + text),
    )
    yield "src_url", bad_path
    yield "dst_url", bad_path.map(lambda path: path.removeprefix("i:"))
    yield "stager_user", st.text(st.characters(exclude_categories=["Cs"]), max_size=10).map(lambda text: text + "/")
    yield "stager_email", st.sampled_from(["x", "@", "a@", "a b@c", "a@b,c@d", "<a@b>", "a@b\n", "a@" + "b" * 260])
    yield "timeout", st.integers(-(2**31), -1)
    yield "timeout_noprogress", st.integers(-(2**31), -1)
    yield "dr_pass", texts.filter(bool)
    assert task


KEYS = {
    "title": "title", "dr_user": "drUser", "dr_pass": "drPass", "src_url": "srcURL", "dst_url": "dstURL",
    "stager_user": "stagerUser", "stager_email": "stagerEmail", "timeout": "timeout",
    "timeout_noprogress": "timeout_noprogress",
}  # fmt: skip
"""The JSON key of each field."""


@pytest.mark.parametrize("field", KEYS)
def test_a_task_with_a_fault_makes_no_job(target: Api, unchanged: str, task: MakeTask, field: str) -> None:
    """All else is in order: the fault alone is enough, and it is named; one of many doesn't slip through either."""
    assert unchanged
    strategy = dict(faulty(task))[field]

    @hypothesis_settings(QUICK, max_examples=60)
    @given(st.lists(strategy, min_size=20, max_size=20))
    def check(values: list[Any]) -> None:
        good = task()
        requests = []
        for value in values:
            bad = type(good)()
            bad.CopyFrom(good)
            setattr(bad, field, value)
            requests.append(job_service_pb2.SubmitRequest(task=bad))
        answer = target.jobs.SubmitMany(
            job_service_pb2.SubmitManyRequest(requests=requests), metadata=JAN, timeout=SECONDS
        )
        for value, result in zip(values, answer.results, strict=True):
            named = {fault.field for fault in result.error.violations}
            assert result.error.code == StatusCode.INVALID_ARGUMENT.value[0], value
            assert named & {KEYS[field], "dstURL"}, value

    check()


@pytest.mark.parametrize("priority", [-1, 4, 2**31 - 1])
def test_priorities_that_are_none_are_refused(target: Api, unchanged: str, task: MakeTask, priority: int) -> None:
    """Enumerations are open on the wire."""
    assert unchanged
    request = job_service_pb2.SubmitRequest(task=task(), priority=priority)  # type: ignore[arg-type]  # that is the point
    assert code(lambda: target.jobs.Submit(request, metadata=JAN, timeout=SECONDS)) is StatusCode.INVALID_ARGUMENT


def test_any_authorization_is_refused_alike(target: Api, unchanged: str) -> None:
    """Whatever stands in it, the answer is one and the same, and nothing of it is in the log."""
    ascii_text = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60)
    schemes = st.sampled_from(["Basic ", "Bearer ", "basic ", "BEARER", "Digest ", ""])
    told: set[str] = set()
    marker = "Zq7marked"

    @hypothesis_settings(QUICK, max_examples=200)
    @given(schemes, ascii_text, st.integers(0, 2))
    def check(scheme: str, rest: str, times: int) -> None:
        metadata = [("authorization", f"{scheme}{rest}{marker}")] * times
        request = job_service_pb2.GetRequest(id=unchanged)
        with pytest.raises(grpc.RpcError) as caught:
            target.jobs.Get(request, metadata=metadata, timeout=SECONDS)
        assert caught.value.code() is StatusCode.UNAUTHENTICATED
        told.add(caught.value.details())

    check()
    assert len(told) == 1
    assert marker not in target.log.read_text()


def test_binary_and_odd_metadata_are_harmless(target: Api, unchanged: str) -> None:
    """Names and values that gRPC itself lets through."""
    names = st.sampled_from(["x-request-id", "traceparent", "x-junk", "x-junk-bin", "grpc-trace-bin"])
    printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=200)

    @hypothesis_settings(QUICK, max_examples=150)
    @given(st.lists(st.tuples(names, printable), max_size=4))
    def check(pairs: list[tuple[str, str]]) -> None:
        extra = [(name, value.encode() if name.endswith("-bin") else value) for name, value in pairs]
        answer = call(
            target,
            "/stager.v1.JobService/Get",
            job_service_pb2.GetRequest(id=unchanged).SerializeToString(),
            [*JAN, *extra],
        )
        assert answer is StatusCode.NOT_FOUND

    check()


def test_page_tokens_that_are_none_are_refused(target: Api, unchanged: str) -> None:
    """They come back from clients, so they may be anything; only this service's own are taken."""
    assert unchanged
    tokens = texts.filter(bool) | st.binary(min_size=1, max_size=30).map(lambda raw: raw.hex())

    @hypothesis_settings(QUICK, max_examples=200)
    @given(tokens)
    def check(token: str) -> None:
        listing = job_service_pb2.JobServiceListRequest(page_token=token)
        answer = call(target, "/stager.v1.JobService/List", listing.SerializeToString())
        assert answer in {StatusCode.INVALID_ARGUMENT, StatusCode.OK}

    check()


def test_there_is_a_test_for_every_method() -> None:
    """A method that is added to the contract is tried without anybody thinking of it."""
    named = {name.rpartition("/")[2] for name in METHODS}
    assert named >= {*CHANGING, "Get", "List", "Watch", "Measure", "GetReport", "GetLog", "ResolveCollection"}
    assert len(METHODS) >= 14


@pytest.mark.parametrize(
    "value",
    [
        b"", b"\xff", b"inf", b"nan", b"-1", b"1e300", b"9" * 5000, b"null", b"x" * 5_000_000, b"/tmp/\0",
        b'{"class": "fatal", "code": "\\ud800", "message": "\\ud800"}',
        b'{"files": [9e99, -1, 1, 1], "bytes": [1, 1, 1], "final": 1, "rate": 1e999, "left": NaN}',
        b'["\\udfff", 7, null]',
    ],
    ids=lambda value: repr(value[:12]),
)  # fmt: skip
def test_nonsense_in_redis(target: Api, redis_server: RedisServer, task: MakeTask, users: Users, value: bytes) -> None:
    """Records with one field of nonsense each are left out or shown in part; the others are listed and watched."""
    with connect(redis_server.url) as redis:
        redis.flushall()
        first = job_service_pb2.SubmitRequest(task=task(title="first"))
        fields = redis.hkeys(f"rq:job:{target.jobs.Submit(first, metadata=JAN, timeout=SECONDS).job.id}")
        fields += [b"stager_error", b"stager_progress", b"stager_current", b"stager_ended", b"stager_next"]
        fields += [b"stager_attempt_1_started", b"stager_attempt_1_error", b"stager_report", b"stager_faults"]
        requests = [job_service_pb2.SubmitRequest(task=task(title=str(number))) for number in range(len(fields) + 1)]
        many = job_service_pb2.SubmitManyRequest(requests=requests)
        results = target.jobs.SubmitMany(many, metadata=JAN, timeout=SECONDS).results
        for field, result in zip(fields, results, strict=False):
            redis.hset(f"rq:job:{result.job.id}", mapping={"stager_attempts": 1, "stager_attempt_1_started": 1})
            redis.hset(f"rq:job:{result.job.id}", field, value)
        sound = results[-1].job.id
        listed = target.jobs.List(job_service_pb2.JobServiceListRequest(page_size=200), metadata=JAN, timeout=SECONDS)
        assert sound in {job.id for job in listed.jobs}
        for result in results[:-1]:
            for ask, request in (
                (target.jobs.Get, job_service_pb2.GetRequest(id=result.job.id)),
                (target.jobs.GetReport, job_service_pb2.GetReportRequest(id=result.job.id)),
            ):
                assert answer_of(ask, request) in {StatusCode.OK, StatusCode.NOT_FOUND}
        watch = target.jobs.Watch(job_service_pb2.WatchRequest(stager_user=users.jan), metadata=JAN, timeout=SECONDS)
        assert sound in {next(watch).job.id for _ in listed.jobs}
        watch.cancel()


def answer_of(ask: Any, request: Message) -> StatusCode:  # noqa: ANN401 - a method of a stub
    """How a call ends."""
    try:
        ask(request, metadata=JAN, timeout=SECONDS)
    except grpc.RpcError as error:
        return error.code()
    return StatusCode.OK
