"""Starting and stopping, TLS, the standard services, and what a person reads when it doesn't start."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from api_harness import (
    BIN,
    JAN,
    SECONDS,
    Api,
    Authority,
    RedisServer,
    Submit,
    Users,
    code,
    login,
    start_api,
    write_config,
)
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from stager.v1 import credential_service_pb2, job_service_pb2
from stager_credentials import SealingKey
from stager_credentials.key_directory import add_key, set_current
from stager_sandbox.free_port import free_port


def test_health_and_reflection_answer_without_a_login(running_api: Api) -> None:
    """As probes and grpcurl need it."""
    health = health_pb2_grpc.HealthStub(running_api.channel)
    for service in ("", "stager.v1.JobService"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    assert set(ProtoReflectionDescriptorDatabase(running_api.channel).get_services()) >= {
        "stager.v1.JobService", "stager.v1.DirectoryService", "stager.v1.ProjectService", "stager.v1.CredentialService",
    }  # fmt: skip


def test_sealing_key_is_handed_out(running_api: Api, keys: Path) -> None:
    """The current one, without a login, and usable as it is."""
    answer = running_api.credentials.GetSealingKey(credential_service_pb2.GetSealingKeyRequest(), timeout=SECONDS)
    assert answer.key_id == "k1"
    assert answer.public_key_pem == (keys / "k1.pub.pem").read_text()
    assert SealingKey.from_pem(answer.key_id, answer.public_key_pem).seal("x", owner="jan", dr_user="jan@ru.nl")


def test_rotated_sealing_key_is_seen(tmp_path: Path) -> None:
    """Within seconds, and a directory broken for a while changes nothing."""
    from stager_api.sealing_keys import SealingKeys

    add_key(tmp_path, "old")
    now = [0.0]
    keys = SealingKeys(tmp_path, clock=lambda: now[0])
    assert keys.current().key_id == "old"
    add_key(tmp_path, "new")
    set_current(tmp_path, "new")
    now[0] += 11
    assert keys.current().key_id == "new"
    (tmp_path / "current").unlink()
    now[0] += 11
    assert keys.current().key_id == "new"


def test_unknown_method_is_unimplemented(running_api: Api) -> None:
    """Not a login's fault, not an error."""
    call = running_api.channel.unary_unary("/stager.v1.JobService/Nothing", lambda x: x, lambda x: x)
    assert code(lambda: call(b"", timeout=SECONDS)) is StatusCode.UNIMPLEMENTED


def test_message_too_large_is_refused(running_api: Api) -> None:
    """RESOURCE_EXHAUSTED, and the service goes on."""
    call = running_api.channel.unary_unary("/stager.v1.JobService/Get", lambda x: x, lambda x: x)
    assert code(lambda: call(b"x" * 20_000_000, metadata=JAN, timeout=SECONDS)) is StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x0a\x02\xff\xfe", b"\x0a\x7f"])
def test_what_is_no_message_is_invalid(running_api: Api, data: bytes) -> None:
    """Corrupt, no UTF-8, cut short; and without a login it isn't even looked at."""
    for method in ("Get", "Submit"):
        call = running_api.channel.unary_unary(f"/stager.v1.JobService/{method}", lambda x: x, lambda x: x)
        assert code(lambda c=call: c(data, metadata=JAN, timeout=SECONDS)) is StatusCode.INVALID_ARGUMENT
        assert code(lambda c=call: c(data, timeout=SECONDS)) is StatusCode.UNAUTHENTICATED


def run_to_failure(folder: Path, settings: dict[str, Any], *arguments: str) -> str:
    """What the command says when it doesn't start."""
    path = write_config(folder, settings)
    ended = subprocess.run(
        [BIN / "stager-api", "serve", "--config", path, *arguments],
        env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    return ended.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"grpc": {"host": "0.0.0.0", "port": 0}}, "TLS"),  # noqa: S104 - that is refused
        ({"grpc": {"prot": 1}}, "prot"),
        ({"sealing_keys": "/dev/null/keys"}, "/dev/null/keys"),
        ({"service_users": {"x": {"password_hash": "clear-secret"}}}, "hash-password"),
        ({"oauth": {"issuer": "http://example.org", "audience": "x"}}, "https"),
        ({"oauth": {"issuer": "https://example.org", "audience": "x", "algorithms": ["HS256"]}}, "algorithms"),
        ({"redis": {"url": "ftp://x"}}, "redis"),
        ({"redis": {"url": "redis://127.0.0.1", "ca_file": "/ca.pem"}}, "rediss://"),
        ({"redis": {"url": "rediss://127.0.0.1?ssl_cert_reqs=none"}}, "ssl_"),
        ({"client_certificates": {"ui": {}}}, "client_ca"),
        ({"logs": {"audit_file": "/dev/null/audit.jsonl"}}, "audit_file"),
        ({"projects": {"static": {"1": "relative"}}}, "absolute"),
        ({"grpc": {"tls": {"certificate": "/nonexistent.pem", "key": "/nonexistent.pem"}}}, "/nonexistent.pem"),
        ({"projects": {"gateway": {"endpoint": "https://x", "ca_file": "/nonexistent.pem"}}}, "/nonexistent.pem"),
    ],
)
def test_failed_start_says_what_is_wrong(
    tmp_path: Path, settings: dict[str, Any], change: dict[str, Any], says: str
) -> None:
    """One line, no traceback, no value that may be a secret."""
    said = run_to_failure(tmp_path, {**settings, **change})
    assert says in said
    assert "clear-secret" not in said
    assert len(said.strip().splitlines()) == 1


