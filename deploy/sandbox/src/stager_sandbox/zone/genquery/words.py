"""GenQuery2: queries in words, much like SQL, turned into the catalogue's SQL.

``select [distinct] COLUMN | FUNCTION(…), … [where …] [group by …] [order by …] [limit n] [offset n]``
"""

import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.genquery.columns import JOINS, NAMED_COLUMNS, TABLES, join
from stager_sandbox.zone.genquery.statement import visible

DEFAULT_ROWS: Final = 256
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+)|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<sign><=|>=|<>|!=|[=<>(),]))"
)
_HEX: Final = re.compile(r"\\x([0-9A-Fa-f]{2})")
_AGGREGATES: Final = {"count", "sum", "avg", "min", "max"}
_FUNCTIONS: Final = _AGGREGATES | {
    *("upper", "lower", "length", "substr", "abs", "coalesce"),
    *("concat", "trim", "round", "ltrim", "rtrim", "replace"),
}
_AVUS: Final = ("dm", "dmm", "cm", "cmm", "um", "umm", "rm", "rmm")
_AVU_JOINS: Final = {condition for left, right, condition in JOINS if {left, right} & set(_AVUS)}
_COMPARISONS: Final = {"=", "<>", "!=", "<", "<=", ">", ">="}
_TYPES: Final = {"int": "INTEGER", "integer": "INTEGER", "bigint": "INTEGER", "float": "REAL", "text": "TEXT"}


@dataclass(slots=True)
class _Query:
    """What has been read of a query."""

    aliases: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)
    aggregates: bool = False


def run(connect: Callable[[], sqlite3.Connection], user: User, query: str) -> str:
    """Carry out a query, limited to what the user may read.

    Returns:
        The rows as JSON: a list of lists of strings.

    Raises:
        ZoneError: SYS_LIBRARY_ERROR for what cannot be understood, SYS_INVALID_INPUT_PARAM for an unknown column.
    """
    sql, values = to_sql(user, query)
    connection = connect()
    try:
        rows = [["" if value is None else str(value) for value in row] for row in connection.execute(sql, values)]
    except sqlite3.Error as error:
        raise ZoneError(Code.SYS_LIBRARY_ERROR) from error
    finally:
        connection.close()
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def to_sql(user: User, query: str) -> tuple[str, list[object]]:
    """The SQL for a query, and its values.

    Raises:
        ZoneError: SYS_LIBRARY_ERROR for what cannot be understood.
    """
    reader = _Reader(query)
    found = _Query()
    reader.expect("select")
    distinct = reader.took("distinct")
    projections = reader.several(lambda: reader.expression(found))
    where = reader.condition(found) if reader.took("where") else ""
    grouped: list[str] = []
    if reader.took("group"):
        reader.expect("by")
        grouped = reader.several(lambda: reader.expression(found))
    order, limit, offset = reader.tail(found)
    if found.aggregates and not {each for each in projections if "(" not in each} <= set(grouped):
        raise ZoneError(Code.SYS_LIBRARY_ERROR)
    joined, conditions = join(list(dict.fromkeys(found.aliases)))
    if where:
        conditions.append(f"({where})")
    for piece, values in visible(user, joined):
        conditions.append(piece)
        found.values += values
    tables = _tables(joined, conditions)
    sql = f"SELECT {'DISTINCT ' if distinct else ''}{', '.join(projections)} FROM {tables}"  # noqa: S608 - made here, values are bound
    sql += f" WHERE {' AND '.join(conditions)}" if conditions else ""
    sql += f" GROUP BY {', '.join(grouped)}" if grouped else ""
    sql += f" ORDER BY {', '.join(order)}" if order else ""
    return f"{sql} LIMIT {limit} OFFSET {offset}", found.values


def _tables(joined: list[str], conditions: list[str]) -> str:
    """What to select from. What has no AVU has a row too, with empty ones; their joins are taken from `conditions`."""
    inner = [alias for alias in joined if alias not in _AVUS]
    if not inner:
        return ", ".join(f"{TABLES[alias]} {alias}" for alias in joined)
    found = ", ".join(f"{TABLES[alias]} {alias}" for alias in inner)
    for alias in (alias for alias in _AVUS if alias in joined):
        own = [piece for piece in conditions if piece in _AVU_JOINS and f" {alias}." in piece]
        for piece in own:
            conditions.remove(piece)
        found += f" LEFT JOIN {TABLES[alias]} {alias} ON {' AND '.join(own)}"
    return found


