"""Collections in the catalogue."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stager_sandbox.zone.catalogue import paths
from stager_sandbox.zone.catalogue.access import AccessLists, inherit
from stager_sandbox.zone.catalogue.database import BATCH, Database, next_id, now
from stager_sandbox.zone.catalogue.schema import OWN
from stager_sandbox.zone.catalogue.users import User

_COLUMNS: Final = "coll_id, coll_name, coll_owner_name, coll_owner_zone, coll_inheritance, create_ts, modify_ts"


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection as the catalogue has it; times are eleven digits of seconds."""

    collection_id: int
    path: str
    owner: str
    owner_zone: str
    inherits: bool
    created: str
    modified: str


def _collection(row: tuple[int, str, str, str, str, str, str]) -> Collection:
    identity, path, owner, zone, inheritance, created, modified = row
    return Collection(identity, path, owner, zone, inheritance == "1", created, modified)


class Collections:
    """The part of the catalogue that knows collections. It asks nobody's leave; callers check access."""

    def __init__(self, database: Database, access: AccessLists) -> None:
        self._database = database
        self._access = access

    def find(self, path: str) -> Collection | None:
        """The collection of that path, if there is one."""
        row = self._database.connection.execute(
            f"SELECT {_COLUMNS} FROM r_coll_main WHERE coll_name = ?",  # noqa: S608 - constants
            (path,),
        ).fetchone()
        return _collection(row) if row else None

    def add(self, path: str, owner: User) -> int:
        """Add a collection under one that exists, owned by `owner`; give back its id.

        Raises:
            sqlite3.IntegrityError: There is one of that path.
        """
        parent = paths.split(path)[0]
        with self._database.transaction() as connection:
            collection_id = next_id(connection)
            above = self.find(parent) if path != "/" else None
            inherits = above is not None and above.inherits
            connection.execute(
                "INSERT INTO r_coll_main (coll_id, parent_coll_name, coll_name, coll_owner_name, coll_owner_zone,"
                " coll_inheritance, create_ts, modify_ts) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (collection_id, parent, path, owner.name, owner.zone, "1" if inherits else "", now(), now()),
            )
            self._access.grant(collection_id, owner.user_id, OWN)
            if above is not None and inherits:
                inherit(connection, above.collection_id, collection_id)
        return collection_id

    def touch(self, collection_id: int, when: str = "") -> None:
        """Set the modify time, to now unless told."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE r_coll_main SET modify_ts = ? WHERE coll_id = ?", (when or now(), collection_id))

    def set_inheritance(self, path: str, *, inherits: bool, recursive: bool) -> None:
        """Say whether new things in it take over its access list."""
        below = " OR (coll_name >= ? AND coll_name < ?)" if recursive else ""
        bounds = (path + "/", path + "0") if recursive else ()
        with self._database.transaction() as connection:
            connection.execute(
                f"UPDATE r_coll_main SET coll_inheritance = ? WHERE coll_name = ?{below}",  # noqa: S608 - constants
                ("1" if inherits else "0", path, *bounds),
            )

    def children(self, path: str) -> Iterator[Collection]:
        """The collections directly in one, by name; it may change meanwhile."""
        last = "/"
        while rows := self._database.connection.execute(
            f"SELECT {_COLUMNS} FROM r_coll_main WHERE parent_coll_name = ? AND coll_name > ?"  # noqa: S608 - constants
            f" ORDER BY coll_name LIMIT {BATCH}",
            (path, last),
        ).fetchall():
            for row in rows:
                found = _collection(row)
                last = found.path
                yield found

    def is_empty(self, collection: Collection) -> bool:
        """Whether nothing is in it."""
        (full,) = self._database.connection.execute(
            "SELECT EXISTS (SELECT 1 FROM r_coll_main WHERE parent_coll_name = ? AND coll_name <> '/')"
            " OR EXISTS (SELECT 1 FROM r_data_main WHERE coll_id = ?)",
            (collection.path, collection.collection_id),
        ).fetchone()
        return not full

    def remove(self, collection_id: int) -> None:
        """Forget a collection, its access list and its AVUs."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM r_coll_main WHERE coll_id = ?", (collection_id,))
            forget(connection, collection_id)

    def rename(self, source: str, destination: str) -> None:
        """Give a collection and all under it another path."""
        parent = paths.split(destination)[0]
        bounds = (source + "/", source + "0")
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE r_coll_main SET coll_name = ? || substr(coll_name, ?) WHERE coll_name >= ? AND coll_name < ?",
                (destination, len(source) + 1, *bounds),
            )
            connection.execute(
                "UPDATE r_coll_main SET parent_coll_name = ? || substr(parent_coll_name, ?)"
                " WHERE parent_coll_name = ? OR (parent_coll_name >= ? AND parent_coll_name < ?)",
                (destination, len(source) + 1, source, *bounds),
            )
            connection.execute(
                "UPDATE r_coll_main SET coll_name = ?, parent_coll_name = ?, modify_ts = ? WHERE coll_name = ?",
                (destination, parent, now(), source),
            )


def forget(connection: sqlite3.Connection, object_id: int) -> None:
    """Drop the access list and the AVUs of something removed."""
    connection.execute("DELETE FROM r_objt_access WHERE object_id = ?", (object_id,))
    connection.execute("DELETE FROM r_objt_metamap WHERE object_id = ?", (object_id,))
