"""Values as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")


def printable(text: str) -> str:
    r"""The text on one line, with what could steer a terminal or turn the reading direction written out (`\x1b`)."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def size(count: float) -> str:
    """Bytes in decimal units, such as `1.5 GB`."""
    for unit in _UNITS:
        if count < 999.5 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 99.95 else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("the last unit takes all")


def duration(seconds: float) -> str:
    """Seconds as `M:SS` or `H:MM:SS`."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def moment(time: Timestamp) -> str:
    """A time in the reader's own zone, to the second."""
    return time.ToDatetime(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows with their columns aligned, nothing cut off, the last column ragged."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)