class _Reader:
    """Reads a query word by word."""

    def __init__(self, query: str) -> None:
        self._tokens = _tokens(query)
        self._at = 0

    @property
    def _next(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def took(self, word: str) -> bool:
        """Whether the next word is this one; it is taken then."""
        kind, text = self._next
        if kind in {"name", "sign"} and text.lower() == word:
            self._at += 1
            return True
        return False

    def expect(self, word: str) -> None:
        """Take this word."""
        if not self.took(word):
            raise ZoneError(Code.SYS_LIBRARY_ERROR)

    def take(self, kind: str) -> str:
        """Take a word of a kind."""
        if self._next[0] != kind:
            raise ZoneError(Code.SYS_LIBRARY_ERROR)
        text = self._next[1]
        self._at += 1
        return text

    def several(self, read: Callable[[], str]) -> list[str]:
        """Read what is separated by commas."""
        found = [read()]
        while self.took(","):
            found.append(read())
        return found

    def expression(self, query: _Query) -> str:
        """Read a column or a function."""
        name = self.take("name")
        if name.lower() == "cast" and self.took("("):
            inner = self.expression(query)
            self.expect("as")
            kind = _TYPES.get(self.take("name").lower(), "TEXT")
            if self.took("("):
                self.take("number")
                self.expect(")")
            self.expect(")")
            return f"CAST({inner} AS {kind})"
        if self.took("("):
            if name.lower() not in _FUNCTIONS:
                raise ZoneError(Code.SYS_LIBRARY_ERROR)
            distinct = "DISTINCT " if self.took("distinct") else ""
            arguments = [] if self._next[1] == ")" else self.several(lambda: self._argument(query))
            self.expect(")")
            query.aggregates = query.aggregates or name.lower() in _AGGREGATES
            if name.lower() == "concat":
                return f"({' || '.join(arguments) or repr('')})"
            return f"{name}({distinct}{', '.join(arguments)})"
        column = NAMED_COLUMNS.get(name)
        if column is None:
            raise ZoneError(Code.SYS_INVALID_INPUT_PARAM)
        query.aliases.append(column.alias)
        return column.sql

    def _argument(self, query: _Query) -> str:
        kind, text = self._next
        if kind == "number":
            return str(int(self.take("number")))
        if kind == "text":
            self._at += 1
            query.values.append(text)
            return "?"
        return self.expression(query)

    def condition(self, query: _Query) -> str:
        """Read conditions joined by ``and`` and ``or``."""
        found = self._single(query)
        while True:
            for word in ("and", "or"):
                if self.took(word):
                    found += f" {word.upper()} {self._single(query)}"
                    break
            else:
                return found

    def _single(self, query: _Query) -> str:  # noqa: PLR0911 - one for each kind of condition
        if self.took("not"):
            return f"NOT ({self._single(query)})"
        if self.took("("):
            inner = self.condition(query)
            self.expect(")")
            return f"({inner})"
        left = self.expression(query)
        kind, sign = self._next
        if kind == "sign" and sign in _COMPARISONS:
            self._at += 1
            return f"{left} {sign} {self._value(query)}"
        if self.took("is"):
            return f"{left} IS {'NOT ' if self.took('not') else ''}{self._null()}"
        negated = "NOT " if self.took("not") else ""
        if self.took("like"):
            return f"{left} {negated}LIKE {self._value(query)} ESCAPE '\\'"
        if self.took("between"):
            low = self._value(query)
            self.expect("and")
            return f"{left} {negated}BETWEEN {low} AND {self._value(query)}"
        self.expect("in")
        self.expect("(")
        listed = self.several(lambda: self._value(query))
        self.expect(")")
        return f"{left} {negated}IN ({', '.join(listed)})"

    def _value(self, query: _Query) -> str:
        query.values.append(self.take("text"))
        return "?"

    def _null(self) -> str:
        self.expect("null")
        return "NULL"

    def tail(self, query: _Query) -> tuple[list[str], int, int]:
        """Read order, limit and offset, to the end."""
        order: list[str] = []
        limit, offset = DEFAULT_ROWS, 0
        while self._next[0] != "end":
            if self.took("order"):
                self.expect("by")
                order = self.several(lambda: self._sorting(query))
            elif self.took("offset"):
                offset = self._count()
            elif self.took("limit"):
                limit = self._count()
            else:
                self.expect("fetch")
                self.expect("first")
                limit = int(self.take("number"))
                self.expect("rows")
                self.expect("only")
        return order, limit, offset

    def _count(self) -> int:
        number = int(self.take("number"))
        if number < 0:
            raise ZoneError(Code.SYS_LIBRARY_ERROR)
        return number

    def _sorting(self, query: _Query) -> str:
        found = self.expression(query)
        if self.took("desc"):
            return f"{found} DESC NULLS FIRST"
        self.took("asc")
        return f"{found} NULLS LAST"


def _tokens(query: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    query = query.rstrip()
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            raise ZoneError(Code.SYS_LIBRARY_ERROR)
        kind = str(match.lastgroup)
        text = match.group(kind)
        if kind == "text":
            text = _HEX.sub(lambda code: chr(int(code[1], 16)), text[1:-1].replace("''", "'"))
        found.append((kind, text))
        at = match.end()
    return found
