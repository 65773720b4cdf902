"""Starts what the tests need: Redis and the service; and speaks with them."""

from __future__ import annotations

import base64
import http.server
import ipaddress
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.rpc import error_details_pb2, status_pb2
from redis.exceptions import RedisError
from stager.v1 import (
    credential_service_pb2_grpc,
    directory_service_pb2_grpc,
    job_pb2,
    job_service_pb2_grpc,
    project_service_pb2_grpc,
)
from stager_redis import connect
from stager_sandbox.redis_server import find_redis_server

BIN = Path(sys.executable).parent
ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="needs root, to be several users")
OPEN = "/tmp"  # noqa: S108 - what is made in it has names of its own
"""A folder that all users may search; pytest's own folders are for one user only."""
SECONDS = 20
"""No call of a test takes longer."""


class RedisServer:
    """A server on a socket in a folder of its own, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.url, self._folder = f"unix://{folder}/redis.sock", folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = ["--port", "0", "--unixsocket", str(self._folder / "redis.sock"), "--dir", str(self._folder)]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [find_redis_server(), *options, "--appendonly", "yes"], stdout=log, stderr=log
            )
        client, deadline = connect(self.url), time.monotonic() + SECONDS
        while True:
            try:
                client.ping()
            except RedisError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """As a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


@dataclass(frozen=True)
class Users:
    """Two people and a group that one of them is in besides their own; without root, jan runs the tests."""

    jan: str
    piet: str
    group: str


@dataclass
class Api:
    """A running service and how to speak with it."""

    address: str
    process: subprocess.Popen[str]
    log: Path
    channel: grpc.Channel
    jobs: job_service_pb2_grpc.JobServiceStub = field(init=False)
    directories: directory_service_pb2_grpc.DirectoryServiceStub = field(init=False)
    projects: project_service_pb2_grpc.ProjectServiceStub = field(init=False)
    credentials: credential_service_pb2_grpc.CredentialServiceStub = field(init=False)

    def __post_init__(self) -> None:
        """Make the stubs."""
        self.jobs = job_service_pb2_grpc.JobServiceStub(self.channel)
        self.directories = directory_service_pb2_grpc.DirectoryServiceStub(self.channel)
        self.projects = project_service_pb2_grpc.ProjectServiceStub(self.channel)
        self.credentials = credential_service_pb2_grpc.CredentialServiceStub(self.channel)

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.channel.close()
        self.process.terminate()
        return self.process.wait(SECONDS)


def write_config(folder: Path, settings: dict[str, Any]) -> Path:
    """A configuration file; JSON is YAML."""
    path = folder / "api-server.yml"
    path.write_text(json.dumps(settings))
    return path


def start_api(
    folder: Path,
    settings: dict[str, Any],
    redis_url: str,
    credentials: grpc.ChannelCredentials | None = None,
    arguments: Sequence[str] = ("serve",),
) -> Api:
    """Run the service until it says that it is ready."""
    log = folder / "api.log"
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [BIN / "stager-api", *arguments, "--config", write_config(folder, settings)],
            env={"PATH": "/usr/bin:/bin", "STAGER_REDIS_URL": redis_url},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    assert process.stdout
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline() if selector.select(SECONDS) else ""
    if not line.startswith("ready "):
        process.kill()
        raise AssertionError(f"not ready: {line!r}\n{log.read_text()}")
    address = line.split()[1]
    options = [("grpc.max_receive_message_length", 64 * 2**20)]
    channel = (
        grpc.secure_channel(address, credentials, [*options, ("grpc.ssl_target_name_override", "localhost")])
        if credentials
        else grpc.insecure_channel(address, options)
    )
    return Api(address, process, log, channel)


def login(name: str, password: str = "pw") -> list[tuple[str, str]]:
    """Metadata of a service user."""
    return [("authorization", "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode())]


JAN, PIET, STREAMER = login("jan"), login("piet"), login("streamer")


MakeTask = Callable[..., job_pb2.Task]


Submit = Callable[..., job_pb2.Job]


def refused(call: Callable[[], object]) -> grpc.RpcError:
    """The error that a call ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


def code(call: Callable[[], object]) -> grpc.StatusCode:
    """The status that a call is refused with."""
    return refused(call).code()


def violations(error: grpc.RpcError) -> dict[str, str]:
    """The field violations that an error carries."""
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(details)
    faults = error_details_pb2.BadRequest()
    assert status.details[0].Unpack(faults)
    assert status.code == error.code().value[0]
    return {fault.field: fault.description for fault in faults.field_violations}


class WebServer:
    """An HTTP server on loopback: `answers` maps a path to a status and a JSON document, or to what makes them."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, dict[str, str], str]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                outer.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                found = outer.answers.get(self.path, (404, {}))
                status, document = found(outer.asked[-1]) if callable(found) else found
                data = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET  # noqa: N815 - the base class looks for this name

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [path for path, _, _ in self.asked]


class Authority:
    """A certificate authority, and what it signs, as PEM files in a folder."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = self._write(f"{name}.pem", self._sign(self._name, self._key.public_key(), None))

    def issue(self, name: str, *alternatives: str) -> tuple[Path, Path]:
        """A certificate with this common name, for these hosts, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        names = [_general_name(one) for one in alternatives]
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        made = self._write(f"{name}.pem", self._sign(subject, key.public_key(), names))
        return made, self._write(f"{name}.key", private)

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, names: list[x509.GeneralName] | None) -> bytes:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _write(self, name: str, data: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(data)
        return path


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def audit_lines(path: Path) -> list[dict[str, str]]:
    """What stands in an audit file."""
    return [json.loads(line) for line in path.read_text().splitlines()]
