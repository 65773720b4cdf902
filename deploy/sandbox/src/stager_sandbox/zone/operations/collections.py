"""Making, removing and renaming collections."""

import secrets
from collections.abc import Callable
from typing import Final

from stager_sandbox.zone.catalogue import Catalogue, paths
from stager_sandbox.zone.catalogue.collections import Collection
from stager_sandbox.zone.catalogue.objects import Replica
from stager_sandbox.zone.catalogue.schema import DELETE, MODIFY, OWN
from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.operations.permissions import visible_collection, writable_parent
from stager_sandbox.zone.operations.replicas import ReplicaOperations
from stager_sandbox.zone.storage import Storage

_IN_NO_ZONE: Final = (
    "SYS_INVALID_INPUT_PARAM]  errno [] -- message"
    " [a valid zone name does not appear at the root of the object path [{}]]\n"
)
Progress = Callable[[str], None]
"""Told the path of each data object removed."""


class CollectionOperations:
    """What users do to collections."""

    def __init__(self, catalogue: Catalogue, storage: Storage, replicas: ReplicaOperations) -> None:
        self._catalogue = catalogue
        self._storage = storage
        self._replicas = replicas

    def make(self, user: User, path: str, *, recursive: bool = False) -> None:
        """Make a collection; with `recursive`, those above it too, and one that exists is fine.

        Raises:
            ZoneError: CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME, CAT_NAME_EXISTS_AS_DATAOBJ, CAT_UNKNOWN_COLLECTION,
                CAT_NO_ACCESS_PERMISSION.
        """
        path = paths.clean(path)
        if path.rpartition("/")[2] in {".", ".."}:
            raise ZoneError(Code.USER_INPUT_PATH_ERR)
        if not self._catalogue.zones.has(path):
            raise ZoneError(Code.SYS_INVALID_INPUT_PARAM, _IN_NO_ZONE.format(path))
        with self._catalogue.database.transaction():
            if self._catalogue.collections.find(path):
                if recursive:
                    return
                raise ZoneError(Code.CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME)
            parent = paths.split(path)[0]
            if recursive and not self._sees_above(user, path):
                raise ZoneError(Code.SYS_INVALID_INPUT_PARAM, _IN_NO_ZONE.format("/" + path.split("/")[1]))
            if recursive and parent != path and not visible_collection(self._catalogue, user, parent):
                self.make(user, parent, recursive=True)
            try:
                above = writable_parent(self._catalogue, user, path)
            except ZoneError as error:
                if error.code == Code.CAT_NO_ACCESS_PERMISSION:
                    raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION) from None  # said without a sentence here
                raise
            if self._catalogue.objects.find(path):
                raise ZoneError(Code.CAT_NAME_EXISTS_AS_DATAOBJ)
            self._catalogue.collections.add(path, user)
            self._catalogue.collections.touch(above.collection_id)

    def _sees_above(self, user: User, path: str) -> bool:
        """Whether the user may read any collection above a path, but for the root."""
        above = paths.split(path)[0]
        return above != "/" and (
            visible_collection(self._catalogue, user, above) is not None or self._sees_above(user, above)
        )

    def require_trash(self, path: str) -> None:
        """Refuse to empty a trash where there is none.

        Raises:
            ZoneError: SYS_INVALID_FILE_PATH for a path that is in no trash.
        """
        if not paths.is_within(paths.clean(path), f"/{self._catalogue.zone_name}/trash"):
            raise ZoneError(Code.SYS_INVALID_FILE_PATH)

    def remove(self, user: User, path: str) -> None:
        """Remove an empty collection.

        Raises:
            ZoneError: CAT_UNKNOWN_COLLECTION, CAT_NO_ACCESS_PERMISSION, CAT_COLLECTION_NOT_EMPTY.
        """
        path = paths.clean(path)
        with self._catalogue.database.transaction():
            parent = paths.split(path)[0]
            above = self._catalogue.collections.find(parent)
            if above is None:
                raise ZoneError(Code.CAT_UNKNOWN_COLLECTION, f"collection '{parent}' is unknown")
            if self._catalogue.access.level(user, above.collection_id) < MODIFY:
                raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION)
            found = self._catalogue.collections.find(path)
            if found is None:
                raise ZoneError(Code.CAT_UNKNOWN_COLLECTION)
            if self._catalogue.access.level(user, found.collection_id) < DELETE:
                raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION)
            if not self._catalogue.collections.is_empty(found):
                raise ZoneError(Code.CAT_COLLECTION_NOT_EMPTY)
            self._catalogue.collections.remove(found.collection_id)
            self._touch_parent(path)

    def remove_tree(self, user: User, path: str, progress: Progress = lambda _: None) -> None:
        """Remove a collection and all in it, for good: what can be removed is, and what refuses stays, as does a trash.

        Raises:
            ZoneError: USER_FILE_DOES_NOT_EXIST, CAT_NAME_EXISTS_AS_DATAOBJ, CAT_NO_ACCESS_PERMISSION,
                CANT_RM_NON_EMPTY_HOME_COLL, or the last thing that went wrong within.
        """
        failures: list[ZoneError] = []
        path = paths.clean(path)
        is_object = self._catalogue.objects.find(path) is not None
        top = self._removable(
            user, path, Code.CAT_NAME_EXISTS_AS_DATAOBJ if is_object else Code.USER_FILE_DOES_NOT_EXIST
        )
        if self._is_home(top.path, "home") and not self._catalogue.collections.is_empty(top):
            raise ZoneError(Code.CANT_RM_NON_EMPTY_HOME_COLL)
        self._empty(user, top, progress, failures)
        self._touch_parent(top.path)
        if failures:
            raise failures[-1]

    def _empty(self, user: User, collection: Collection, progress: Progress, failures: list[ZoneError]) -> None:
        for child in self._catalogue.collections.children(collection.path):
            self._empty(user, child, progress, failures)
        for replica in self._catalogue.objects.children(collection):
            try:
                self._remove_object(user, replica)
            except ZoneError as error:
                failures.append(error)
            else:
                progress(replica.path)
        if self._is_home(collection.path, "trash/home"):
            return
        try:
            self.remove(user, collection.path)
        except ZoneError as error:
            failures.append(error)

    def _remove_object(self, user: User, replica: Replica) -> None:
        if self._catalogue.access.level(user, replica.data_id) < DELETE:
            raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION)
        self._replicas.require_unlocked(replica)
        self._catalogue.objects.remove(replica.data_id)
        self._storage.remove(replica.data_id)

    def _is_home(self, path: str, above: str) -> bool:
        return paths.split(path)[0] == f"/{self._catalogue.zone_name}/{above}"

    def trash(self, user: User, path: str) -> None:
        """Move a collection with all in it to the user's trash."""
        path = paths.clean(path)
        found = self._removable(user, path)
        destination = trash_path(self._catalogue, user, path)
        with self._catalogue.database.transaction():
            self._catalogue.ensure_collection(paths.split(destination)[0], user, user)
            while self._catalogue.collections.find(destination):
                destination = f"{trash_path(self._catalogue, user, path)}.{secrets.randbelow(10**10)}"
            self._catalogue.collections.rename(found.path, destination)
            self._touch_parent(path)

    def rename(self, user: User, source: str, destination: str) -> None:
        """Give a collection another path.

        Raises:
            ZoneError: CAT_NO_ROWS_FOUND, CAT_NO_ACCESS_PERMISSION, CAT_NAME_EXISTS_AS_COLLECTION or _DATAOBJ,
                CAT_UNKNOWN_COLLECTION for no parent and for a place within itself, SAME_SRC_DEST_PATHS_ERR.
        """
        source, destination = paths.clean(source), paths.clean(destination)
        if source == destination:
            raise ZoneError(Code.SAME_SRC_DEST_PATHS_ERR)
        with self._catalogue.database.transaction():
            found = self._removable(user, source)
            if self._catalogue.access.level(user, found.collection_id) < OWN:
                raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION)
            require_free(self._catalogue, source, destination)
            renamed = paths.split(destination)[1] != paths.split(source)[1]
            if paths.is_within(destination, source) and renamed:
                raise ZoneError(Code.CAT_UNKNOWN_COLLECTION)  # it has its new name by then
            parent = visible_collection(self._catalogue, user, paths.split(destination)[0])
            if parent is None:
                raise ZoneError(Code.CAT_UNKNOWN_COLLECTION)
            if paths.is_within(destination, source):
                raise ZoneError(Code.CAT_RECURSIVE_MOVE)
            moves = parent.path != paths.split(source)[0]
            if moves and self._catalogue.access.level(user, parent.collection_id) < MODIFY:
                raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION)
            require_free(self._catalogue, destination, destination)
            self._catalogue.collections.rename(source, destination)
            self._touch_parent(source)
            self._touch_parent(destination)

    def _removable(self, user: User, path: str, missing: Code = Code.CAT_NO_ROWS_FOUND) -> Collection:
        found = visible_collection(self._catalogue, user, path)
        if found is None:
            raise ZoneError(missing)
        if self._catalogue.access.level(user, found.collection_id) < DELETE:
            raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION)
        return found

    def _touch_parent(self, path: str) -> None:
        parent = self._catalogue.collections.find(paths.split(path)[0])
        if parent:
            self._catalogue.collections.touch(parent.collection_id)


def require_free(catalogue: Catalogue, beside: str, destination: str) -> None:
    """Refuse a new name that something beside a path has, unless it is the path's own name.

    The real server gives a thing its new name where it is, then moves it: a name taken in either place is refused.

    Raises:
        ZoneError: CAT_NAME_EXISTS_AS_DATAOBJ or _COLLECTION.
    """
    parent, name = paths.split(beside)[0], paths.split(destination)[1]
    wanted = f"{parent.rstrip('/')}/{name}"
    if wanted == beside and beside != destination:
        return
    if catalogue.objects.find(wanted):
        raise ZoneError(Code.CAT_NAME_EXISTS_AS_DATAOBJ)
    if catalogue.collections.find(wanted):
        raise ZoneError(Code.CAT_NAME_EXISTS_AS_COLLECTION)


def trash_path(catalogue: Catalogue, user: User, path: str) -> str:
    """Where something goes in the user's trash: beside the home collection's shape, else under its own path."""
    zone = f"/{catalogue.zone_name}"
    name = catalogue.home_name(user)
    home = f"{zone}/home/{name}"
    below = path[len(home) :] if paths.is_within(path, home) else path[len(zone) :]
    return f"{zone}/trash/home/{name}{below}"
