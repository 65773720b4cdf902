"""Failed logins: held up after a few, for nobody else, and written down; and who did what."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from api_harness import JAN, PIET, SECONDS, RedisServer, Users, audit_lines, code, login, refused, start_api
from grpc import StatusCode
from stager.v1 import job_pb2
from stager.v1 import job_service_pb2 as pb
from stager_api.errors import ApiError, ExhaustedError, UnauthenticatedError, UnavailableError
from stager_api.identity.authenticator import Authenticator, Login
from stager_api.identity.certificates import CertificateLogin
from stager_api.identity.doorkeeper import Doorkeeper, Shown
from stager_api.identity.throttle import Failures, Throttle, network_of
from stager_api.principal import Kind, Principal

STREAMER = Principal("streamer", Kind.SERVICE)


class Scheme:
    """A scheme whose password is `good`; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.slow = 0.0
        self.error: Exception | None = None

    def name_in(self, credentials: str) -> str:
        """See Scheme."""
        return credentials.partition(":")[0]

    def knows(self, name: str) -> bool:
        """See Scheme."""
        return name == "streamer"

    def login(self, credentials: str) -> Login:
        """See Scheme."""
        self.asked += 1
        time.sleep(self.slow)
        if self.error:
            raise self.error
        if credentials != "streamer:good":
            raise UnauthenticatedError("wrong")
        return Login(STREAMER)


class Door:
    """A doorkeeper over that scheme, with a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.scheme = Scheme()
        self.authenticator = Authenticator({"test": self.scheme}, lambda: self.now)
        throttle = Throttle(Failures(3, 60, lambda: self.now), Failures(10, 60, lambda: self.now))

        async def run(function: Any, argument: str) -> Login:  # noqa: ANN401 - as Run is
            return await asyncio.to_thread(function, argument)

        self.keeper = Doorkeeper(self.authenticator, CertificateLogin({}), throttle, run)

    async def knock(self, credentials: str, peer: str = "ipv4:192.0.2.1:1000") -> str:
        """What comes of it."""
        try:
            return (await self.keeper.admit(Shown([f"Test {credentials}"], (), peer))).principal.name
        except ApiError as error:
            return type(error).__name__

    def forget(self) -> None:
        """Make the next good login be checked anew."""
        self.authenticator._remembered.clear()


async def test_a_name_is_tried_a_few_times_only() -> None:
    """Then more attempts are refused unseen, the right one too, until time has passed."""
    door = Door()
    assert [await door.knock("streamer:bad") for _ in range(5)] == ["UnauthenticatedError"] * 3 + ["ExhaustedError"] * 2
    assert await door.knock("streamer:good") == "ExhaustedError"
    assert door.scheme.asked == 3
    door.now += 61
    assert await door.knock("streamer:good") == "streamer"


async def test_guessing_doesnt_lock_the_owner_out() -> None:
    """An address that the name has logged in from goes on; and whoever is remembered isn't even looked at again."""
    door = Door()
    assert await door.knock("streamer:good", "ipv4:192.0.2.7:1") == "streamer"
    for host in range(10, 20):
        await door.knock("streamer:bad", f"ipv4:198.51.100.{host}:1")
    assert await door.knock("streamer:bad", "ipv4:198.51.100.99:1") == "ExhaustedError"
    door.forget()
    assert await door.knock("streamer:good", "ipv4:192.0.2.7:2") == "streamer"


async def test_an_address_is_held_up_whatever_names_it_tries() -> None:
    """And a neighbour isn't; names that don't exist count as those that do."""
    door = Door()
    outcomes = [await door.knock(f"name{number}:bad") for number in range(12)]
    assert outcomes == ["UnauthenticatedError"] * 10 + ["ExhaustedError"] * 2
    assert await door.knock("other:bad", "ipv4:192.0.2.2:1000") == "UnauthenticatedError"
    assert await door.knock("streamer:good", "ipv6:%5B2001:db8::1%5D:5") == "streamer"


async def test_many_attempts_at_once_are_no_way_around() -> None:
    """Attempts count from their begin."""
    door = Door()
    door.scheme.slow = 0.05
    outcomes = await asyncio.gather(*(door.knock(f"streamer:bad{number}") for number in range(20)))
    assert outcomes.count("UnauthenticatedError") == 3
    assert door.scheme.asked == 3


async def test_good_logins_at_once_are_checked_once() -> None:
    """A service that opens many calls at its start isn't taken for a guesser; one that hangs up spoils no other's."""
    door = Door()
    door.scheme.slow = 0.1
    first = asyncio.ensure_future(door.knock("streamer:good"))
    rest = [asyncio.ensure_future(door.knock("streamer:good")) for _ in range(20)]
    await asyncio.sleep(0.02)
    first.cancel()
    assert await asyncio.gather(*rest) == ["streamer"] * 20
    assert door.scheme.asked == 1


@pytest.mark.parametrize(
    "error", [UnavailableError("away"), UnauthenticatedError("expired", genuine=True), ExhaustedError("busy")]
)
async def test_what_is_no_guess_isnt_counted(error: Exception) -> None:
    """The provider away, an expired token, a busy service."""
    door = Door()
    door.scheme.error = error
    for _ in range(20):
        assert await door.knock("streamer:good") == type(error).__name__
    door.scheme.error = None
    assert await door.knock("streamer:good") == "streamer"


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("ipv4:192.0.2.1:80", "192.0.2.1"),
        ("ipv6:%5B2001:db8:1:2:3::4%5D:80", "2001:db8:1:2::/64"),
        ("ipv6:[2001:db8:1:2:ffff::4]:80", "2001:db8:1:2::/64"),
        ("ipv6:[::ffff:192.0.2.1]:80", "192.0.2.1"),
        ("unix:/run/x", "unix"),
        ("unix:", "unix"),
        ("", ""),
        ("ipv4:nonsense", "ipv4:nonsense"),
    ],
)
def test_addresses_are_counted_by_network(peer: str, network: str) -> None:
    """Whoever has one IPv6 address has 2**64 of them."""
    assert network_of(peer) == network


