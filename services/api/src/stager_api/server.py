"""The gRPC server: its options, its services, its start and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection
from stager.v1 import (
    credential_service_pb2_grpc,
    directory_service_pb2_grpc,
    job_service_pb2_grpc,
    project_service_pb2_grpc,
)

from stager_api.calls import CallGuard
from stager_api.health import NOT_SERVING, SERVING, QueueHealth
from stager_api.servicers.credentials import CredentialServicer
from stager_api.servicers.directories import DirectoryServicer
from stager_api.servicers.jobs import JobServicer
from stager_api.servicers.projects import ProjectServicer

QUEUE_NAMES = ("", "stager.v1.JobService")
"""What serves only while the queue can be reached; the empty name is the service as a whole."""
NAMES = tuple(f"stager.v1.{name}Service" for name in ("Job", "Directory", "Project", "Credential"))


class ListenError(Exception):
    """The address can't be listened on."""


@dataclass(frozen=True, slots=True)
class Servicers:
    """One for each service of the contract."""

    jobs: JobServicer
    directories: DirectoryServicer
    projects: ProjectServicer
    credentials: CredentialServicer


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, and with what certificate; port 0 lets the kernel choose."""

    host: str
    port: int
    certificate: grpc.ServerCredentials | None
    reflection: bool = True
    most_message_bytes: int = 4_194_304
    most_calls: int = 5000
    health: tuple[str, int] | None = None
    """Address and port of a second, plain listener for the health service alone."""


class ApiServer:
    """Serves the contract, with the standard health and reflection services beside it."""

    def __init__(
        self, servicers: Servicers, guard: CallGuard, listening: Listening, check_queue: Callable[[], None]
    ) -> None:
        """Put it together; nothing is listened on before `start`.

        Args:
            servicers: What answers.
            guard: What every call goes through.
            listening: Where.
            check_queue: Raises JobStoreError where the queue doesn't answer.
        """
        self._server = grpc.aio.server(
            interceptors=[guard],
            options=_options(listening.most_message_bytes),
            maximum_concurrent_rpcs=listening.most_calls,
        )
        self._health = HealthServicer()
        self._queue_health = QueueHealth(check_queue, QUEUE_NAMES)
        self._looking: asyncio.Task[None] | None = None
        self._health_server: grpc.aio.Server | None = None
        job_service_pb2_grpc.add_JobServiceServicer_to_server(servicers.jobs, self._server)
        directory_service_pb2_grpc.add_DirectoryServiceServicer_to_server(servicers.directories, self._server)
        project_service_pb2_grpc.add_ProjectServiceServicer_to_server(servicers.projects, self._server)
        credential_service_pb2_grpc.add_CredentialServiceServicer_to_server(servicers.credentials, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if listening.reflection:
            names = (*NAMES, "grpc.health.v1.Health", reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._server)
        self._listening = listening

    async def start(self) -> str:
        """Begin to answer; the address, HOST:PORT.

        Raises:
            ListenError: It is taken, not of this machine, or not allowed.
        """
        address = _bind(self._server, self._listening.host, self._listening.port, self._listening.certificate, "grpc")
        if self._listening.health:
            self._health_server = grpc.aio.server(options=_options(65_536), maximum_concurrent_rpcs=100)
            health_pb2_grpc.add_HealthServicer_to_server(self._health, self._health_server)
            _bind(self._health_server, *self._listening.health, None, "health")
        for name in NAMES:
            await self._health.set(name, SERVING)
        for name in QUEUE_NAMES:
            await self._health.set(name, NOT_SERVING)
        await self._queue_health.look(self._health)
        self._looking = asyncio.create_task(self._queue_health.watch(self._health))
        await self._server.start()
        if self._health_server:
            await self._health_server.start()
        return address

    async def stop(self, seconds: float) -> None:
        """Take no more calls; those under way have `seconds` to end."""
        if self._looking:
            self._looking.cancel()
        await self._health.enter_graceful_shutdown()
        await self._server.stop(seconds)
        if self._health_server:
            await self._health_server.stop(0)


def _bind(
    server: grpc.aio.Server, host: str, port: int, certificate: grpc.ServerCredentials | None, section: str
) -> str:
    """Listen there; the address with the port that it became."""
    host = f"[{host}]" if ":" in host else host
    address = f"{host}:{port}"
    try:
        bound = server.add_secure_port(address, certificate) if certificate else server.add_insecure_port(address)
    except RuntimeError as error:
        raise ListenError(
            f"can't listen on {address}: it is taken by another program, or not an address of this machine; "
            f"set {section}.host and {section}.port"
        ) from error
    return f"{host}:{bound}"


def _options(most_message_bytes: int) -> Sequence[tuple[str, int]]:
    return (
        ("grpc.so_reuseport", 0),  # a second server on the same port is an error, not a silent half of the calls
        ("grpc.max_receive_message_length", most_message_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", 32_768),
        ("grpc.max_concurrent_streams", 1000),
        ("grpc.server_handshake_timeout_ms", 20_000),  # a connection that says nothing is given up
        ("grpc.max_connection_idle_ms", 600_000),  # clients connect again by themselves
        ("grpc.keepalive_time_ms", 30_000),  # a client that went away is found out within a minute
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
    )
