"""Tickets: strings that let whoever shows them read, or write, one data object or one collection."""

import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from stager_sandbox.zone.catalogue.database import Database, next_id, now
from stager_sandbox.zone.catalogue.schema import MODIFY, READ
from stager_sandbox.zone.errors import Code, ZoneError

_LIMITS: Final = {"uses": "uses_limit", "write-file": "write_file_limit", "write-bytes": "write_byte_limit"}
_ALLOWED: Final = {"host": ("hosts", "host"), "user": ("users", "user_name"), "group": ("groups", "group_name")}


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket that a session shows.

    Attributes:
        ticket_id: 0 for a string that is no ticket: it opens nothing.
        object_id: What it is for.
        collection: The path of that, if it is a collection.
        level: The access that it gives.
        client: The address from which it is shown.
    """

    ticket_id: int = 0
    object_id: int = 0
    collection: str = ""
    level: int = 0
    client: str = ""


class Tickets:
    """The part of the catalogue that knows tickets. It asks nobody's leave; callers check access."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def show(self, string: str, client: str) -> Ticket:
        """The ticket of that string, as shown by a client; nothing is checked yet."""
        row = self._database.connection.execute(
            "SELECT ticket_id, ticket_type, object_id, coalesce(coll_name, '') FROM r_ticket_main"
            " LEFT JOIN r_coll_main ON coll_id = object_id WHERE ticket_string = ?",
            (string,),
        ).fetchone()
        if row is None:
            return Ticket(client=client)
        return Ticket(row[0], row[2], row[3], MODIFY if row[1] == "write" else READ, client)

    def add(self, string: str, kind: str, owner_id: int, object_id: int, object_type: str) -> None:
        """Make a ticket.

        Raises:
            ZoneError: CAT_TICKET_INVALID for a string that is a number; CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME.
        """
        if string.isdigit():
            raise ZoneError(Code.CAT_TICKET_INVALID)
        with self._database.transaction() as connection:
            try:
                connection.execute(
                    "INSERT INTO r_ticket_main (ticket_id, ticket_string, ticket_type, user_id, object_id, object_type,"
                    " create_ts, modify_ts) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (next_id(connection), string, kind, owner_id, object_id, object_type, now(), now()),
                )
            except sqlite3.IntegrityError:
                raise ZoneError(Code.CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME) from None

    def owned(self, string: str, owner_id: int | None) -> int:
        """The id of the ticket of that string or number.

        Args:
            string: The ticket's string, or its id.
            owner_id: Whose it must be; None for anyone's.

        Raises:
            ZoneError: CAT_TICKET_INVALID when they have none such.
        """
        row = self._database.connection.execute(
            "SELECT ticket_id FROM r_ticket_main WHERE (ticket_string = ?1 OR ticket_id = ?1)"
            " AND (?2 IS NULL OR user_id = ?2)",
            (string, owner_id),
        ).fetchone()
        if row is None:
            raise ZoneError(Code.CAT_TICKET_INVALID)
        return int(row[0])

    def remove(self, ticket_id: int) -> None:
        """Forget a ticket."""
        with self._database.transaction() as connection:
            for table in ("main", "allowed_hosts", "allowed_users", "allowed_groups"):
                connection.execute(f"DELETE FROM r_ticket_{table} WHERE ticket_id = ?", (ticket_id,))  # noqa: S608 - constants

    def limit(self, ticket_id: int, what: str, value: str) -> None:
        """Set how often (``uses``, ``write-file``), how much (``write-bytes``) or until when (``expire``).

        Raises:
            ZoneError: CAT_INVALID_ARGUMENT for what cannot be set, CAT_SQL_ERR for what is no number,
                SYS_INTERNAL_ERR for what is no time.
        """
        if what == "expire":
            column, wanted = "ticket_expiry_ts", _expiry(value)
        elif what in _LIMITS:
            column, wanted = _LIMITS[what], value
            if not value.removeprefix("-").isdigit():
                raise ZoneError(Code.CAT_SQL_ERR)
        else:
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)
        with self._database.transaction() as connection:
            connection.execute(
                f"UPDATE r_ticket_main SET {column} = ?, modify_ts = ? WHERE ticket_id = ?",  # noqa: S608 - constants
                (wanted, now(), ticket_id),
            )

    def allow(self, ticket_id: int, what: str, name: str, *, allowed: bool) -> None:
        """Allow a ``host``, ``user`` or ``group``, and thereby no other; or take that back.

        Raises:
            ZoneError: CAT_INVALID_ARGUMENT.
        """
        if what not in _ALLOWED:
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)
        table, column = _ALLOWED[what]
        with self._database.transaction() as connection:
            connection.execute("UPDATE r_ticket_main SET modify_ts = ? WHERE ticket_id = ?", (now(), ticket_id))
            if allowed:
                connection.execute(f"INSERT INTO r_ticket_allowed_{table} VALUES (?, ?)", (ticket_id, name))  # noqa: S608 - constants
            else:
                connection.execute(
                    f"DELETE FROM r_ticket_allowed_{table} WHERE ticket_id = ? AND {column} = ?",  # noqa: S608 - constants
                    (ticket_id, name),
                )

    def covers(self, ticket: Ticket, object_id: int) -> bool:
        """Whether a ticket is for that data object or collection, or for a collection above it."""
        if not ticket.ticket_id or object_id == ticket.object_id:
            return bool(ticket.ticket_id)
        if not ticket.collection:
            return False
        row = self._database.connection.execute(
            "SELECT 1 FROM r_coll_main WHERE coll_id IN (?1, (SELECT coll_id FROM r_data_main WHERE data_id = ?1))"
            " AND (coll_name = ?2 OR (coll_name >= ?2 || '/' AND coll_name < ?2 || '0'))",
            (object_id, ticket.collection),
        ).fetchone()
        return row is not None

    def use(self, ticket: Ticket, user: str, zone: str, groups: tuple[int, ...], *, writing: bool) -> None:
        """Count one use of a ticket.

        Raises:
            ZoneError: CAT_TICKET_EXPIRED, _USES_EXCEEDED, _USER_EXCLUDED, _HOST_EXCLUDED, _GROUP_EXCLUDED,
                _WRITE_USES_EXCEEDED, _WRITE_BYTES_EXCEEDED.
        """
        with self._database.transaction() as connection:
            connection.row_factory = sqlite3.Row
            row = connection.execute("SELECT * FROM r_ticket_main WHERE ticket_id = ?", (ticket.ticket_id,)).fetchone()
            connection.row_factory = None
            if row["ticket_expiry_ts"] and int(row["ticket_expiry_ts"]) < time.time():
                raise ZoneError(Code.CAT_TICKET_EXPIRED)
            self._check_allowed(connection, ticket, user, zone, groups)
            if writing:
                if row["write_byte_limit"] and row["write_byte_count"] > row["write_byte_limit"]:
                    raise ZoneError(Code.CAT_TICKET_WRITE_BYTES_EXCEEDED)
                if row["write_file_limit"] and row["write_file_count"] >= row["write_file_limit"]:
                    raise ZoneError(Code.CAT_TICKET_WRITE_USES_EXCEEDED)
            if row["uses_limit"] and row["uses_count"] >= row["uses_limit"]:
                raise ZoneError(Code.CAT_TICKET_USES_EXCEEDED)
            connection.execute(
                "UPDATE r_ticket_main SET uses_count = uses_count + (uses_limit > 0),"
                " write_file_count = write_file_count + (write_file_limit > 0 AND ?) WHERE ticket_id = ?",
                (writing, ticket.ticket_id),
            )

    def count_bytes(self, ticket: Ticket, count: int) -> None:
        """Count bytes written under a ticket."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE r_ticket_main SET write_byte_count = write_byte_count + ? WHERE ticket_id = ?"
                " AND write_byte_limit > 0",
                (count, ticket.ticket_id),
            )

    def _check_allowed(
        self, connection: sqlite3.Connection, ticket: Ticket, user: str, zone: str, groups: tuple[int, ...]
    ) -> None:
        names = connection.execute(
            f"SELECT user_name FROM r_user_main WHERE user_id IN ({','.join('?' * len(groups))})",  # noqa: S608 - only marks
            groups,
        )
        who = {
            "host": ({ticket.client}, Code.CAT_TICKET_HOST_EXCLUDED),
            "user": ({user, f"{user}#{zone}"}, Code.CAT_TICKET_USER_EXCLUDED),
            "group": ({name for (name,) in names}, Code.CAT_TICKET_GROUP_EXCLUDED),
        }
        for what, (table, column) in _ALLOWED.items():
            rows = connection.execute(
                f"SELECT {column} FROM r_ticket_allowed_{table} WHERE ticket_id = ?",  # noqa: S608 - constants
                (ticket.ticket_id,),
            )
            allowed = {name for (name,) in rows}
            names_of, code = who[what]
            if allowed and not allowed & names_of:
                raise ZoneError(code)


def _expiry(value: str) -> str:
    if value in {"", "0"}:
        return ""
    if value.isdigit():
        return f"{int(value):011d}"
    for form in ("%Y-%m-%d.%H:%M:%S", "%Y-%m-%d"):
        try:
            return f"{int(datetime.strptime(value, form).replace(tzinfo=UTC).timestamp()):011d}"
        except ValueError:
            continue
    raise ZoneError(Code.SYS_INTERNAL_ERR)
