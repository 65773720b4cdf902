"""The native dialect of packing, which icommands speak: big-endian integers, strings ended by a zero, no names.

What is absent, a null pointer in iRODS's own C, is the string ``%@#ANULLSTR$%``.
"""

from typing import Any, Final

from stager_sandbox.zone.protocol.framing import ProtocolError
from stager_sandbox.zone.protocol.packing import MAX_COLUMNS, Field, Kind, QueryColumn, S, Struct, layout

NULL: Final = b"%@#ANULLSTR$%\0"
_EMPTY_COLUMN: Final = bytes(8) + NULL


class NativeDialect:
    """Packs and unpacks structures."""

    def pack(self, item: Struct) -> bytes:
        """Write a structure."""
        return b"".join(_field(entry, getattr(item, entry.name)) for entry in layout(type(item)))

    def unpack(self, kind: type[S], data: bytes | bytearray) -> S:
        """Read a structure.

        Raises:
            ProtocolError: The bytes are not that structure.
        """
        return _Reader(bytes(data)).struct(kind)


def _field(entry: Field, value: Any) -> bytes:  # noqa: ANN401, PLR0911 - one case for each kind
    match entry.kind:
        case Kind.INTEGER:
            return _integer(value)
        case Kind.LONG:
            return int(value).to_bytes(8, "big", signed=True)
        case Kind.TEXT | Kind.TEXT_POINTER:
            return _text(value)
        case Kind.BINARY:
            return bytes(value) if entry.length else _integer(len(value)) + value
        case Kind.STRUCT:
            return NativeDialect().pack(value)
        case Kind.STRUCT_POINTER:
            return NULL if value is None else NativeDialect().pack(value)
        case Kind.STRUCTS:
            return _integer(len(value)) + (b"".join(NativeDialect().pack(each) for each in value) or NULL)
        case Kind.KEY_VALUES:
            return _integer(len(value)) + (b"".join(map(_text, [*value, *value.values()])) if value else NULL * 2)
        case Kind.INDEXED_INTEGERS:
            return _integer(len(value)) + (_integers(value, 0) + _integers(value, 1) if value else NULL * 2)
        case Kind.INDEXED_TEXTS:
            texts = b"".join(_text(text) for _, text in value)
            return _integer(len(value)) + (_integers(value, 0) + texts if value else NULL * 2)
        case Kind.COLUMNS:
            return b"".join(map(_column, value)) + _EMPTY_COLUMN * (MAX_COLUMNS - len(value))


def _integer(value: int) -> bytes:
    return int(value).to_bytes(4, "big", signed=True)


def _integers(pairs: list[tuple[int, Any]], side: int) -> bytes:
    return b"".join(_integer(pair[side]) for pair in pairs)


def _text(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape") + b"\0"


def _column(column: QueryColumn) -> bytes:
    values = b"".join(map(_text, column.values)) if column.values else NULL
    return _integer(column.index) + _integer(column.width) + values


class _Reader:
    """Takes a message apart from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self, kind: type[S]) -> S:
        found: dict[str, Any] = {}
        for entry in layout(kind):
            found[entry.name] = self._value(entry, found)
        return kind(**found)

    def _value(self, entry: Field, before: dict[str, Any]) -> Any:  # noqa: ANN401, C901, PLR0911 - one case for each kind
        match entry.kind:
            case Kind.INTEGER:
                return self._integer()
            case Kind.LONG:
                return int.from_bytes(self._take(8), "big", signed=True)
            case Kind.TEXT:
                return self._text()
            case Kind.TEXT_POINTER:
                return "" if self._absent() else self._text()
            case Kind.BINARY:
                length = entry.length or self._count()
                return b"" if self._absent() else self._take(length)
            case Kind.STRUCT:
                return self.struct(entry.nested)
            case Kind.STRUCT_POINTER:
                return None if self._absent() else self.struct(entry.nested)
            case Kind.STRUCTS:
                count = self._count()
                return [] if self._absent() else [self.struct(entry.nested) for _ in range(count)]
            case Kind.KEY_VALUES:
                count = self._count()
                keys = self._list(count, self._text)
                return dict(zip(keys, self._list(count, self._text), strict=True))
            case Kind.INDEXED_INTEGERS:
                count = self._count()
                return list(zip(self._list(count, self._integer), self._list(count, self._integer), strict=True))
            case Kind.INDEXED_TEXTS:
                count = self._count()
                return list(zip(self._list(count, self._integer), self._list(count, self._text), strict=True))
            case Kind.COLUMNS:
                return self._columns(before["rows"], before["attributes"])

    def _columns(self, rows: int, attributes: int) -> list[QueryColumn]:
        found = []
        for _ in range(MAX_COLUMNS):
            index, width = self._integer(), self._integer()
            values = [] if self._absent() else [self._text() for _ in range(rows)]
            found.append(QueryColumn(index, width, values))
        return found[:attributes]

    def _list(self, count: int, read: Any) -> list[Any]:  # noqa: ANN401 - one of the methods here
        return [] if self._absent() else [read() for _ in range(count)]

    def _integer(self) -> int:
        return int.from_bytes(self._take(4), "big", signed=True)

    def _count(self) -> int:
        count = self._integer()
        if not 0 <= count <= len(self._data):
            raise ProtocolError(f"{count} is no length within a message of {len(self._data)} bytes")
        return count

    def _text(self) -> str:
        end = self._data.find(b"\0", self._at)
        if end < 0:
            raise ProtocolError("a string does not end")
        return self._take(end + 1 - self._at)[:-1].decode("utf-8", "surrogateescape")

    def _absent(self) -> bool:
        if self._data.startswith(NULL, self._at):
            self._at += len(NULL)
            return True
        return False

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise ProtocolError("the message ends too early")
        self._at += count
        return taken
