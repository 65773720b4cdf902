"""The zone's contents for other servers: list, read, write and make, as a user. The sandbox's WebDAV stands on it."""

import hmac
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stager_sandbox.zone.catalogue.collections import Collection
from stager_sandbox.zone.catalogue.objects import Replica, Status
from stager_sandbox.zone.catalogue.schema import MODIFY, READ
from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.engine import Engine
from stager_sandbox.zone.errors import ZoneError
from stager_sandbox.zone.operations import OpenReplica
from stager_sandbox.zone.streams import ReadStream, Upload


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at a path.

    Attributes:
        path: The logical path.
        is_collection: Whether it is a collection.
        size: Bytes; 0 for a collection.
        modified: Seconds since the epoch.
        created: Seconds since the epoch.
        checksum: As iRODS writes it; "" when there is none.
        status: The replica's status; 1 is good.
        writable: Whether the user may change it.
    """

    path: str
    is_collection: bool
    size: int
    modified: int
    created: int
    checksum: str
    status: int
    writable: bool

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class ZoneFiles:
    """What a user can do in a zone, without the iRODS protocol.

    Every method acts as the named user and raises `ZoneError`, whose ``code`` is iRODS's own, when that user may not,
    or when there is nothing there. It may be used from any thread, and by a process beside the one that serves the
    zone, with `ZoneFiles.at`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def at(cls, data: Path | str, zone_name: str) -> "ZoneFiles":
        """The zone in a directory, which the zone's server may be serving at the same time."""
        return cls(Engine(Path(data), zone_name, {}, admin=None))

    def check_password(self, user: str, password: str) -> bool:
        """Whether that is the user's password; False for one who does not exist."""
        users = self._engine.catalogue.users
        try:
            expected = users.password(users.find(user))
        except ZoneError:
            expected = None
        given = hmac.compare_digest((expected or "").encode(), password.encode())
        return given and expected is not None

    def free_bytes(self) -> int:
        """The room that there is for everybody together."""
        return self._engine.storage.free_bytes()

    def stat(self, user: str, path: str) -> Entry | None:
        """What stands at a path, or None when nothing does that the user may read."""
        who = self._user(user)
        lookup = self._engine.lookup
        replica = lookup.object(who, path) if path.rstrip("/") else None
        if replica:
            return self._entry(who, replica)
        collection = lookup.collection(who, path)
        if collection is None:
            return None
        return self._entry(who, collection)

    def list(self, user: str, path: str) -> Iterator[Entry]:
        """What is directly in a collection that the user may read: collections first, each by name."""
        who = self._user(user)
        top = self._engine.lookup.collection(who, path)
        if top is None:
            return
        catalogue = self._engine.catalogue
        for collection in catalogue.collections.children(top.path):
            if self._readable(who, collection.collection_id):
                yield self._entry(who, collection)
        for replica in catalogue.objects.children(top):
            if self._readable(who, replica.data_id):
                yield self._entry(who, replica)

    def read(self, user: str, path: str) -> io.BufferedReader:
        """Open a data object to read; the caller closes it."""
        return io.BufferedReader(ReadStream(self._engine, self._open(user, path, os.O_RDONLY)))

    def write(self, user: str, path: str) -> Upload:
        """Open a data object to write it anew; use as a context manager. It is registered when the block ends well."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        return Upload(self._engine, self._open(user, path, flags))

    def make_collection(self, user: str, path: str, *, parents: bool = False) -> None:
        """Make a collection; with `parents`, those above it too, and one that exists is fine."""
        self._engine.collections.make(self._user(user), path, recursive=parents)

    def remove(self, user: str, path: str) -> None:
        """Remove a data object, or a collection with all in it, for good."""
        who = self._user(user)
        if self._engine.objects.exists(who, path):
            self._engine.objects.remove(who, path)
        else:
            self._engine.collections.remove_tree(who, path)

    def rename(self, user: str, source: str, destination: str) -> None:
        """Give a data object or a collection another path, at which nothing may stand."""
        who = self._user(user)
        if self._engine.objects.exists(who, source):
            self._engine.objects.rename(who, source, destination)
        else:
            self._engine.collections.rename(who, source, destination)

    def copy(self, user: str, source: str, destination: str, *, overwrite: bool = False) -> None:
        """Copy a data object."""
        self._engine.objects.copy(self._user(user), source, destination, force=overwrite, keywords={})

    def checksum(self, user: str, path: str) -> str:
        """A data object's checksum, computed and recorded if there is none."""
        return self._engine.objects.checksum(self._user(user), path)

    def physical_path(self, user: str, path: str) -> Path | None:
        """The file that holds a data object's bytes; for tests that damage it. None when the user sees no object."""
        found = self._engine.lookup.object(self._user(user), path)
        return self._engine.storage.path(found.data_id) if found else None

    def close(self) -> None:
        """Let go of the calling thread's connection to the catalogue."""
        self._engine.catalogue.database.close()

    def _user(self, name: str) -> User:
        return self._engine.catalogue.users.find(name)

    def _open(self, user: str, path: str, flags: int) -> OpenReplica:
        return self._engine.replicas.open(self._user(user), path, flags)

    def _entry(self, user: User, item: Collection | Replica) -> Entry:
        is_object = isinstance(item, Replica)
        identity = item.data_id if isinstance(item, Replica) else item.collection_id
        return Entry(
            path=item.path,
            is_collection=not is_object,
            size=item.size if isinstance(item, Replica) else 0,
            modified=int(item.modified),
            created=int(item.created),
            checksum=item.checksum if isinstance(item, Replica) else "",
            status=item.status if isinstance(item, Replica) else Status.GOOD,
            writable=self._engine.catalogue.access.level(user, identity) >= MODIFY,
        )

    def _readable(self, user: User, object_id: int) -> bool:
        return user.is_admin or self._engine.catalogue.access.level(user, object_id) >= READ
