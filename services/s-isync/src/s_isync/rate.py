"""How fast a run goes, over its last seconds."""

from collections import deque

_WINDOW = 15.0  # seconds


class Rate:
    """Bytes per second over a sliding window, from a count that is sampled now and then."""

    def __init__(self, start: float) -> None:
        self._samples: deque[tuple[float, int]] = deque([(start, 0)])

    def sample(self, now: float, count: int) -> None:
        """Note that `count` bytes are done at `now` (seconds of a monotonic clock)."""
        self._samples.append((now, count))
        while len(self._samples) > 2 and now - self._samples[1][0] > _WINDOW:
            self._samples.popleft()

    @property
    def bytes_per_second(self) -> float:
        """The mean over the window; 0 before anything is known."""
        (first, begin), (last, end) = self._samples[0], self._samples[-1]
        return max(0.0, (end - begin) / (last - first)) if last > first else 0.0

    def seconds_left(self, remaining: int) -> float | None:
        """How long `remaining` bytes take at this rate; None if it stands still."""
        speed = self.bytes_per_second
        if remaining <= 0:
            return 0.0
        return remaining / speed if speed > 0 else None
