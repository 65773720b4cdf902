"""Too much at once: refused or served, never down, and a good caller is served all the while."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import psutil
import pytest
from api_harness import JAN, SECONDS, Api, MakeTask, RedisServer, code, start_api
from grpc import StatusCode
from redis import Redis
from stager.v1 import job_pb2
from stager.v1 import job_service_pb2 as pb
from stager_jobs.job import Progress
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Mark, Verdict
from stager_jobs.rules import Rules

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""What an HTTP/2 client begins with, and empty settings."""
CONNECTIONS = 1000
DATA, HEADERS, END_STREAM, END_HEADERS = 0, 1, 1, 4
"""Of HTTP/2."""


@pytest.fixture
def own_api(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], redis_server: RedisServer, redis: Redis
) -> Iterator[Api]:
    """A service of the test's own; it has to end well."""
    assert redis
    api = start_api(tmp_path_factory.mktemp("api"), settings, redis_server.url)
    yield api
    assert api.stop() == 0
    assert "unexpected error" not in api.log.read_text()


def served(api: Api) -> float:
    """Seconds that a good caller's call takes."""
    began = time.monotonic()
    api.jobs.List(pb.JobServiceListRequest(), metadata=JAN, timeout=SECONDS)
    return time.monotonic() - began


def connect(api: Api, count: int, first_words: bytes) -> list[socket.socket]:
    """Open connections, and say something on each."""
    host, _, port = api.address.rpartition(":")
    made = []
    for _ in range(count):
        made.append(socket.create_connection((host, int(port)), SECONDS))
        made[-1].sendall(first_words)
    return made


def test_a_thousand_connections_at_once(own_api: Api) -> None:
    """All of them speak HTTP/2 and stay; the service answers each, and others as before."""
    served(own_api)
    made = connect(own_api, CONNECTIONS, PREFACE)
    try:
        for one in made:
            one.settimeout(SECONDS)
            assert len(one.recv(9)) == 9  # the server's own settings: it has accepted
        assert psutil.Process(own_api.process.pid).num_fds() > CONNECTIONS
        assert served(own_api) < 5
    finally:
        for one in made:
            one.close()
    assert served(own_api) < 5


@pytest.mark.parametrize(
    "words", [b"", b"PRI * HT", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + b"\x00" * 200, b"\xff" * 9000]
)
def test_connections_that_talk_nonsense_or_nothing(own_api: Api, words: bytes) -> None:
    """Silence, half a greeting, HTTP/1, TLS, noise: a few hundred of each hold nobody up."""
    made = connect(own_api, 300, words)
    try:
        assert served(own_api) < 5
    finally:
        for one in made:
            one.close()


def test_a_thousand_calls_at_once(own_api: Api) -> None:
    """More than there are threads: each is answered, or refused as too many."""
    served(own_api)

    def one(_: int) -> StatusCode:
        try:
            own_api.jobs.List(pb.JobServiceListRequest(), metadata=JAN, timeout=60)
        except grpc.RpcError as error:
            return error.code()
        return StatusCode.OK

    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(one, range(1000)))
    assert set(answers) <= {StatusCode.OK, StatusCode.RESOURCE_EXHAUSTED}
    assert StatusCode.OK in answers
    assert served(own_api) < 5


def test_messages_too_large_are_refused_before_they_are_read(own_api: Api) -> None:
    """Many at once; the service's memory doesn't grow with them."""
    before = psutil.Process(own_api.process.pid).memory_info().rss
    call = own_api.channel.unary_unary("/stager.v1.JobService/SubmitMany", lambda x: x, lambda x: x)
    data = b"\x0a" + b"x" * 8_000_000

    def send(_: int) -> StatusCode:
        return code(lambda: call(data, metadata=JAN, timeout=60))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(24))) == {StatusCode.RESOURCE_EXHAUSTED}
    assert psutil.Process(own_api.process.pid).memory_info().rss - before < 150_000_000
    assert served(own_api) < 5


