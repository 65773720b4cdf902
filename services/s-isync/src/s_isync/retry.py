"""Tries a thing again while its failures are of the passing kind."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from s_isync.errors import ErrorClass, FailedError
from s_isync.stopping import StopFlag

_LONGEST_WAIT = 30.0  # seconds


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, and how far apart.

    Attributes:
        times: further attempts after the first.
        first_wait: seconds before the second attempt; each next wait is twice as long, up to half a minute.
    """

    times: int = 4
    first_wait: float = 0.5

    def run(self, attempt: Callable[[], _T], failed: Callable[[], None], stop: StopFlag) -> _T:
        """The result of `attempt`; `failed` is called after each failure that is tried again.

        Raises:
            FailedError: it failed for good, or once too often.
            StoppedError: the run ended in between.
        """
        for count in range(self.times + 1):
            try:
                return attempt()
            except FailedError as error:
                passing = error.problem.error_class is ErrorClass.TRANSIENT and error.exit_code is None
                # What is only not this thread's turn, another one may do at once.
                if not passing or error.no_turn or count == self.times:
                    raise
                failed()
            wait = min(_LONGEST_WAIT, self.first_wait * 2**count)
            stop.wait(wait * random.uniform(0.5, 1.5))  # noqa: S311 - spreads the attempts, guards nothing
        raise AssertionError("the last attempt returns or raises")
