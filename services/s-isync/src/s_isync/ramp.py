"""Decides how many threads, and so connections, are worth what they cost both sides."""

from enum import Enum

_AT_ONCE = 4  # threads that start without a question
_SAMPLE = 100  # tasks by which a rate is known well enough
_LEAST = 0.5  # seconds, for the same
_WORTH = 1 / 3  # of what one more thread would bring if nothing else held it up
_AGAIN = 30.0  # seconds until what brought nothing, or was refused, is tried again
_HELPER_AFTER = 1.0  # seconds from one start to the next for the sake of a big file


class Advice(Enum):
    """What is to become of the number of threads."""

    STAY = 0
    START_ONE = 1
    END_ONE = -1


class Ramp:
    """Watches how fast tasks are done, and has threads start as long as each one makes that faster.

    A server that has no core left for one more connection only gets slower by it, and a client can't see its cores; so
    one more is tried, and ended again if it brings nothing. Not thread-safe: its owner has a lock.

    Args:
        most: threads that there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._changed_at = 0.0
        self._done = 0
        self._counted_from = 0  # of `_done`; while what comes before is done, a new thread logs in
        self._since: float | None = None
        self._rate: float | None = None  # with one thread less
        self._rests_until = 0.0
        self._refused_at: float | None = None
        self._room = most  # threads that could work when one was refused

    def limit(self, most: int) -> None:
        """There can't be more than so many."""
        self._most = most

    def done(self, now: float) -> None:
        """A task is done."""
        self._done += 1
        if self._since is None and self._done >= self._counted_from:
            self._since, self._counted_from = now, self._done

    def changed(self, now: float, count: int) -> None:
        """A thread has started or ended, so that there are `count`."""
        self._changed_at = now
        self._since, self._counted_from = None, self._done + 2 * count

    def refused(self, now: float, count: int) -> None:
        """A thread could do nothing, for want of a connection, and has ended; `count` are left.

        There won't be more for a while, then one more at a time.
        """
        self.changed(now, count)
        self._refused_at, self._room = now, count

    def advise(self, now: float, count: int, *, helping: bool, distant: bool) -> Advice:
        """What to do about the `count` threads that there are, while there is work for more.

        Args:
            now: seconds, of a clock that never goes back.
            count: threads that there are.
            helping: whether the work is help with a big file; of these there are few, so their rate says nothing.
            distant: whether answers are so long on their way that no server is at its limit.
        """
        most = self._allowed(now)
        more = Advice.START_ONE if count < most else Advice.STAY
        if count < _AT_ONCE or distant:
            return more
        if helping:
            return more if now >= self._changed_at + _HELPER_AFTER else Advice.STAY
        if now < self._rests_until or self._since is None:
            return Advice.STAY
        done, seconds = self._done - self._counted_from, now - self._since
        if done < _SAMPLE or seconds < _LEAST:
            return Advice.STAY
        rate, before = done / seconds, self._rate
        worth = before is None or rate >= before * (1 + _WORTH / (count - 1))
        if worth and count < most:
            self._rate = rate
            return Advice.START_ONE
        self._rate = None
        self._rests_until = now + _AGAIN
        return Advice.STAY if worth else Advice.END_ONE

    def _allowed(self, now: float) -> int:
        if self._refused_at is None:
            return self._most
        return min(self._most, self._room + int((now - self._refused_at) / _AGAIN))
