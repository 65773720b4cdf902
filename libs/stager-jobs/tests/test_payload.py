"""The payload's codec and the table of moves."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stager_jobs.errors import DamagedRecordError
from stager_jobs.job import ENDED, State, Task
from stager_jobs.payload import ENTRY, decode_data, decode_task, encode_task, fingerprint
from stager_jobs.transitions import TRANSITIONS, Move, is_legal

TASK = Task(title="t", dr_user="u", src_url="/a", dst_url="i:/b", stager_user="jan", dr_pass="sealed:x")


def test_round_trip_without_the_credential() -> None:
    """What goes in comes out, but the credential has no place in it."""
    payload = json.loads(json.dumps(encode_task(TASK)))
    assert "sealed" not in json.dumps(payload)
    assert decode_task(payload) == replace(TASK, dr_pass="")


def test_fingerprints_ignore_the_credential() -> None:
    """Sealing the same password again makes no other task; another path does."""
    assert fingerprint(TASK) == fingerprint(replace(TASK, dr_pass="sealed:y"))
    assert fingerprint(TASK) != fingerprint(replace(TASK, src_url="/c"))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"title": 1},
        {"title": "x" * 5000},
        {"src_url": "/a\0"},
        {"src_url": "\ud800"},
        {"timeout": -1},
        {"timeout": True},
        {"timeout": 2**40},
        {"extra": 1},
    ],
)
def test_hostile_payloads(change: dict[str, object]) -> None:
    """A payload that isn't as it was written is refused, without a word of what stood in it."""
    with pytest.raises(DamagedRecordError):
        decode_task(encode_task(TASK) | change)


@pytest.mark.parametrize(
    "call",
    [
        ["os.system", None, [], {"payload": encode_task(TASK)}],
        [ENTRY, "instance", [], {"payload": encode_task(TASK)}],
        [ENTRY, None, ["x"], {"payload": encode_task(TASK)}],
        [ENTRY, None, [], {"payload": encode_task(TASK), "more": 1}],
        {},
        [],
        None,
    ],
)
def test_no_other_call_is_accepted(call: object) -> None:
    """Only a transfer with its one argument."""
    with pytest.raises(DamagedRecordError):
        decode_data(json.dumps(call).encode())


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
@settings(max_examples=500, deadline=None)
def test_anything_at_all(data: bytes | str) -> None:
    """Whatever stands there, the only error is the one that says so."""
    with pytest.raises(DamagedRecordError):
        decode_data(data if isinstance(data, bytes) else data.encode(errors="replace"))


def test_every_state_is_reached_and_left() -> None:
    """The table names each state as a target or is where a submit begins, and every state can be left."""
    assert {State.PENDING, State.SCHEDULED} | {move.target for move in TRANSITIONS.values()} == set(State)
    assert set().union(*(move.sources for move in TRANSITIONS.values())) == set(State)


def test_ended_jobs_move_by_restart_only() -> None:
    """Nothing else touches a job that has ended."""
    for state in ENDED:
        assert [move for move in Move if is_legal(move, state)] == [Move.RESTART]
