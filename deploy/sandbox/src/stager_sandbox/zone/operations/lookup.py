"""What a path is, to a user; and touching it."""

import os
from typing import Final

from stager_sandbox.zone.catalogue import Catalogue, paths
from stager_sandbox.zone.catalogue.collections import Collection
from stager_sandbox.zone.catalogue.objects import Replica
from stager_sandbox.zone.catalogue.schema import MODIFY, MODIFY_METADATA
from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.operations.permissions import visible_collection, visible_object
from stager_sandbox.zone.operations.replicas import ReplicaOperations

_NEITHER: Final = (
    "CAT_NOT_A_DATAOBJ_AND_NOT_A_COLLECTION: Logical path does not point to a collection or data object.\n\n"
)


class LookupOperations:
    """Finds what stands at a path."""

    def __init__(self, catalogue: Catalogue, replicas: ReplicaOperations) -> None:
        self._catalogue = catalogue
        self._replicas = replicas

    def object(self, user: User, path: str) -> Replica | None:
        """The data object there that the user may read, if any."""
        try:
            return visible_object(self._catalogue, user, paths.clean(path))
        except ZoneError:
            return None

    def collection(self, user: User, path: str) -> Collection | None:
        """The collection there that the user may read, if any."""
        return visible_collection(self._catalogue, user, paths.clean(path))

    def modified(self, user: User, path: str) -> str:
        """The modify time of what is there.

        Raises:
            ZoneError: INVALID_OBJECT_TYPE when nothing is.
        """
        found = self.object(user, path) or self.collection(user, path)
        if found is None:
            raise ZoneError(Code.INVALID_OBJECT_TYPE, "cannot get mtime: INVALID_OBJECT_TYPE")
        return found.modified

    def touch(self, user: User, path: str, when: str, *, create: bool) -> None:
        """Set the modify time of what is there; make an empty data object of it if nothing is.

        Raises:
            ZoneError: CAT_NO_ACCESS_PERMISSION, CAT_NOT_A_DATAOBJ_AND_NOT_A_COLLECTION.
        """
        found = self.object(user, path)
        collection = None if found else self.collection(user, path)
        if found is None and collection is None:
            if not create:
                return
            try:
                opened = self._replicas.open(user, path, os.O_WRONLY | os.O_CREAT)
            except ZoneError as error:
                raise ZoneError(Code.CAT_NOT_A_DATAOBJ_AND_NOT_A_COLLECTION, *error.said, _NEITHER) from None
            self._replicas.close(opened)
            self._catalogue.objects.touch(opened.replica.data_id, when)
            return
        identity = found.data_id if found else collection.collection_id if collection else 0
        if self._catalogue.access.level(user, identity) < (MODIFY_METADATA if found else MODIFY):
            code = Code.CAT_NO_ACCESS_PERMISSION
            if found:
                raise ZoneError(code, f"{code.name}: cannot set mtime for [{path}]\n\n")
            raise ZoneError(code, f"no permission to update collection '{path}'", f"cannot set mtime: {code.name}")
        if found:
            self._replicas.require_unlocked(found)
            self._catalogue.objects.touch(identity, when)
        else:
            self._catalogue.collections.touch(identity, when)
