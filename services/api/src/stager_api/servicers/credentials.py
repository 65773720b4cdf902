"""CredentialService."""

from __future__ import annotations

from stager.v1 import credential_service_pb2 as pb
from stager.v1 import credential_service_pb2_grpc

from stager_api.calls import Context
from stager_api.sealing_keys import SealingKeys
from stager_api.threads import Threads


class CredentialServicer(credential_service_pb2_grpc.CredentialServiceServicer):
    """See protos/stager/v1/credential_service.proto."""

    def __init__(self, keys: SealingKeys, threads: Threads) -> None:
        self._keys = keys
        self._run = threads.jobs

    async def GetSealingKey(self, request: pb.GetSealingKeyRequest, context: Context) -> pb.GetSealingKeyResponse:
        """See the contract."""
        key = await self._run(self._keys.current)
        return pb.GetSealingKeyResponse(key_id=key.key_id, public_key_pem=key.pem)
