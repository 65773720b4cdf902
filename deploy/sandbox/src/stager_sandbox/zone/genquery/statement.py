"""Running a GenQuery: SQL from its columns and conditions, and pages of its rows."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

from stager_sandbox.zone.catalogue.schema import READ
from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.genquery import conditions
from stager_sandbox.zone.genquery.columns import OF_AVUS, TABLES, again, column, join
from stager_sandbox.zone.protocol.packing import QueryColumn
from stager_sandbox.zone.protocol.structs import QueryRequest

RETURN_TOTAL: Final = 0x20
NO_DISTINCT: Final = 0x40
AUTO_CLOSE: Final = 0x100
UPPER_CASE: Final = 0x200

ORDER_BY: Final = 0x400
ORDER_BY_DESC: Final = 0x800
AGGREGATES: Final = {2: "min", 3: "max", 4: "sum", 5: "avg", 6: "count"}
NATURAL_ORDER: Final = (501, 403, 404)

RESOURCE_HIERARCHY: Final = 422
WIDTH: Final = 50


class Statement:
    """A query under way. It owns a connection, so that what it has yet to read does not change under it."""

    def __init__(self, connection: sqlite3.Connection, sql: str, values: Sequence[object], selects: list[int]) -> None:
        self._connection = connection
        self._selects = selects
        self._cursor = connection.execute(sql, values)
        self._total_sql = (f"SELECT count(*) FROM ({sql})", values)  # noqa: S608 - made here, values are bound

    def total(self) -> int:
        """How many rows there are in all."""
        (count,) = self._connection.execute(*self._total_sql).fetchone()
        return int(count)

    def page(self, rows: int) -> list[tuple[str, ...]]:
        """The next rows, at most so many."""
        return [tuple("" if value is None else str(value) for value in row) for row in self._cursor.fetchmany(rows)]

    def columns(self, rows: list[tuple[str, ...]]) -> list[QueryColumn]:
        """A page, turned into columns with the widths that the real server gives them."""
        width = width_of(rows)
        return [
            QueryColumn(index, _own_width(values) if index == RESOURCE_HIERARCHY else width, list(values))
            for index, values in zip(self._selects, zip(*rows, strict=True), strict=True)
        ]

    def release(self) -> sqlite3.Connection:
        """Let go of the rows not yet read; give back the connection."""
        self._cursor.close()
        return self._connection


def start(connect: Callable[[], sqlite3.Connection], user: User, request: QueryRequest) -> Statement:
    """Begin a query, limited to what the user may read.

    Raises:
        ZoneError: CAT_UNKNOWN_TABLE, CAT_FAILED_TO_LINK_TABLES, CAT_INVALID_ARGUMENT.
    """
    sql, values = _compose(user, request)
    connection = connect()
    return Statement(connection, sql, values, [number for number, _ in request.selects])


def _compose(user: User, request: QueryRequest) -> tuple[str, list[object]]:
    chosen = [(column(number), option & 0xF) for number, option in request.selects]
    used = [item for item, _ in chosen] + [column(number) for number, _ in request.conditions]
    joined, where = join(list(dict.fromkeys(item.alias for item in used)))
    selected = [f"{AGGREGATES[how]}({item.sql})" if how in AGGREGATES else item.sql for item, how in chosen]
    values: list[object] = []
    upper = bool(request.options & UPPER_CASE)
    times: dict[int, int] = {}
    for number, text in request.conditions:
        times[number] = times.get(number, 0) + 1
        target = column(number).sql
        if times[number] > 1 and number in OF_AVUS:
            target = again(number, times[number], joined, where)
        piece, found = conditions.to_sql(f"upper({target})" if upper else target, text)
        where.append(piece)
        values += found
    for piece, found_ids in visible(user, joined):
        where.append(piece)
        values += found_ids
    distinct = "" if request.options & NO_DISTINCT else "DISTINCT "
    tables = ", ".join(f"{TABLES[alias.rstrip('0123456789')]} {alias}" for alias in joined)
    sql = f"SELECT {distinct}{', '.join(selected)} FROM {tables}"  # noqa: S608 - constants; values are bound
    if where:
        sql += f" WHERE {' AND '.join(where)}"
    plain = [item.sql for item, how in chosen if how not in AGGREGATES]
    if plain and len(plain) < len(chosen):
        sql += f" GROUP BY {', '.join(plain)}"
    if order := _order(request):
        sql += f" ORDER BY {', '.join(order)}"
    if request.offset:
        sql += f" LIMIT -1 OFFSET {int(request.offset)}"
    return sql, values


def visible(user: User, joined: list[str]) -> list[tuple[str, list[object]]]:
    """Conditions that hide the collections, data objects and tickets that the user may not see, and their values."""
    if user.is_admin:
        return []
    found: list[tuple[str, list[object]]] = [("t.user_id = ?", [user.user_id])] if "t" in joined else []
    if user.ticket:
        below = "(coll_id = ? OR coll_name = ? OR (coll_name >= ? || '/' AND coll_name < ? || '0'))"
        within = f"IN (SELECT coll_id FROM r_coll_main WHERE {below})"  # noqa: S608 - constants
        values: list[object] = [user.ticket.object_id, *[user.ticket.collection or "no path"] * 3]
        if "d" in joined:
            found.append((f"(d.data_id = ? OR d.coll_id {within})", [user.ticket.object_id, *values]))
        elif "c" in joined:
            found.append((f"c.coll_id {within}", values))
        return found
    marks = ",".join("?" * len(user.group_ids))
    for alias, key in (("d", "d.data_id"), ("c", "c.coll_id")):
        if alias in joined:
            piece = (
                f"EXISTS (SELECT 1 FROM r_objt_access oa WHERE oa.object_id = {key} AND oa.user_id IN ({marks})"  # noqa: S608 - constants
                f" AND oa.access_type_id >= {READ})"
            )
            found.append((piece, list(user.group_ids)))
    return found


def _order(request: QueryRequest) -> list[str]:
    asked = [
        column(number).sql + (" DESC" if option & ORDER_BY_DESC else "")
        for number, option in request.selects
        if option & (ORDER_BY | ORDER_BY_DESC)
    ]
    plain = [number for number, option in request.selects if option & 0xF not in AGGREGATES]
    natural = [column(number).sql for number in NATURAL_ORDER if number in plain]
    if len(plain) < len(request.selects) or (natural and not asked):
        return asked + natural
    if asked:
        rest = [column(number).sql for number in (*NATURAL_ORDER, *plain) if number in plain]
        return asked + [sql for sql in dict.fromkeys(rest) if sql not in asked and f"{sql} DESC" not in asked]
    return [column(number).sql for number in plain]  # the real server sorts, too, to find what is distinct


def width_of(rows: list[tuple[str, ...]]) -> int:
    """How wide the real server makes its columns: it starts at fifty, and adds fifty whenever a row is wider."""
    current = 0
    for row in rows:
        needed = max(WIDTH, max(len(value.encode("utf-8", "surrogateescape")) for value in row) + 1)
        if not current:
            current = needed
        elif needed > current:
            current = needed + WIDTH
    return current


def _own_width(values: Sequence[str]) -> int:
    return max(len(value.encode("utf-8")) for value in values) + 1