def test_failures_are_remembered_in_bounded_memory() -> None:
    """A million names that nobody has don't fill the memory."""
    failures = Failures(3, 60)
    for number in range(25_000):
        failures.add(str(number))
    assert len(failures._counts) == 20_000


@pytest.mark.usefixtures("redis")
def test_who_did_what_is_written_down(
    tmp_path: Path, settings: dict[str, Any], redis_server: RedisServer, users: Users, seal: Any,  # noqa: ANN401
) -> None:  # fmt: skip
    """Logins, submits, stops, restarts and deletes, with principal and job, done or refused; at any log level."""
    audit = tmp_path / "audit.jsonl"
    changed = {**settings, "logs": {"level": "error", "audit_file": str(audit)}, "logins": {"failures_by_name": 2}}
    api = start_api(tmp_path, changed, redis_server.url)
    try:
        task = job_pb2.Task(
            title="marked-title", dr_user="jan@ru.nl", dr_pass=seal(users.jan), src_url="/project/a", dst_url="i:/z/a",
            stager_user=users.jan,
        )  # fmt: skip
        job = api.jobs.Submit(pb.SubmitRequest(task=task), metadata=JAN, timeout=SECONDS).job
        api.jobs.Submit(pb.SubmitRequest(task=task, validate_only=True), metadata=JAN, timeout=SECONDS)
        task.title = ""
        api.jobs.SubmitMany(pb.SubmitManyRequest(requests=[pb.SubmitRequest(task=task)]), metadata=JAN, timeout=SECONDS)
        calls = [
            (api.jobs.Stop, pb.StopRequest(id=job.id), PIET),
            (api.jobs.Stop, pb.StopRequest(id='x"\n{}'), PIET),
            (api.jobs.Restart, pb.RestartRequest(id=job.id), JAN),
        ]
        for call, request, who in calls:
            refused(lambda c=call, r=request, w=who: c(r, metadata=w, timeout=SECONDS))
        api.jobs.Stop(pb.StopRequest(id=job.id), metadata=JAN, timeout=SECONDS)
        api.jobs.Restart(pb.RestartRequest(id=job.id, dr_pass=seal(users.jan)), metadata=JAN, timeout=SECONDS)
        api.jobs.Delete(pb.DeleteRequest(id=job.id), metadata=JAN, timeout=SECONDS)
        own = pb.JobServiceListRequest()
        for who in (login("streamer", "wrong"), login("MyPassw0rd", "oops")):
            assert code(lambda w=who: api.jobs.List(own, metadata=w, timeout=SECONDS)) is StatusCode.UNAUTHENTICATED
        for number in range(3):
            said = code(lambda n=number: api.jobs.List(own, metadata=login("streamer", f"w{n}"), timeout=SECONDS))
        assert said is StatusCode.RESOURCE_EXHAUSTED
    finally:
        assert api.stop() == 0
    lines = audit_lines(audit)
    assert audit.stat().st_mode & 0o777 == 0o600
    told = [
        (line["action"], line["outcome"], line.get("principal", ""), line.get("job_id", ""), line.get("reason", ""))
        for line in lines
        if line["action"] != "login"
    ]
    jan, piet = "service:jan", "service:piet"
    assert told == [
        ("submit", "done", jan, job.id, ""),
        ("submit", "refused", jan, "", "InvalidRequestError"),
        ("stop", "refused", piet, job.id, "NotFoundError"),
        ("stop", "refused", piet, "(no id)", "NotFoundError"),
        ("restart", "refused", jan, job.id, "CredentialMissingError"),
        ("stop", "done", jan, job.id, ""),
        ("restart", "done", jan, job.id, ""),
        ("delete", "done", jan, job.id, ""),
    ]
    logins = [
        (line["outcome"], line.get("principal", ""), line.get("tried", ""), line.get("reason", ""))
        for line in lines
        if line["action"] == "login"
    ]
    assert logins == [
        ("done", jan, "", ""),
        ("done", piet, "", ""),
        ("refused", "", "streamer", "wrong password"),
        ("refused", "", "", "no such service user"),
        ("refused", "", "streamer", "wrong password"),
        ("refused", "", "streamer", "too many failed"),
        ("refused", "", "streamer", "too many failed"),
    ]
    text = api.log.read_text()
    assert [json.loads(line)["action"] for line in text.splitlines()].count("stop") == 3
    for secret in ("MyPassw0rd", "oops", "marked-title"):
        assert secret not in text + audit.read_text()


@pytest.mark.usefixtures("redis")
def test_parallel_first_calls_of_a_service_all_pass(
    tmp_path: Path, settings: dict[str, Any], redis_server: RedisServer
) -> None:
    """Through the real service: fifty threads with the same good password."""
    api = start_api(tmp_path, {**settings, "logins": {"failures_by_name": 3}}, redis_server.url)
    barrier = threading.Barrier(50)

    def call(_: int) -> bool:
        barrier.wait(SECONDS)
        return api.jobs.List(pb.JobServiceListRequest(), metadata=JAN, timeout=SECONDS) is not None

    try:
        with ThreadPoolExecutor(50) as pool:
            assert all(pool.map(call, range(50)))
    finally:
        assert api.stop() == 0
