"""Whole objects in one call: put and get."""

import os

from stager_sandbox.zone.catalogue import Catalogue, paths
from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.operations.extras import require_extras
from stager_sandbox.zone.operations.objects import ObjectOperations
from stager_sandbox.zone.operations.permissions import visible_collection
from stager_sandbox.zone.operations.replicas import OpenReplica, ReplicaOperations


class TransferOperations:
    """Puts and gets whole data objects."""

    def __init__(self, catalogue: Catalogue, replicas: ReplicaOperations, objects: ObjectOperations) -> None:
        self._catalogue = catalogue
        self._replicas = replicas
        self._objects = objects

    def put(  # noqa: PLR0913 - what a put says
        self,
        user: User,
        path: str,
        data: bytes | bytearray | memoryview,
        *,
        size: int,
        keywords: dict[str, str],
        mode: int = 0,
    ) -> None:
        """Store a data object's bytes, with checksum, AVUs and access list if the keywords bring them.

        Args:
            user: Who puts.
            path: The data object.
            data: Its bytes.
            size: How many the client announced.
            keywords: ``forceFlag``, ``verifyChksum``, ``regChksum``, ``metadataIncluded``, ``aclIncluded``, …
            mode: The mode to record for a new one.

        Raises:
            ZoneError: OVERWRITE_WITHOUT_FORCE_FLAG; SYS_COPY_LEN_ERR and USER_CHKSUM_MISMATCH, both of which leave a
                stale replica with the bytes that came, the old ones gone.
        """
        path = paths.clean(path)
        self._require_force(user, path, keywords)
        require_extras(keywords)
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
        opened = self._replicas.open(user, path, flags, keywords=keywords, announced=len(data), mode=mode)
        try:
            written = opened.write(data)
        except ZoneError:
            self._replicas.abandon(opened)
            raise
        if written < len(data) or (size > 0 and size != len(data)):
            self._replicas.abandon(opened, size=opened.replica.size)
            raise ZoneError(Code.SYS_COPY_LEN_ERR)
        self._replicas.close(opened)

    def begin_put(self, user: User, path: str, *, size: int, keywords: dict[str, str], mode: int = 0) -> OpenReplica:
        """Open a data object to be written anew, as `put` does in one go; the caller writes and closes.

        Raises:
            ZoneError: OVERWRITE_WITHOUT_FORCE_FLAG, and what an opening may raise.
        """
        self._require_force(user, path, keywords)
        require_extras(keywords)
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
        return self._replicas.open(user, path, flags, keywords=keywords, announced=size, mode=mode)

    def _require_force(self, user: User, path: str, keywords: dict[str, str]) -> None:
        there = self._objects.exists(user, path) or visible_collection(self._catalogue, user, paths.clean(path))
        if there and "forceFlag" not in keywords:
            raise ZoneError(Code.OVERWRITE_WITHOUT_FORCE_FLAG)

    def get(self, user: User, path: str, keywords: dict[str, str]) -> OpenReplica:
        """Open a data object to be read whole; the caller closes it.

        Raises:
            ZoneError: CAT_NO_ROWS_FOUND when there is none for the user.
        """
        try:
            return self._replicas.open(user, path, os.O_RDONLY, keywords=keywords)
        except ZoneError as error:
            if error.code == Code.OBJ_PATH_DOES_NOT_EXIST:
                raise ZoneError(Code.CAT_NO_ROWS_FOUND) from None
            raise
