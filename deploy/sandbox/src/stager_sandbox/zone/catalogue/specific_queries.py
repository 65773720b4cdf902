"""Specific queries: SQL that administrators let everyone run by name."""

import sqlite3
from typing import Final

from stager_sandbox.zone.catalogue.database import Database, now
from stager_sandbox.zone.errors import Code, ZoneError

SHIPPED: Final = {
    "ShowCollAcls": "SELECT DISTINCT u.user_name, u.zone_name, t.token_name, u.user_type_name FROM r_objt_access a"
    " JOIN r_user_main u USING (user_id) JOIN r_tokn_main t ON t.token_id = a.access_type_id"
    " JOIN r_coll_main c ON c.coll_id = a.object_id WHERE c.coll_name = ? ORDER BY 1, 2",
    "ls": "SELECT alias, sqlstr FROM r_specific_query",
    "lsl": "SELECT alias, sqlstr FROM r_specific_query WHERE alias LIKE ?",
    "listQueryByAlias": "SELECT alias, sqlstr FROM r_specific_query WHERE alias = ?",
    "listQueryByAliasLike": "SELECT alias, sqlstr FROM r_specific_query WHERE alias LIKE ?",
    "findQueryByAlias": "SELECT alias, sqlstr FROM r_specific_query WHERE alias = ?",
}
"""What a new zone knows; the first is the ils command's."""

NOT_DEFINED: Final = "The SQL is not pre-defined.\n  See 'iadmin h asq' (add specific query)"


class SpecificQueries:
    """The part of the catalogue that keeps queries by name."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO r_specific_query VALUES (?, ?, ?)",
                [(alias, sql, now()) for alias, sql in SHIPPED.items()],
            )

    def add(self, alias: str, sql: str) -> None:
        """Keep a query.

        Raises:
            ZoneError: CAT_INVALID_ARGUMENT for what is no select, and for an alias there is.
        """
        if not alias or not sql.lower().lstrip().startswith("select"):
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)
        with self._database.transaction() as connection:
            try:
                connection.execute("INSERT INTO r_specific_query VALUES (?, ?, ?)", (alias, sql, now()))
            except sqlite3.IntegrityError:
                raise ZoneError(Code.CAT_INVALID_ARGUMENT, "Alias is not unique") from None

    def aliases(self) -> list[str]:
        """The names of all."""
        rows = self._database.connection.execute("SELECT alias FROM r_specific_query ORDER BY alias")
        return [alias for (alias,) in rows]

    def remove(self, alias: str) -> None:
        """Forget a query.

        Raises:
            ZoneError: CAT_SUCCESS_BUT_WITH_NO_INFO when there is none of that name.
        """
        with self._database.transaction() as connection:
            if not connection.execute("DELETE FROM r_specific_query WHERE alias = ?", (alias,)).rowcount:
                raise ZoneError(Code.CAT_SUCCESS_BUT_WITH_NO_INFO)

    def run(self, alias: str, arguments: list[str]) -> list[tuple[str, ...]]:
        """The rows of a query named by its alias, or by its very SQL.

        Raises:
            ZoneError: CAT_UNKNOWN_SPECIFIC_QUERY; CAT_SQL_ERR for one that does not run.
        """
        row = self._database.connection.execute(
            "SELECT sqlstr FROM r_specific_query WHERE alias = ?1 OR sqlstr = ?1", (alias,)
        ).fetchone()
        if row is None:
            raise ZoneError(Code.CAT_UNKNOWN_SPECIFIC_QUERY, NOT_DEFINED)
        if len([each for each in arguments if each]) < row[0].count("?"):
            raise ZoneError(Code.CAT_SQL_ERR)
        connection = self._database.connect()
        try:
            connection.execute("PRAGMA query_only=ON")
            found = connection.execute(row[0], arguments[: row[0].count("?")]).fetchall()
        except sqlite3.Error as error:
            raise ZoneError(Code.CAT_SQL_ERR, str(error)) from error
        finally:
            connection.close()
        return [tuple("" if value is None else str(value) for value in each) for each in found]
