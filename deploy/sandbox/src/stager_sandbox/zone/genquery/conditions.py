"""GenQuery's conditions: ``= 'x'``, ``like 'x%' || = 'y'``, ``in ('a','b')``, ``between '1' '5'``, ``n> '3'``.

A value runs from the first quote to the last, so it may hold quotes; but ``||`` and ``&&`` cut wherever the quotes
before them pair up, as on the real server, so a value cannot hold everything.
"""

import re
from typing import Final

from stager_sandbox.zone.errors import Code, ZoneError

_OPERATORS: Final = {
    "=": "=",
    "<>": "<>",
    "!=": "<>",
    "<": "<",
    ">": ">",
    "<=": "<=",
    ">=": ">=",
    "like": "LIKE",
    "not like": "NOT LIKE",
}


def to_sql(column: str, condition: str) -> tuple[str, list[str]]:
    """SQL for one column's condition, and its values.

    Raises:
        ZoneError: CAT_INVALID_ARGUMENT for what is no condition.
    """
    parts, operators = _split(condition)
    pieces = []
    values: list[str] = []
    for part in parts:
        sql, found = _single(column, part.strip())
        pieces.append(sql)
        values += found
    if len(pieces) == 1:
        return pieces[0], values
    words = [" OR " if operator == "||" else " AND " for operator in operators]
    joined = "".join(piece + word for piece, word in zip(pieces, [*words, ""], strict=True))
    return f"({joined})", values


def _split(condition: str) -> tuple[list[str], list[str]]:
    """Cut at ``||`` and ``&&`` outside quotes."""
    if "||" not in condition and "&&" not in condition:
        return [condition], []
    parts, operators = [""], []
    quoted = False
    index = 0
    while index < len(condition):
        if condition[index] == "'":
            quoted = not quoted
        if not quoted and condition[index : index + 2] in {"||", "&&"}:
            operators.append(condition[index : index + 2])
            parts.append("")
            index += 2
            continue
        parts[-1] += condition[index]
        index += 1
    return parts, operators


def _single(column: str, condition: str) -> tuple[str, list[str]]:
    if re.match(r"n[<>=]", condition):
        column, condition = f"CAST({column} AS NUMERIC)", condition[1:]
    first, last = condition.find("'"), condition.rfind("'")
    if first < 0 or first == last:
        raise ZoneError(Code.CAT_INVALID_ARGUMENT)
    operator = " ".join(condition[:first].lower().split())
    value = condition[first + 1 : last]
    if operator in {"in (", "in(", "in", "not in (", "not in("}:
        listed = re.findall(r"'([^']*)'", condition)
        marks = ",".join("?" * len(listed))
        return f"{column} {'NOT ' if operator.startswith('not') else ''}IN ({marks})", listed
    if operator == "between":
        listed = re.findall(r"'([^']*)'", condition)
        if len(listed) != 2:
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)
        return f"{column} BETWEEN ? AND ?", listed
    if operator == "parent_of":
        listed = _ancestors(value)
        return f"{column} IN ({','.join('?' * len(listed))})", listed
    if operator == "begin_of":
        return f"instr(?, {column}) = 1", [value]
    if operator not in _OPERATORS:
        raise ZoneError(Code.CAT_INVALID_ARGUMENT)
    escape = r" ESCAPE '\'" if "like" in operator else ""
    if column.startswith("CAST"):
        return f"{column} {_OPERATORS[operator]} CAST(? AS NUMERIC)", [value]
    return f"{column} {_OPERATORS[operator]} ?{escape}", [value]


def _ancestors(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part]
    return ["/", *("/" + "/".join(parts[: count + 1]) for count in range(len(parts)))]