def test_what_is_less_safe_is_said_at_each_start(
    tmp_path: Path, settings: dict[str, Any], redis_server: RedisServer
) -> None:
    """No switch turns encryption off without a word in the log; where all is in order there is none."""
    open_to_all = {"host": "0.0.0.0", "port": 0, "plaintext_beyond_loopback": True}  # noqa: S104 - that is the point
    for grpc_settings, warned in ((open_to_all, True), ({"port": 0}, False)):
        api = start_api(tmp_path, {**settings, "grpc": grpc_settings}, redis_server.url)
        assert api.stop() == 0
        assert ("passwords can be read on the way" in api.log.read_text()) is warned
        api.log.unlink()


def test_taken_port_is_said(tmp_path: Path, settings: dict[str, Any]) -> None:
    """With what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port}" in run_to_failure(tmp_path, {**settings, "grpc": {"port": port}})


def test_stop_ends_watchers_and_lets_them_come_again(
    tmp_path: Path, settings: dict[str, Any], redis_server: RedisServer, submit: Submit
) -> None:
    """SIGTERM: streams end with UNAVAILABLE, at once, and the exit code is 0."""
    api = start_api(tmp_path, settings, redis_server.url)
    job = submit()
    stream = api.jobs.Watch(job_service_pb2.WatchRequest(ids=[job.id]), metadata=JAN, timeout=SECONDS)
    next(stream)
    api.process.terminate()
    assert code(lambda: next(stream)) is StatusCode.UNAVAILABLE
    assert api.process.wait(SECONDS) == 0  # a second signal might find it past its last step
    api.channel.close()


def test_hash_password_asks_and_prints_the_hash() -> None:
    """For service_users in the configuration."""
    ended = subprocess.run(
        [BIN / "stager-api", "hash-password"], input="pw\npw\n", capture_output=True, text=True, timeout=SECONDS,
        check=True,
    )  # fmt: skip
    assert ended.stdout.startswith("$argon2id$")
    from stager_api.identity.passwords import verify

    assert verify(ended.stdout.strip(), "pw")


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A run of stager-api to its end."""
    return subprocess.run(
        [BIN / "stager-api", *arguments],
        env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


def test_command_without_a_subcommand_serves(
    tmp_path: Path, settings: dict[str, Any], redis_server: RedisServer
) -> None:
    """`stager-api --config FILE`, as `serve` does."""
    api = start_api(tmp_path, settings, redis_server.url, arguments=())
    assert api.credentials.GetSealingKey(credential_service_pb2.GetSealingKeyRequest(), timeout=SECONDS).key_id == "k1"
    assert api.stop() == 0


def test_health_follows_redis(
    tmp_path: Path, settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Without Redis the service as a whole doesn't serve, and directories do; with it everything does."""
    server = RedisServer(tmp_path_factory.mktemp("r"))
    server.start()
    api = start_api(tmp_path, settings, server.url)
    try:
        config = tmp_path / "api-server.yml"
        ask = ("health", "--config", config, "--address", api.address)
        good = command(*ask)
        assert (good.returncode, good.stdout) == (0, f"SERVING {api.address}\n")
        server.kill()
        _until(lambda: command(*ask).returncode != 0)
        assert "NOT_SERVING" in command(*ask).stderr
        assert command(*ask, "--service", "stager.v1.DirectoryService").returncode == 0
        server.start()
        _until(lambda: command(*ask).returncode == 0)
    finally:
        server.kill()
        assert api.stop() == 0
    gone = command(*ask)
    assert gone.returncode == 1
    assert "gives no answer (UNAVAILABLE)" in gone.stderr


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_tls_and_client_certificates(
    tmp_path: Path, settings: dict[str, Any], redis_server: RedisServer, users: Users
) -> None:
    """A client without a certificate gets nowhere; one in the configuration needs no other login."""
    servers, clients = Authority(tmp_path, "servers"), Authority(tmp_path, "clients")
    server, server_key = servers.issue("server", "localhost", "127.0.0.1")
    port, health = free_port(), free_port()
    changed = {
        **settings,
        "grpc": {
            "port": port,
            "tls": {"certificate": str(server), "key": str(server_key), "client_ca": str(clients.certificate)},
        },
        "health": {"port": health},
        "client_certificates": {
            "ui.example.org": {"acts_as": [users.jan]}, "plain": {"acts_as": [users.piet]}, "b": {},
        },
    }  # fmt: skip

    def channel(name: str, *alternatives: str, by: Authority = clients) -> grpc.ChannelCredentials:
        certificate, key = by.issue(name, *alternatives)
        return grpc.ssl_channel_credentials(
            servers.certificate.read_bytes(), key.read_bytes(), certificate.read_bytes()
        )

    api = start_api(tmp_path, changed, redis_server.url, channel("whatever", "ui.example.org"))
    try:
        own = job_service_pb2.JobServiceListRequest()
        piets = job_service_pb2.JobServiceListRequest(stager_user=users.piet)
        assert api.jobs.List(own, timeout=SECONDS) is not None
        assert code(lambda: api.jobs.List(piets, timeout=SECONDS)) is StatusCode.PERMISSION_DENIED
        assert api.jobs.List(piets, metadata=login("piet"), timeout=SECONDS) is not None
        wrong = login("piet", "wrong")
        assert code(lambda: api.jobs.List(own, metadata=wrong, timeout=SECONDS)) is StatusCode.UNAUTHENTICATED

        def answer(credentials: grpc.ChannelCredentials | None, request: job_service_pb2.JobServiceListRequest) -> str:
            other = (
                grpc.secure_channel(api.address, credentials, [("grpc.ssl_target_name_override", "localhost")])
                if credentials
                else grpc.insecure_channel(api.address)
            )
            with other:
                jobs = Api(api.address, api.process, api.log, other).jobs
                try:
                    jobs.List(request, timeout=5)
                except grpc.RpcError as error:
                    return str(error.code().name)
                return "OK"

        assert answer(channel("plain"), piets) == "OK"
        # A common name counts only where there is no alternative name; two that are known are one too many.
        assert answer(channel("plain", "other.example.org"), piets) == "UNAUTHENTICATED"
        assert answer(channel("x", "ui.example.org", "b"), own) == "UNAUTHENTICATED"
        assert answer(channel("y"), own) == "UNAUTHENTICATED"
        assert answer(channel("z", "ui.example.org", by=servers), own) == "UNAVAILABLE"
        assert answer(grpc.ssl_channel_credentials(servers.certificate.read_bytes()), own) == "UNAVAILABLE"
        assert answer(None, own) == "UNAVAILABLE"
        probed = command("health", "--config", tmp_path / "api-server.yml")
        assert (probed.returncode, probed.stdout) == (0, f"SERVING 127.0.0.1:{health}\n")
    finally:
        assert api.stop() == 0


def test_health_over_tls_trusts_the_services_own_certificate(
    tmp_path: Path, settings: dict[str, Any], redis_server: RedisServer
) -> None:
    """A probe in the container needs no authority; another service on that port is not taken for this one."""
    certificate, key = Authority(tmp_path, "one").issue("server", "stager.example.org")
    port = free_port()
    changed = {**settings, "grpc": {"port": port, "tls": {"certificate": str(certificate), "key": str(key)}}}
    api = start_api(tmp_path, changed, redis_server.url, grpc.ssl_channel_credentials(certificate.read_bytes()))
    try:
        probed = command("health", "--config", tmp_path / "api-server.yml")
        assert (probed.returncode, probed.stderr) == (0, "")
        (tmp_path / "two").mkdir()
        other, _ = Authority(tmp_path / "two", "two").issue("server", "stager.example.org")
        certificate.write_bytes(other.read_bytes())
        assert command("health", "--config", tmp_path / "api-server.yml").returncode == 1
    finally:
        assert api.stop() == 0


def test_call_is_known_by_its_request_id(running_api: Api) -> None:
    """A client's id, or one that is made, comes back and stands in the log."""
    stub = running_api.jobs.List
    request = job_service_pb2.JobServiceListRequest(page_size=-1)
    for given, comes_back in (("trace-17", True), ("bad id!", False), ("x" * 65, False)):
        with pytest.raises(grpc.RpcError) as caught:
            stub(request, metadata=[*JAN, ("x-request-id", given)], timeout=SECONDS)
        returned = dict(caught.value.trailing_metadata())["x-request-id"]
        assert (returned == given) is comes_back
        assert f'"{returned}"' in running_api.log.read_text()
    _, call = running_api.credentials.GetSealingKey.with_call(
        credential_service_pb2.GetSealingKeyRequest(), timeout=SECONDS
    )
    assert len(dict(call.trailing_metadata())["x-request-id"]) == 16
