"""The reader of s-isync's lines, fed with whatever may come."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stager_worker.isync_events import LONGEST_LINE, EndEvent, EventReader, FileEvent, ProgressEvent, parse_line

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
KEYS = [
    "totals_final",
    "files_total",
    "bytes_total",
    "seconds_left",
    "working_seconds",
    "current",
    "error",
    "path",
    "outcome",
    "failures",
]


@given(st.lists(st.binary(max_size=300), max_size=20))
@settings(max_examples=300, deadline=None)
def test_any_bytes(chunks: list[bytes]) -> None:
    """Nothing that comes in raises."""
    reader = EventReader()
    for chunk in chunks:
        list(reader.feed(chunk))


@given(
    st.sampled_from(["progress", "file", "error", "end", "start", "x"]), st.dictionaries(st.sampled_from(KEYS), JSON)
)
@settings(max_examples=500, deadline=None)
def test_any_values(kind: str, values: dict[str, object]) -> None:
    """Keys of any type make an event whose numbers are numbers and whose texts can be stored."""
    event = parse_line(json.dumps({"event": kind, **values}).encode())
    if isinstance(event, ProgressEvent):
        assert event.totals.files_total >= 0
        assert math.isfinite(event.bytes_per_second)
        assert all(isinstance(path, str) for path in event.current)
    if isinstance(event, FileEvent):
        event.path.encode()
    if isinstance(event, EndEvent):
        assert len(event.failures) <= 20


@given(st.integers(1, 50))
def test_pieces_make_no_difference(size: int) -> None:
    """Events come out whole however the bytes are cut."""
    lines = b"".join(json.dumps({"event": "file", "path": f"é{n}"}).encode() + b"\n" for n in range(20))
    reader = EventReader()
    found = [event for at in range(0, len(lines), size) for event in reader.feed(lines[at : at + size])]
    assert [event.path for event in found if isinstance(event, FileEvent)] == [f"é{n}" for n in range(20)]
    assert reader.garbage == 0


@pytest.mark.parametrize("piece", [1000, 70_000, 1_000_000])
def test_long_lines_are_dropped_in_bounded_memory(piece: int) -> None:
    """A line without end is thrown away as it comes, and the next line counts again."""
    reader = EventReader()
    for _ in range(3_000_000 // piece):
        assert list(reader.feed(b"x" * piece)) == []
        assert len(reader._rest) <= LONGEST_LINE + piece
    assert len(list(reader.feed(b'\n{"event": "file", "path": "a"}\n'))) == 1
    assert reader.garbage == 1
