# ruff: noqa: ANN401 - the field functions stand for values of the fields' own types, as dataclasses.field() does
"""Packing instructions as Python: a structure is a dataclass whose fields know their wire name and kind.

iRODS describes each structure with an instruction such as ``str objPath[1088]; int createMode; struct
KeyValPair_PI;``. The functions here (`text`, `integer`, `long`, …) stand for its words. A dialect (`xml`) walks
`layout` to pack and unpack; a structure itself knows no dialect.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from enum import Enum, auto
from typing import Any, ClassVar, Final, Protocol, TypeVar

MAX_COLUMNS: Final = 50


class Kind(Enum):
    """How a field travels."""

    TEXT = auto()  # str name[N]
    TEXT_POINTER = auto()  # str *name
    INTEGER = auto()  # int
    LONG = auto()  # double, which is a 64-bit integer
    BINARY = auto()  # bin *name(length): base64 in XML
    STRUCT = auto()  # struct Name_PI
    STRUCT_POINTER = auto()  # struct *Name_PI, which may be absent
    STRUCTS = auto()  # struct *Name_PI[count]
    KEY_VALUES = auto()  # struct KeyValPair_PI
    INDEXED_INTEGERS = auto()  # struct InxIvalPair_PI
    INDEXED_TEXTS = auto()  # struct InxValPair_PI
    COLUMNS = auto()  # struct SqlResult_PI[MAX_SQL_ATTR]


class Struct:
    """A structure that travels. Subclasses are dataclasses and name their packing instruction."""

    tag: ClassVar[str] = ""

    def __init_subclass__(cls, tag: str = "", **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if tag:  # dataclass(slots=True) makes the class a second time, without it
            cls.tag = tag


S = TypeVar("S", bound=Struct)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a structure.

    Attributes:
        name: Its name in Python.
        wire: Its name on the wire.
        kind: How it travels.
        nested: The structure in it; `Struct` if there is none.
        length: The number of bytes of a binary field that has always as many; else 0.
    """

    name: str
    wire: str
    kind: Kind
    nested: type[Struct]
    length: int


class Dialect(Protocol):
    """A way of packing."""

    def pack(self, item: Struct) -> bytes:
        """Write a structure."""

    def unpack(self, kind: type[S], data: bytes | bytearray) -> S:
        """Read a structure; `ProtocolError` when the bytes are not that structure."""


@dataclass(slots=True)
class QueryColumn:
    """One column of a page of query results: its number, the width the real server would use, its values."""

    index: int
    width: int
    values: list[str]


_LAYOUTS: dict[type[Struct], tuple[Field, ...]] = {}


def layout(struct: type[Struct]) -> tuple[Field, ...]:
    """The fields of a structure in wire order."""
    found = _LAYOUTS.get(struct)
    if found is None:
        found = _LAYOUTS[struct] = _read_layout(struct)
    return found


def _read_layout(struct: type[Struct]) -> tuple[Field, ...]:
    return tuple(
        Field(item.name, item.metadata["wire"], item.metadata["kind"], item.metadata["nested"], item.metadata["length"])
        for item in fields(struct)  # type: ignore[arg-type] # every Struct is a dataclass
    )


def _declare(wire: str, kind: Kind, default: Callable[[], Any], nested: type[Struct] = Struct, length: int = 0) -> Any:
    return field(default_factory=default, metadata={"wire": wire, "kind": kind, "nested": nested, "length": length})


def text(wire: str) -> Any:
    """A string of bounded length."""
    return _declare(wire, Kind.TEXT, str)


def text_pointer(wire: str) -> Any:
    """A string that may be absent; "" when it is."""
    return _declare(wire, Kind.TEXT_POINTER, str)


def integer(wire: str) -> Any:
    """A 32-bit integer."""
    return _declare(wire, Kind.INTEGER, int)


def long(wire: str) -> Any:
    """A 64-bit integer."""
    return _declare(wire, Kind.LONG, int)


def binary(wire: str, length: int = 0) -> Any:
    """Bytes: always `length` of them, or preceded by their number in a field named ``buflen``."""
    return _declare(wire, Kind.BINARY, bytes, length=length)


def struct(nested: type[Struct]) -> Any:
    """A structure within this one."""
    return _declare(nested.tag, Kind.STRUCT, nested, nested)


def struct_pointer(nested: type[Struct]) -> Any:
    """A structure within this one, or None."""
    return _declare(nested.tag, Kind.STRUCT_POINTER, lambda: None, nested)


def structs(count: str, nested: type[Struct]) -> Any:
    """A list of structures, preceded by its length in a field named `count`."""
    return _declare(count, Kind.STRUCTS, list, nested)


def key_values() -> Any:
    """Keywords and their values."""
    return _declare("KeyValPair_PI", Kind.KEY_VALUES, dict)


def indexed_integers() -> Any:
    """A list of (index, integer)."""
    return _declare("InxIvalPair_PI", Kind.INDEXED_INTEGERS, list)


def indexed_texts() -> Any:
    """A list of (index, string)."""
    return _declare("InxValPair_PI", Kind.INDEXED_TEXTS, list)


def columns() -> Any:
    """A query's result columns, always fifty of them on the wire."""
    return _declare("SqlResult_PI", Kind.COLUMNS, list)
