"""The Lua scripts in `scripts/`: each is one atomic step, and safe to send twice."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from redis import Redis
from redis.commands.core import Script
from rq.job import JobStatus

from stager_jobs.rq_store.keys import state_of
from stager_jobs.transitions import Move, is_legal


class Name(StrEnum):
    """The scripts there are; each file says what it takes and returns."""

    SUBMIT = "submit"
    CLAIM = "claim"
    BEAT = "beat"
    FINISH = "finish"
    LOSE = "lose"
    STOP = "stop"
    RESTART = "restart"
    DELETE = "delete"
    COUNT = "count"
    STATES = "states"
    ACTIVE = "active"
    TAKE_NOTICE = "take_notice"
    DELAY_NOTICE = "delay_notice"
    FORGET_OWNER = "forget_owner"
    MEND = "mend"


class Scripts:
    """The scripts over one connection."""

    def __init__(self, redis: Redis) -> None:
        self._scripts: dict[Name, Script] = {name: redis.register_script(_source(name)) for name in Name}

    def run(self, name: Name, *args: bytes | str | float, keys: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 - each script's own reply
        """Run one now."""
        return self._scripts[name](keys=keys, args=args)

    def queue(self, pipeline: Redis, name: Name, *args: bytes | str | float) -> None:
        """Put one into a pipeline; its reply comes with the pipeline's."""
        self._scripts[name](args=args, client=pipeline)


def legal_statuses(move: Move) -> str:
    """RQ's statuses from which `move` is legal, as the scripts take them: between commas."""
    names = [
        status.value
        for status in JobStatus
        if any(is_legal(move, state_of(status.value, attempted=attempted)) for attempted in (False, True))
    ]
    return f",{','.join(names)},"


@cache
def _source(name: Name) -> str:
    folder = files(__package__) / "scripts"
    return (folder / "prelude.lua").read_text() + (folder / f"{name}.lua").read_text()
