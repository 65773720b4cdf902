"""Zones: the one that this is, and others that it has been told of."""

import sqlite3

from stager_sandbox.zone.catalogue.database import Database, next_id, now
from stager_sandbox.zone.errors import Code, ZoneError

_OPTIONS = {"comment": "r_comment", "conn": "zone_conn_string", "name": "zone_name"}


class Zones:
    """The part of the catalogue that knows of zones."""

    def __init__(self, database: Database, local: str) -> None:
        self._database = database
        self._local = local

    def exists(self, name: str) -> bool:
        """Whether that zone is known."""
        row = self._database.connection.execute("SELECT 1 FROM r_zone_main WHERE zone_name = ?", (name,)).fetchone()
        return row is not None

    def require_named(self, hint: str) -> None:
        """Refuse a zone's name, or a path that begins with it, when there is no such zone.

        Raises:
            ZoneError: SYS_INVALID_ZONE_NAME.
        """
        if not self.exists(hint.strip("/").partition("/")[0]):
            raise ZoneError(Code.SYS_INVALID_ZONE_NAME)

    def has(self, path: str) -> bool:
        """Whether a path begins with a zone's name, be it that of a longer word, as on the real server."""
        row = self._database.connection.execute(
            "SELECT 1 FROM r_zone_main WHERE substr(?, 2, length(zone_name)) = zone_name", (path,)
        ).fetchone()
        return row is not None

    def add(self, name: str, kind: str, address: str, comment: str) -> None:
        """Get to know a zone elsewhere.

        Raises:
            ZoneError: CAT_INVALID_ARGUMENT for a kind other than ``remote``; CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME.
        """
        if kind != "remote":
            raise ZoneError(Code.CAT_INVALID_ARGUMENT, "Currently, only zones of type 'remote' are allowed")
        with self._database.transaction() as connection:
            try:
                connection.execute(
                    "INSERT INTO r_zone_main (zone_id, zone_name, zone_type_name, zone_conn_string, r_comment,"
                    " create_ts, modify_ts) VALUES (?, ?, 'remote', ?, ?, ?, ?)",
                    (next_id(connection), name, address, comment, now(), now()),
                )
            except sqlite3.IntegrityError:
                raise ZoneError(Code.CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME) from None

    def change(self, name: str, option: str, value: str) -> None:
        """Set a zone's ``comment``, ``conn`` or, of one elsewhere, ``name``.

        Raises:
            ZoneError: CAT_INVALID_ZONE, CAT_INVALID_ARGUMENT.
        """
        self._require(name)
        if option not in _OPTIONS or (option == "name" and name == self._local):
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)
        with self._database.transaction() as connection:
            connection.execute(
                f"UPDATE r_zone_main SET {_OPTIONS[option]} = ?, modify_ts = ? WHERE zone_name = ?",  # noqa: S608 - a column's name
                (value, now(), name),
            )

    def remove(self, name: str) -> None:
        """Forget a zone elsewhere.

        Raises:
            ZoneError: CAT_INVALID_ZONE; CAT_INVALID_ARGUMENT for this very zone.
        """
        self._require(name)
        if name == self._local:
            raise ZoneError(Code.CAT_INVALID_ARGUMENT, "It is not permitted to remove the local zone")
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM r_zone_main WHERE zone_name = ?", (name,))

    def _require(self, name: str) -> None:
        if not self.exists(name):
            raise ZoneError(Code.CAT_INVALID_ZONE)
