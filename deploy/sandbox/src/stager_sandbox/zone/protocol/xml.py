"""The XML dialect of packing, as the real server writes it: no attributes, five entities, a line per element.

It is not quite XML: control characters travel bare, and before 4.2.9 ``&apos;`` stood for a backtick.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from stager_sandbox.zone.protocol.framing import ProtocolError
from stager_sandbox.zone.protocol.packing import MAX_COLUMNS, Field, Kind, QueryColumn, S, Struct, layout

_TAG: Final = re.compile(r"<(/?)([A-Za-z0-9_]+)>")
_EMPTY_COLUMN: Final = "<SqlResult_PI>\n<attriInx>0</attriInx>\n<reslen>0</reslen>\n</SqlResult_PI>\n"

Node: TypeAlias = "str | dict[str, list[Node]]"
"""An element: its text, or its children by tag in order of appearance."""


class XmlDialect:
    """Packs and unpacks structures.

    Args:
        apostrophe: The character that ``&apos;`` stands for: ``'``, or a backtick for peers before 4.2.9.
    """

    def __init__(self, apostrophe: str = "'") -> None:
        self._apostrophe = apostrophe

    def pack(self, item: Struct) -> bytes:
        """Write a structure."""
        return self._element(item).encode("utf-8", "surrogateescape")

    def unpack(self, kind: type[S], data: bytes | bytearray) -> S:
        """Read a structure; fields that did not come keep their defaults.

        Raises:
            ProtocolError: The bytes are not that structure.
        """
        if not layout(kind):
            return kind()
        tag, node = _parse(data.decode("utf-8", "surrogateescape"))
        if tag != kind.tag or isinstance(node, str):
            raise ProtocolError(f"expected {kind.tag}, got {tag}")
        try:
            return self._build(kind, node)
        except (ValueError, LookupError) as error:
            raise ProtocolError(f"{kind.tag}: {error}") from error

    def escape(self, value: str) -> str:
        """Write the five special characters as entities."""
        value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
        return value.replace(self._apostrophe, "&apos;")

    def unescape(self, value: str) -> str:
        """Read the five entities."""
        if "&" not in value:
            return value
        value = value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
        return value.replace("&apos;", self._apostrophe).replace("&amp;", "&")

    def _element(self, item: Struct) -> str:
        inner = "".join(self._field(entry, getattr(item, entry.name)) for entry in layout(type(item)))
        return f"<{item.tag}>\n{inner}</{item.tag}>\n"

    def _field(self, entry: Field, value: Any) -> str:  # noqa: ANN401, PLR0911 - one case for each kind
        wire = entry.wire
        match entry.kind:
            case Kind.INTEGER | Kind.LONG:
                return f"<{wire}>{value}</{wire}>\n"
            case Kind.TEXT | Kind.TEXT_POINTER:
                return f"<{wire}>{self.escape(value)}</{wire}>\n"
            case Kind.BINARY:
                length = "" if entry.length else f"<buflen>{len(value)}</buflen>\n"
                return f"{length}<{wire}>{b64encode(value).decode('ascii')}</{wire}>\n"
            case Kind.STRUCT:
                return self._element(value)
            case Kind.STRUCT_POINTER:
                return "" if value is None else self._element(value)
            case Kind.STRUCTS:
                return f"<{wire}>{len(value)}</{wire}>\n" + "".join(self._element(each) for each in value)
            case Kind.KEY_VALUES:
                return self._pairs(wire, "ssLen", "keyWord", "svalue", value.items())
            case Kind.INDEXED_INTEGERS:
                return self._pairs(wire, "iiLen", "inx", "ivalue", value)
            case Kind.INDEXED_TEXTS:
                return self._pairs(wire, "isLen", "inx", "svalue", value)
            case Kind.COLUMNS:
                return "".join(self._columns(value)) + _EMPTY_COLUMN * (MAX_COLUMNS - len(value))

    def _pairs(self, tag: str, count: str, first: str, second: str, pairs: Any) -> str:  # noqa: ANN401
        pairs = list(pairs)
        lefts = "".join(f"<{first}>{self.escape(str(left))}</{first}>\n" for left, _ in pairs)
        rights = "".join(f"<{second}>{self.escape(str(right))}</{second}>\n" for _, right in pairs)
        return f"<{tag}>\n<{count}>{len(pairs)}</{count}>\n{lefts}{rights}</{tag}>\n"

    def _columns(self, found: Sequence[QueryColumn]) -> Iterator[str]:
        for column in found:
            values = "".join([f"<value>{self.escape(value)}</value>\n" for value in column.values])
            yield (
                f"<SqlResult_PI>\n<attriInx>{column.index}</attriInx>\n<reslen>{column.width}</reslen>\n"
                f"{values}</SqlResult_PI>\n"
            )

    def _build(self, kind: type[S], node: dict[str, list[Node]]) -> S:
        found: dict[str, Any] = {}
        seen: dict[str, int] = {}
        for entry in layout(kind):
            nodes = node.get(entry.wire)
            position = seen.get(entry.wire, 0)  # source and destination of a copy bear the same tag
            if not nodes or position >= len(nodes):
                continue
            seen[entry.wire] = position + 1
            found[entry.name] = self._value(entry, nodes[position], node)
        return kind(**found)

    def _value(self, entry: Field, node: Node, parent: dict[str, list[Node]]) -> Any:  # noqa: ANN401, PLR0911
        match entry.kind:
            case Kind.INTEGER | Kind.LONG:
                return int(_text(node) or 0)
            case Kind.TEXT | Kind.TEXT_POINTER:
                return self.unescape(_text(node))
            case Kind.BINARY:
                return b64decode(_text(node))
            case Kind.STRUCTS:
                return [self._build(entry.nested, _children(each)) for each in parent.get(entry.nested.tag, [])]
            case Kind.STRUCT | Kind.STRUCT_POINTER:
                return self._build(entry.nested, _children(node))
            case Kind.KEY_VALUES:
                return dict(self._read_pairs(_children(node), "keyWord", "svalue"))
            case Kind.INDEXED_INTEGERS:
                return [(int(left), int(right)) for left, right in self._read_pairs(_children(node), "inx", "ivalue")]
            case Kind.INDEXED_TEXTS:
                return [(int(left), right) for left, right in self._read_pairs(_children(node), "inx", "svalue")]
            case Kind.COLUMNS:
                columns = [self._column(_children(each)) for each in parent[entry.wire]]
                return [column for column in columns if column.index or column.values]

    def _column(self, node: dict[str, list[Node]]) -> QueryColumn:
        values = [self.unescape(_text(each)) for each in node.get("value", [])]
        return QueryColumn(int(_text(node["attriInx"][0])), int(_text(node["reslen"][0])), values)

    def _read_pairs(self, node: dict[str, list[Node]], first: str, second: str) -> list[tuple[str, str]]:
        lefts = [self.unescape(_text(each)) for each in node.get(first, [])]
        rights = [self.unescape(_text(each)) for each in node.get(second, [])]
        return list(zip(lefts, rights, strict=True))


def _text(node: Node) -> str:
    if not isinstance(node, str):
        raise ProtocolError(f"expected text, got {', '.join(node)}")
    return node


def _children(node: Node) -> dict[str, list[Node]]:
    if isinstance(node, str):
        if node.strip():
            raise ProtocolError("expected elements, got text")
        return {}
    return node


def _parse(source: str) -> tuple[str, Node]:
    """Read one element. An element that holds elements ignores the text between them."""
    stack: list[tuple[str, dict[str, list[Node]]]] = []
    start = 0
    opened = False
    for match in _TAG.finditer(source):
        closing, tag = match.groups()
        if not closing:
            stack.append((tag, {}))
            start, opened = match.end(), True
            continue
        if not stack or stack[-1][0] != tag:
            raise ProtocolError(f"</{tag}> closes nothing")
        _, children = stack.pop()
        node: Node = source[start : match.start()] if opened else children
        opened = False
        if not stack:
            return tag, node
        stack[-1][1].setdefault(tag, []).append(node)
    raise ProtocolError("the message ends too early")
