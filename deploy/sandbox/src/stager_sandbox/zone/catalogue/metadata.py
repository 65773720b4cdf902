"""AVUs: attribute, value and unit triples on collections, data objects, users and resources."""

from collections.abc import Callable
from typing import Final, TypeAlias

from stager_sandbox.zone.catalogue.database import Database, next_id, now
from stager_sandbox.zone.errors import Code, ZoneError

Avu: TypeAlias = tuple[str, str, str]
LONGEST: Final = (2700, 2700, 250)
"""How many bytes the real catalogue has room for in attribute, value and unit."""


class Metadata:
    """The part of the catalogue that knows AVUs. It asks nobody's leave; callers check access."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, object_id: int) -> list[Avu]:
        """All AVUs of an item."""
        return self._database.connection.execute(
            "SELECT meta_attr_name, meta_attr_value, meta_attr_unit FROM r_meta_main"
            " JOIN r_objt_metamap USING (meta_id) WHERE object_id = ? ORDER BY meta_id",
            (object_id,),
        ).fetchall()

    def add(self, object_id: int, avu: Avu) -> None:
        """Add an AVU.

        Raises:
            ZoneError: CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME when the item has it; CAT_SQL_ERR when it is too long.
        """
        if any(len(word.encode("utf-8", "surrogateescape")) > most for word, most in zip(avu, LONGEST, strict=True)):
            raise ZoneError(Code.CAT_SQL_ERR)
        if avu in self.of(object_id):
            raise ZoneError(Code.CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME)
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT meta_id FROM r_meta_main"
                " WHERE meta_attr_name = ? AND meta_attr_value = ? AND meta_attr_unit = ?",
                avu,
            ).fetchone()
            meta_id = row[0] if row else next_id(connection)
            if not row:
                connection.execute(
                    "INSERT INTO r_meta_main (meta_id, meta_attr_name, meta_attr_value, meta_attr_unit, create_ts,"
                    " modify_ts) VALUES (?, ?, ?, ?, ?, ?)",
                    (meta_id, *avu, now(), now()),
                )
            connection.execute("INSERT INTO r_objt_metamap VALUES (?, ?, ?, ?)", (object_id, meta_id, now(), now()))

    def set(self, object_id: int, avu: Avu) -> None:
        """Make this the item's only AVU of that attribute; a single one that was there changes and keeps its place."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT meta_id, (SELECT count(*) FROM r_objt_metamap other WHERE other.meta_id = m.meta_id)"
                " FROM r_objt_metamap m JOIN r_meta_main USING (meta_id) WHERE object_id = ? AND meta_attr_name = ?",
                (object_id, avu[0]),
            ).fetchall()
            taken = connection.execute(
                "SELECT 1 FROM r_meta_main WHERE meta_attr_name = ? AND meta_attr_value = ? AND meta_attr_unit = ?", avu
            ).fetchone()
            if len(rows) == 1 and rows[0][1] == 1 and not taken:
                connection.execute(
                    "UPDATE r_meta_main SET meta_attr_value = ?, meta_attr_unit = ?, modify_ts = ? WHERE meta_id = ?",
                    (avu[1], avu[2], now(), rows[0][0]),
                )
                return
            for meta_id, _ in rows:
                connection.execute(
                    "DELETE FROM r_objt_metamap WHERE object_id = ? AND meta_id = ?", (object_id, meta_id)
                )
            self.add(object_id, avu)

    def replace(self, object_id: int, old: Avu, new: Callable[[], Avu]) -> None:
        """Put one AVU in the place of another, which is asked for once the old one is found.

        Raises:
            ZoneError: CAT_SUCCESS_BUT_WITH_NO_INFO when the item has not the old one,
                CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME when it has the new one.
        """
        with self._database.transaction():
            self.remove(object_id, old)
            self.add(object_id, new())

    def copy(self, source: int, destination: int) -> None:
        """Give one item the AVUs of another.

        Raises:
            ZoneError: CAT_SUCCESS_BUT_WITH_NO_INFO when there are none, CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME.
        """
        avus = self.of(source)
        if not avus:
            raise ZoneError(Code.CAT_SUCCESS_BUT_WITH_NO_INFO)
        with self._database.transaction():
            for avu in avus:
                self.add(destination, avu)

    def remove_unused(self) -> None:
        """Forget the AVUs that are on nothing."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM r_meta_main WHERE meta_id NOT IN (SELECT meta_id FROM r_objt_metamap)")

    def remove_by_id(self, object_id: int, meta_id: str) -> None:
        """Take an AVU away, named by its id.

        Raises:
            ZoneError: CAT_SUCCESS_BUT_WITH_NO_INFO when the item has none such; CAT_SQL_ERR for what is no id.
        """
        if not meta_id.isdigit():
            raise ZoneError(Code.CAT_SQL_ERR)
        with self._database.transaction() as connection:
            gone = connection.execute(
                "DELETE FROM r_objt_metamap WHERE object_id = ? AND meta_id = ?", (object_id, meta_id)
            ).rowcount
        if not gone:
            raise ZoneError(Code.CAT_SUCCESS_BUT_WITH_NO_INFO)

    def remove(self, object_id: int, avu: Avu) -> None:
        """Take an AVU away.

        Raises:
            ZoneError: CAT_SUCCESS_BUT_WITH_NO_INFO when the item has it not.
        """
        with self._database.transaction() as connection:
            gone = connection.execute(
                "DELETE FROM r_objt_metamap WHERE object_id = ? AND meta_id IN (SELECT meta_id FROM r_meta_main WHERE"
                " meta_attr_name = ? AND meta_attr_value = ? AND meta_attr_unit = ?)",
                (object_id, *avu),
            ).rowcount
        if not gone:
            raise ZoneError(Code.CAT_SUCCESS_BUT_WITH_NO_INFO)