@pytest.mark.parametrize("method", ["JobService/SubmitMany", "JobService/Watch", "ProjectService/ResolveCollection"])
def test_messages_that_never_end(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], redis_server: RedisServer, redis: Redis,
    method: str,
) -> None:  # fmt: skip
    """Three times as many calls as may be under way, of nobody, each with half a message: they take nobody's place."""
    assert redis
    api = start_api(tmp_path_factory.mktemp("api"), {**settings, "limits": {"calls": 100}}, redis_server.url)
    try:
        served(api)
        begun = b"".join(
            frame(HEADERS, END_HEADERS, stream, hpack(method)) + frame(DATA, 0, stream, b"\0\0\0\xff\xffxxx")
            for stream in range(1, 600, 2)
        )
        (one,) = connect(api, 1, PREFACE + begun)
        one.settimeout(SECONDS)
        heard = b""
        while ended(heard) < 290:  # ten may wait for a while, where no login is needed
            heard += one.recv(65_536)
        assert served(api) < 5
        one.close()
    finally:
        assert api.stop() == 0


def ended(heard: bytes) -> int:
    """How many streams the frames end."""
    count = place = 0
    while place + 9 <= len(heard):
        count += heard[place + 3] == HEADERS and heard[place + 4] & END_STREAM
        place += 9 + int.from_bytes(heard[place : place + 3])
    return count


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame of HTTP/2."""
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def hpack(method: str) -> bytes:
    """The head of a call, each field written out."""
    fields = {
        ":method": "POST", ":scheme": "http", ":path": f"/stager.v1.{method}", ":authority": "x", "te": "trailers",
        "content-type": "application/grpc",
    }  # fmt: skip
    return b"".join(bytes([0, len(k)]) + k.encode() + bytes([len(v)]) + v.encode() for k, v in fields.items())


def test_watchers_beyond_the_limit_are_refused(
    tmp_path_factory: pytest.TempPathFactory,
    settings: dict[str, Any],
    redis_server: RedisServer,
    redis: Redis,
    task: MakeTask,
) -> None:
    """RESOURCE_EXHAUSTED; once one has hung up there is room again."""
    assert redis
    api = start_api(tmp_path_factory.mktemp("api"), {**settings, "limits": {"watchers": 2}}, redis_server.url)
    try:
        api.jobs.Submit(pb.SubmitRequest(task=task()), metadata=JAN, timeout=SECONDS)
        streams = [api.jobs.Watch(pb.WatchRequest(), metadata=JAN, timeout=SECONDS) for _ in range(2)]
        for stream in streams:
            next(stream)
        third = api.jobs.Watch(pb.WatchRequest(ids=["x"]), metadata=JAN, timeout=SECONDS)
        assert code(lambda: next(third)) is StatusCode.RESOURCE_EXHAUSTED
        deadline = time.monotonic() + SECONDS
        for stream in streams:
            stream.cancel()
        while True:
            again = api.jobs.Watch(pb.WatchRequest(ids=["x"]), metadata=JAN, timeout=SECONDS)
            if code(lambda stream=again: next(stream)) is StatusCode.NOT_FOUND:
                break
            assert time.monotonic() < deadline
    finally:
        assert api.stop() == 0


def test_a_reader_that_is_slow_holds_nobody_up_and_sees_the_end(own_api: Api, redis: Redis, task: MakeTask) -> None:
    """Twenty streams that nobody reads, while a job tells its progress thousands of times: the newest state waits."""
    job = own_api.jobs.Submit(pb.SubmitRequest(task=task()), metadata=JAN, timeout=SECONDS).job
    slow = [own_api.jobs.Watch(pb.WatchRequest(ids=[job.id]), metadata=JAN, timeout=60) for _ in range(20)]
    claims = Claims(redis, Rules(), "w1", Mark())
    claim = claims.claim(QUEUES)
    assert claim
    lease = claims.lease(claim)
    before = psutil.Process(own_api.process.pid).memory_info().rss
    for number in range(3000):
        lease.update(Progress(files_total=3000, files_transferred=number, current=("x" * 900,) * 16))
        lease.flush()
    assert served(own_api) < 5
    own_api.jobs.Stop(pb.StopRequest(id=job.id), metadata=JAN, timeout=SECONDS)
    lease.beat()
    lease.finish(Verdict.HAND_BACK, None)
    assert psutil.Process(own_api.process.pid).memory_info().rss - before < 100_000_000
    for stream in slow:
        assert list(stream)[-1].job.state == job_pb2.JOB_STATE_STOPPED
