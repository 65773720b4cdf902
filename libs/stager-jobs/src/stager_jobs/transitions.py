"""Which moves there are between states, in one table. The store asks it; nothing else decides what may follow what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from stager_jobs.job import ENDED, State


class Move(StrEnum):
    """What can happen to a job."""

    CLAIM = "claim"
    """A worker takes it."""
    COMPLETE = "complete"
    """Everything is at the destination and verified."""
    FAIL = "fail"
    """It failed for good."""
    RETRY = "retry"
    """An attempt failed, another one waits for its time."""
    HAND_BACK = "hand_back"
    """Its worker ends, or is gone; another one takes it from the front of the queue."""
    DUE = "due"
    """Its time has come."""
    STOP = "stop"
    """Somebody doesn't want it any more."""
    RESTART = "restart"
    """Somebody wants it again."""


@dataclass(frozen=True, slots=True)
class Transition:
    """From which states a move is legal, and where it leads."""

    sources: frozenset[State]
    target: State


TRANSITIONS: Mapping[Move, Transition] = MappingProxyType(
    {
        Move.CLAIM: Transition(frozenset({State.PENDING}), State.ACTIVE),
        Move.COMPLETE: Transition(frozenset({State.ACTIVE}), State.COMPLETED),
        Move.FAIL: Transition(frozenset({State.ACTIVE}), State.FAILED),
        Move.RETRY: Transition(frozenset({State.ACTIVE}), State.RETRY),
        Move.HAND_BACK: Transition(frozenset({State.ACTIVE}), State.PENDING),
        Move.DUE: Transition(frozenset({State.SCHEDULED, State.RETRY}), State.PENDING),
        Move.STOP: Transition(frozenset(State) - ENDED, State.STOPPED),
        Move.RESTART: Transition(ENDED, State.PENDING),
    }
)


def is_legal(move: Move, state: State) -> bool:
    """Whether a job in `state` may make `move`."""
    return state in TRANSITIONS[move].sources
