"""Removing, renaming, copying and checksumming data objects."""

import os
import secrets
from dataclasses import dataclass

from stager_sandbox.zone.catalogue import Catalogue, paths
from stager_sandbox.zone.catalogue.database import now
from stager_sandbox.zone.catalogue.objects import Replica, Status
from stager_sandbox.zone.catalogue.schema import DELETE, MODIFY, MODIFY_METADATA, OWN, READ
from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.operations.collections import CollectionOperations, require_free, trash_path
from stager_sandbox.zone.operations.permissions import visible_collection, visible_object
from stager_sandbox.zone.operations.replicas import ReplicaOperations
from stager_sandbox.zone.storage import Storage, scheme_of

_LEAST_COPIED_MODE = 0o100  # the real server copies no less


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark of a checksum verification."""

    severity: str
    code: int
    message: str


class UnrecordedError(ZoneError):
    """A checksum was computed for someone who may not record it.

    Attributes:
        checksum: What was computed.
    """

    def __init__(self, checksum: str) -> None:
        super().__init__(Code.CAT_NO_ACCESS_PERMISSION)
        self.checksum = checksum


class ObjectOperations:
    """What users do to data objects besides opening them."""

    def __init__(
        self, catalogue: Catalogue, storage: Storage, replicas: ReplicaOperations, collections: CollectionOperations
    ) -> None:
        self._catalogue = catalogue
        self._storage = storage
        self._replicas = replicas
        self._collections = collections

    def exists(self, user: User, path: str) -> bool:
        """Whether there is a data object of that path that the user may read."""
        try:
            visible_object(self._catalogue, user, paths.clean(path))
        except ZoneError:
            return False
        return True

    def remove(self, user: User, path: str) -> None:
        """Remove a data object for good.

        Raises:
            ZoneError: CAT_NO_ROWS_FOUND, CAT_NO_ACCESS_PERMISSION, LOCKED_DATA_OBJECT_ACCESS.
        """
        with self._catalogue.database.transaction():
            found = visible_object(self._catalogue, user, paths.clean(path), DELETE)
            self._replicas.require_unlocked(found)
            self._catalogue.objects.remove(found.data_id)
        self._storage.remove(found.data_id)

    def trash(self, user: User, path: str) -> None:
        """Move a data object to the user's trash."""
        path = paths.clean(path)
        with self._catalogue.database.transaction():
            found = visible_object(self._catalogue, user, path, OWN)  # it is renamed
            self._replicas.require_unlocked(found)
            wanted = destination = trash_path(self._catalogue, user, path)
            self._catalogue.ensure_collection(paths.split(destination)[0], user, user)
            while self._catalogue.objects.find(destination) or self._catalogue.collections.find(destination):
                destination = f"{wanted}.{secrets.randbelow(10**10)}"
            self._move(found, destination)

    def rename(self, user: User, source: str, destination: str) -> None:
        """Give a data object another path; never over an existing one.

        Raises:
            ZoneError: CAT_NO_ROWS_FOUND, CAT_NO_ACCESS_PERMISSION, CAT_UNKNOWN_COLLECTION,
                CAT_NAME_EXISTS_AS_DATAOBJ or _COLLECTION, SAME_SRC_DEST_PATHS_ERR, LOCKED_DATA_OBJECT_ACCESS.
        """
        source, destination = paths.clean(source), paths.clean(destination)
        if source == destination:
            raise ZoneError(Code.SAME_SRC_DEST_PATHS_ERR)
        with self._catalogue.database.transaction():
            found = visible_object(self._catalogue, user, source, DELETE)
            self._replicas.require_unlocked(found)
            if self._catalogue.access.level(user, found.data_id) < OWN:
                raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION)
            require_free(self._catalogue, source, destination)
            parent = visible_collection(self._catalogue, user, paths.split(destination)[0])
            if parent is None:
                raise ZoneError(Code.CAT_UNKNOWN_COLLECTION)
            paths.require_name(destination)
            moves = parent.collection_id != found.collection_id
            if moves and self._catalogue.access.level(user, parent.collection_id) < MODIFY:
                raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION)
            require_free(self._catalogue, destination, destination)
            self._move(found, destination)

    def _move(self, found: Replica, destination: str) -> None:
        parent, name = paths.split(destination)
        collection = self._catalogue.collections.find(parent)
        if collection is None:
            raise ZoneError(Code.CAT_UNKNOWN_COLLECTION)
        self._catalogue.objects.move(found.data_id, collection, name)
        self._catalogue.collections.touch(found.collection_id)
        self._catalogue.collections.touch(collection.collection_id)

    def copy(self, user: User, source: str, destination: str, *, force: bool, keywords: dict[str, str]) -> int:
        """Copy a data object, into a collection that is made if missing; give back the number of bytes.

        Raises:
            ZoneError: USER_INPUT_PATH_ERR when there is none and onto itself, OVERWRITE_WITHOUT_FORCE_FLAG, and what
                opening the destination may raise.
        """
        try:
            found = visible_object(self._catalogue, user, paths.clean(source), READ)
        except ZoneError:
            raise ZoneError(Code.USER_INPUT_PATH_ERR) from None
        if self.exists(user, destination) and not force:
            raise ZoneError(Code.OVERWRITE_WITHOUT_FORCE_FLAG)
        if paths.clean(source) == paths.clean(destination):
            raise ZoneError(Code.USER_INPUT_PATH_ERR)
        self._collections.make(user, paths.split(paths.clean(destination))[0], recursive=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        mode = int(found.mode or 0)
        opened = self._replicas.open(
            user, destination, flags, keywords=keywords, mode=mode if mode >= _LEAST_COPIED_MODE else 0
        )
        try:
            copied = self._storage.copy(found.data_id, opened.replica.data_id)
        except ZoneError:
            self._replicas.abandon(opened)
            raise
        opened.wrote = True
        if "verifyChksum" in keywords:
            opened.keywords["regChksum"] = ""
        opened.keywords.pop("verifyChksum", None)
        self._replicas.close(opened)
        return copied

    def truncate(self, user: User, path: str, size: int, *, blindly: bool = False) -> bool:
        """Set a data object's size, and forget its checksum; say whether it had another.

        Args:
            user: Who wants it so.
            path: The data object.
            size: Its size to be.
            blindly: Whether who may only read it is refused no sooner than the file has been cut, as the newer of the
                real server's two calls does.

        Raises:
            ZoneError: OBJ_PATH_DOES_NOT_EXIST, CAT_NO_ACCESS_PERMISSION, LOCKED_DATA_OBJECT_ACCESS,
                UNIX_FILE_TRUNCATE_ERR with the errno, as for a size below zero.
        """
        try:
            found = visible_object(self._catalogue, user, paths.clean(path), READ if blindly else MODIFY_METADATA)
        except ZoneError as error:
            if error.code == Code.CAT_NO_ROWS_FOUND:
                raise ZoneError(Code.OBJ_PATH_DOES_NOT_EXIST) from None
            raise
        self._replicas.require_unlocked(found)
        if found.size == size:
            return False
        self._storage.truncate(found.data_id, size)
        if self._catalogue.access.level(user, found.data_id) < MODIFY_METADATA:
            raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION)
        self._catalogue.objects.finish(found.data_id, status=found.status, size=size, checksum="", modified=now())
        return True

    def checksum(self, user: User, path: str, *, force: bool = False) -> str:
        """The recorded checksum; computed and recorded first if there is none, or if told.

        Raises:
            UnrecordedError: They may not record it.
            ZoneError: CAT_NO_ROWS_FOUND, SYS_REPLICA_INACCESSIBLE while it is being written.
        """
        found = visible_object(self._catalogue, user, paths.clean(path), READ)
        if found.status not in {Status.STALE, Status.GOOD}:
            raise ZoneError(Code.SYS_REPLICA_INACCESSIBLE)
        if found.checksum and not force:
            return found.checksum
        computed = self._replicas.compute_checksum(found)
        if self._catalogue.access.level(user, found.data_id) < MODIFY_METADATA:
            raise UnrecordedError(computed)
        self._catalogue.objects.set_checksum(found.data_id, computed)
        return computed

    def verify(self, user: User, path: str, *, compute: bool = True) -> list[Finding]:
        """Compare size and checksum with the bytes; an empty list when all is well.

        Raises:
            ZoneError: CAT_NO_ROWS_FOUND, SYS_NO_GOOD_REPLICA.
        """
        found = visible_object(self._catalogue, user, paths.clean(path), READ)
        if found.status != Status.GOOD:
            raise ZoneError(Code.SYS_NO_GOOD_REPLICA)
        findings = []
        if self._storage.size(found.data_id) != found.size:
            text = "ERROR: Physical size does not match size in catalog for replica [0]."
            findings.append(Finding("error", Code.USER_FILE_SIZE_MISMATCH, text))
        if not found.checksum:
            text = "WARNING: No checksum available for replica [0]."
            findings.append(Finding("warning", Code.CAT_NO_CHECKSUM_FOR_REPLICA, text))
        elif compute and self._storage.checksum(found.data_id, scheme_of(found.checksum)) != found.checksum:
            text = "ERROR: Computed checksum does not match what is in the catalog for replica [0]."
            findings.append(Finding("error", Code.USER_CHKSUM_MISMATCH, text))
        return findings
