"""How often and after how long a lost call is tried again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Retry:
    """When to try again after a transient error.

    Attributes:
        tries: Of one call, at least 1.
        first_delay: Seconds before the second try; doubled for each further one.
        longest_delay: Seconds, at the most.
        patience: Seconds for which a watch that has lost the stager keeps coming back.
    """

    tries: int = 4
    first_delay: float = 0.5
    longest_delay: float = 10.0
    patience: float = 600.0

    def delays(self) -> Iterator[float]:
        """Seconds to wait before the second try, the third and so on, without end.

        Each is drawn from the upper half of its span, so that clients that lost the stager together don't come back
        together.
        """
        delay = self.first_delay
        while True:
            yield delay * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
            delay = min(delay * 2, self.longest_delay)
