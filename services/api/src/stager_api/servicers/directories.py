"""DirectoryService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from stager.v1 import directory_service_pb2 as pb
from stager.v1 import directory_service_pb2_grpc

from stager_api import wire
from stager_api.accounts import Account
from stager_api.calls import Context, caller
from stager_api.directories.free_space import FreeSpace
from stager_api.directories.list_directory import DirectoryRequest, ListDirectory
from stager_api.directories.measure import MeasureTrees
from stager_api.principal import Principal
from stager_api.threads import Threads


class DirectoryServicer(directory_service_pb2_grpc.DirectoryServiceServicer):
    """See protos/stager/v1/directory_service.proto."""

    def __init__(
        self, list_directory: ListDirectory, measure: MeasureTrees, free_space: FreeSpace, threads: Threads
    ) -> None:
        self._list = list_directory
        self._measure = measure
        self._free_space = free_space
        self._run = threads.directories

    async def List(self, request: pb.DirectoryServiceListRequest, context: Context) -> pb.DirectoryServiceListResponse:
        """See the contract."""
        wanted = DirectoryRequest(
            request.path, request.stager_user, request.include_hidden, request.page_size, request.page_token
        )
        return wire.directory_message(await self._run(self._list, caller(), wanted))

    async def Measure(self, request: pb.MeasureRequest, context: Context) -> AsyncIterator[pb.MeasureResponse]:
        """See the contract."""

        async def enter(who: Principal, user: str) -> tuple[Account, list[str]]:
            return await self._run(self._measure.storage.enter, who, user)

        async with aclosing(self._measure(caller(), request.paths, request.stager_user, enter)) as measurements:
            async for measurement in measurements:
                yield wire.measurement_message(measurement)

    async def GetFreeSpace(self, request: pb.GetFreeSpaceRequest, context: Context) -> pb.GetFreeSpaceResponse:
        """See the contract."""
        space = await self._run(self._free_space, caller(), request.path, request.stager_user)
        return pb.GetFreeSpaceResponse(free_bytes=space.free, total_bytes=space.total)
