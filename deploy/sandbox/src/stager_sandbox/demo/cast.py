"""Who takes part: the people of the sandbox, the local users that they are, and the programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
"""Where the commands are."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who and what the services are started for.

    Attributes:
        people: By name in the sandbox: the local user that they are; empty for none.
        acts_as: The local users whom the demo's service user may act as.
        system_users: Those of them that are system accounts.
        isync: The program that moves the data; the local users have to be able to run it.
        workers: How many workers.
        guarded: Whether all that a worker started is killed when the worker, or this process, is.
        worker_settings: More of worker.yml.
    """

    people: Mapping[str, str]
    acts_as: tuple[str, ...]
    system_users: tuple[str, ...] = ()
    isync: Path = BIN / "s-isync"
    workers: int = 2
    guarded: bool = True
    worker_settings: Mapping[str, Any] = field(default_factory=dict)
