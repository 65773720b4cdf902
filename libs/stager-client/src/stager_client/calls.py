"""One call as a value, so that the logic around calls is written once for the sync and the asyncio client."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import grpc
from stager.v1 import (
    credential_service_pb2_grpc,
    directory_service_pb2_grpc,
    job_service_pb2_grpc,
    project_service_pb2_grpc,
)

Req = TypeVar("Req")
Res = TypeVar("Res")
T = TypeVar("T")


class Stubs:
    """The generated stubs of all services over one channel, sync or asyncio."""

    def __init__(self, channel: grpc.Channel | grpc.aio.Channel) -> None:
        # The generated classes take either; what differs is what calling one of their members gives.
        plain = cast("grpc.Channel", channel)
        self.jobs = job_service_pb2_grpc.JobServiceStub(plain)
        self.credentials = credential_service_pb2_grpc.CredentialServiceStub(plain)
        self.directories = directory_service_pb2_grpc.DirectoryServiceStub(plain)
        self.projects = project_service_pb2_grpc.ProjectServiceStub(plain)


@dataclass(frozen=True)
class Call(Generic[Req, Res]):
    """A call to be made.

    Attributes:
        rpc: Picks the method, such as `lambda stubs: stubs.jobs.Get`.
        request: Its argument; sent again as it is where a try was lost.
        patience: By how much longer than usual one try may take.
    """

    rpc: Callable[[Stubs], grpc.UnaryUnaryMultiCallable[Req, Res]]
    request: Req
    patience: float = 1.0


Steps = Generator[Call[Any, Any], Any, T]
"""Logic that yields calls, is sent their answers (or has the StagerError thrown in), and returns a T."""


def answer(call: Call[Req, Res]) -> Steps[Res]:
    """Make one call and return its answer; to be used with `yield from`."""
    response: Res = yield call
    return response
