"""ProjectService."""

from __future__ import annotations

from stager.v1 import project_service_pb2 as pb
from stager.v1 import project_service_pb2_grpc

from stager_api.calls import Context
from stager_api.projects.resolve import ResolveCollection
from stager_api.threads import Threads


class ProjectServicer(project_service_pb2_grpc.ProjectServiceServicer):
    """See protos/stager/v1/project_service.proto."""

    def __init__(self, resolve: ResolveCollection, threads: Threads) -> None:
        self._resolve = resolve
        self._run = threads.projects

    async def ResolveCollection(
        self, request: pb.ResolveCollectionRequest, context: Context
    ) -> pb.ResolveCollectionResponse:
        """See the contract."""
        return pb.ResolveCollectionResponse(collection=await self._run(self._resolve, request.project))
