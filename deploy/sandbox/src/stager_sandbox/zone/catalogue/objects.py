"""Data objects and their replicas in the catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from stager_sandbox.zone.catalogue import paths
from stager_sandbox.zone.catalogue.access import AccessLists, inherit
from stager_sandbox.zone.catalogue.collections import Collection, forget
from stager_sandbox.zone.catalogue.database import BATCH, Database, next_id, now
from stager_sandbox.zone.catalogue.schema import OWN
from stager_sandbox.zone.catalogue.users import User

_COLUMNS: Final = (
    "d.data_id, d.coll_id, c.coll_name, d.data_name, d.data_repl_num, d.data_size, d.data_is_dirty, d.data_checksum,"
    " d.data_owner_name, d.data_owner_zone, d.data_type_name, d.data_mode, d.create_ts, d.modify_ts, d.access_ts"
)
_FROM: Final = "FROM r_data_main d JOIN r_coll_main c ON c.coll_id = d.coll_id"


class Status(IntEnum):
    """A replica's state."""

    STALE = 0
    GOOD = 1
    INTERMEDIATE = 2
    READ_LOCKED = 3
    WRITE_LOCKED = 4


@dataclass(frozen=True, slots=True)
class Replica:
    """A data object's replica as the catalogue has it; times are eleven digits of seconds."""

    data_id: int
    collection_id: int
    collection: str
    name: str
    number: int
    size: int
    status: int
    checksum: str
    owner: str
    owner_zone: str
    type_name: str
    mode: str
    created: str
    modified: str
    accessed: str

    @property
    def path(self) -> str:
        """The data object's logical path."""
        return f"{self.collection.rstrip('/')}/{self.name}"


class Objects:
    """The part of the catalogue that knows data objects. It asks nobody's leave; callers check access."""

    def __init__(self, database: Database, access: AccessLists, resource_id: int) -> None:
        self._database = database
        self._access = access
        self._resource_id = resource_id

    def find(self, path: str) -> Replica | None:
        """The data object of that path, if there is one."""
        parent, name = paths.split(path)
        row = self._database.connection.execute(
            f"SELECT {_COLUMNS} {_FROM} WHERE c.coll_name = ? AND d.data_name = ? ORDER BY d.data_repl_num",
            (parent, name),
        ).fetchone()
        return Replica(*row) if row else None

    def get(self, data_id: int) -> Replica | None:
        """The data object of that id, if there is one."""
        row = self._database.connection.execute(
            f"SELECT {_COLUMNS} {_FROM} WHERE d.data_id = ?",
            (data_id,),
        ).fetchone()
        return Replica(*row) if row else None

    def children(self, collection: Collection) -> Iterator[Replica]:
        """The data objects directly in a collection, by name; it may change meanwhile."""
        last = ""
        while rows := self._database.connection.execute(
            f"SELECT {_COLUMNS} {_FROM} WHERE d.coll_id = ? AND d.data_name > ? ORDER BY d.data_name LIMIT {BATCH}",
            (collection.collection_id, last),
        ).fetchall():
            for row in rows:
                found = Replica(*row)
                last = found.name
                yield found

    def locked(self) -> list[Replica]:
        """The replicas that are neither good nor stale."""
        rows = self._database.connection.execute(
            f"SELECT {_COLUMNS} {_FROM} WHERE d.data_is_dirty NOT IN (?, ?)", (int(Status.STALE), int(Status.GOOD))
        )
        return [Replica(*row) for row in rows]

    def add(self, collection: Collection, name: str, owner: User, *, mode: int = 0, type_name: str = "") -> int:
        """Add a data object with one intermediate replica, owned by `owner`; give back its id.

        Raises:
            sqlite3.IntegrityError: There is one of that name.
        """
        with self._database.transaction() as connection:
            data_id = next_id(connection)
            when = now()
            connection.execute(
                "INSERT INTO r_data_main (data_id, coll_id, data_name, data_repl_num, data_type_name, resc_id,"
                " data_owner_name, data_owner_zone, data_is_dirty, data_mode, create_ts, modify_ts, access_ts)"
                " VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(data_id, collection.collection_id, name, type_name or "generic", self._resource_id),
                    *(owner.name, owner.zone, int(Status.INTERMEDIATE), str(mode), when, when, when),
                ),
            )
            connection.execute(
                "UPDATE r_coll_main SET modify_ts = ? WHERE coll_id = ?", (when, collection.collection_id)
            )
            self._access.grant(data_id, owner.user_id, OWN)
            if collection.inherits:
                inherit(connection, collection.collection_id, data_id)
        return data_id

    def set_status(self, data_id: int, status: Status) -> None:
        """Set the replica's status alone."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE r_data_main SET data_is_dirty = ? WHERE data_id = ?", (int(status), data_id))

    def empty(self, data_id: int) -> None:
        """Record that it holds nothing: no bytes, no checksum."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE r_data_main SET data_size = 0, data_checksum = '' WHERE data_id = ?", (data_id,))

    def finish(self, data_id: int, *, status: int, size: int, checksum: str, modified: str | None) -> None:
        """Record how a writing ended: status, size, checksum, and the modify time unless None."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE r_data_main SET data_is_dirty = ?, data_size = ?, data_checksum = ?,"
                " modify_ts = coalesce(?, modify_ts) WHERE data_id = ?",
                (int(status), size, checksum, modified, data_id),
            )

    def set_checksum(self, data_id: int, checksum: str) -> None:
        """Record a checksum."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE r_data_main SET data_checksum = ? WHERE data_id = ?", (checksum, data_id))

    def change(self, data_id: int, column: str, value: str) -> None:
        """Set one column of what is recorded."""
        with self._database.transaction() as connection:
            connection.execute(f"UPDATE r_data_main SET {column} = ? WHERE data_id = ?", (value, data_id))  # noqa: S608 - a column's name

    def touch(self, data_id: int, when: str = "") -> None:
        """Set the modify time, to now unless told."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE r_data_main SET modify_ts = ? WHERE data_id = ?", (when or now(), data_id))

    def move(self, data_id: int, collection: Collection, name: str) -> None:
        """Give a data object another collection and name."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE r_data_main SET coll_id = ?, data_name = ? WHERE data_id = ?",
                (collection.collection_id, name, data_id),
            )

    def remove(self, data_id: int) -> None:
        """Forget a data object, its access list and its AVUs."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE r_coll_main SET modify_ts = ?"
                " WHERE coll_id = (SELECT coll_id FROM r_data_main WHERE data_id = ?)",
                (now(), data_id),
            )
            connection.execute("DELETE FROM r_data_main WHERE data_id = ?", (data_id,))
            forget(connection, data_id)
