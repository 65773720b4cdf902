"""How jobs are dealt with where nobody says otherwise: retries, fair share, weights, how long records are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from stager_jobs.job import Priority

DAY = 86_400
FENCE_MARGIN = 25


@dataclass(frozen=True, slots=True)
class Rules:
    """Set alike in the API and in the workers. All times are seconds.

    Retries and retention are fixed for a job by who submits or ends it; the fair share by the worker that claims it.
    """

    retry_delays: tuple[int, ...] = (30, 60, 90, 120)
    """How long each further attempt waits after an error that is not fatal; as many retries as there are delays."""

    active_per_owner: int = 3
    """How many jobs of one owner run at once; the rest wait in order."""

    waiting_per_owner: int = 0
    """How many jobs of one owner may wait for a worker; more are refused. 0: any number."""

    weights: Mapping[Priority, int] = field(
        default_factory=lambda: MappingProxyType({Priority.CRITICAL: 6, Priority.DEFAULT: 3, Priority.LOW: 1})
    )
    """How often each queue is asked first, out of their sum."""

    keep_completed: int = 2 * DAY
    """How long the records of completed and of stopped jobs are kept."""

    keep_failed: int = 14 * DAY
    """How long the records of failed jobs are kept."""

    lease: int = 120
    """How long a worker holds a job without a sign of life before another one may take it."""

    fence: int = 90
    """After how long without an answer of Redis a worker ends its transfer; less than `lease`, so that no job ever
    runs twice at once."""

    lost_limit: int = 20
    """How many attempts may be lost with their workers before the job fails: it may be what kills them."""

    copies: int = 0
    """How many replicas of Redis have to hold a submitted job before that is acknowledged."""

    def __post_init__(self) -> None:
        """Refuse rules under which a job could run twice at once.

        Raises:
            ValueError: The fence leaves too little time to end a transfer before its lease runs out: up to 11 seconds
                for a question that Redis doesn't answer, 12 for s-isync to end by itself.
        """
        if self.fence + FENCE_MARGIN > self.lease:
            raise ValueError(
                f"fence: {self.fence} s must be at least {FENCE_MARGIN} s less than the lease of {self.lease} s"
            )
