"""Who may do what: access control lists on collections and data objects."""

import sqlite3

from stager_sandbox.zone.catalogue.database import Database, now
from stager_sandbox.zone.catalogue.schema import ACCESS, OWN
from stager_sandbox.zone.catalogue.tickets import Tickets
from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.errors import Code, ZoneError

_SYNONYMS = {"read": "read_object", "write": "modify_object"}


def level_named(name: str) -> int:
    """The level for a name as clients write it: ``read``, ``write``, ``own``, ``read_object``.

    Raises:
        ZoneError: CAT_INVALID_ARGUMENT for another word.
    """
    try:
        return ACCESS[_SYNONYMS.get(name, name)]
    except KeyError:
        raise ZoneError(Code.CAT_INVALID_ARGUMENT, f"access level '{name}' is invalid") from None


class AccessLists:
    """The part of the catalogue that grants and refuses."""

    def __init__(self, database: Database, tickets: Tickets) -> None:
        self._database = database
        self._tickets = tickets

    def level(self, user: User, object_id: int) -> int:
        """The highest level that the user or a group of theirs has, or that their ticket gives; 0 for none."""
        if user.unbound:
            return OWN
        if user.ticket:
            return user.ticket.level if self._tickets.covers(user.ticket, object_id) else 0
        marks = ",".join("?" * len(user.group_ids))
        (found,) = self._database.connection.execute(
            f"SELECT max(access_type_id) FROM r_objt_access WHERE object_id = ? AND user_id IN ({marks})",  # noqa: S608 - only marks
            (object_id, *user.group_ids),
        ).fetchone()
        return int(found or 0)

    def grant(self, object_id: int, user_id: int, level: int) -> None:
        """Set a user's level; ``null`` takes access away."""
        with self._database.transaction() as connection:
            if level <= ACCESS["null"]:
                connection.execute(
                    "DELETE FROM r_objt_access WHERE object_id = ? AND user_id = ?", (object_id, user_id)
                )
                return
            connection.execute(
                "INSERT INTO r_objt_access VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET access_type_id = excluded.access_type_id, modify_ts = excluded.modify_ts",
                (object_id, user_id, level, now(), now()),
            )

    def grant_below(self, collection: str, user_id: int, level: int) -> None:
        """Set a user's level on a collection and all that is in it."""
        pattern = (collection, collection + "/", collection + "0")  # "0" is the character after "/"
        below = "(coll_name = ? OR (coll_name >= ? AND coll_name < ?))"
        with self._database.transaction() as connection:
            ids = connection.execute(
                f"SELECT coll_id FROM r_coll_main WHERE {below} UNION SELECT data_id FROM r_data_main"  # noqa: S608 - constants
                f" WHERE coll_id IN (SELECT coll_id FROM r_coll_main WHERE {below})",
                pattern * 2,
            ).fetchall()
            for (object_id,) in ids:
                self.grant(object_id, user_id, level)


def inherit(connection: sqlite3.Connection, collection_id: int, object_id: int) -> None:
    """Copy a collection's list to something new in it."""
    connection.execute(
        "INSERT OR IGNORE INTO r_objt_access SELECT ?, user_id, access_type_id, ?, ? FROM r_objt_access"
        " WHERE object_id = ?",
        (object_id, now(), now(), collection_id),
    )
