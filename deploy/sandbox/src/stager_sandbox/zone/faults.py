"""Faults on demand: what a test tells the zone to do wrong. Knows nothing of the zone; the zone asks it."""

import threading
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong in certain calls. Patterns are those of `fnmatch`.

    Attributes:
        on: Which calls, by name: ``DATA_OBJ_CLOSE``, ``AUTH*``; ``CONNECT`` is a new connection.
        path: Which of them, by the logical path that they are about.
        skip: How many of them pass unharmed first.
        after_bytes: How many bytes must have gone through the zone, both ways, since the fault was set; the connection
            that carries the next one is cut there, in the middle of whatever it is doing.
        times: How often it happens; None for always.
        delay: Seconds to wait before the call is done.
        refuse: An error code to answer with, instead of doing the call.
        cut: Cut the connection instead of doing the call.
        lose_reply: Do the call, then cut the connection instead of answering.
        silent: Do the call, then never answer.
        wrong_checksum: What the zone computes as a checksum of the object is wrong.
    """

    on: str = "*"
    path: str = "*"
    skip: int = 0
    after_bytes: int = 0
    times: int | None = None
    delay: float = 0.0
    refuse: int = 0
    cut: bool = False
    lose_reply: bool = False
    silent: bool = False
    wrong_checksum: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How poor the zone is; None where it is not.

    Attributes:
        latency: Seconds before each answer leaves.
        bandwidth: Bytes a second and direction, for each connection.
        connections: How many at once; one more is refused with SYS_MAX_CONNECT_COUNT_EXCEEDED.
        disk_free: Bytes that can still be written; then the disk is full.
    """

    latency: float | None = None
    bandwidth: float | None = None
    connections: int | None = None
    disk_free: int | None = None


@dataclass(slots=True)
class _Armed:
    """A fault and how often it has been met."""

    fault: Fault
    seen: int = 0
    struck: int = 0
    passed: int = 0

    @property
    def spent(self) -> bool:
        return self.fault.times is not None and self.struck >= self.fault.times

    def strikes(self) -> bool:
        self.seen += 1
        if self.spent or self.seen <= self.fault.skip:
            return False
        self.struck += 1
        return True


HARMLESS: Final = Fault()


@dataclass(slots=True)
class Faults:
    """The faults of one zone; set in one line, from any thread.

    Attributes:
        limits: What `limit` set.
    """

    limits: Limits = field(default_factory=Limits)
    _armed: list[_Armed] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _lifted: threading.Event = field(default_factory=threading.Event)

    def add(self, fault: Fault | None = None, /, **words: object) -> Fault:
        """Set a fault beside those there are: a `Fault`, or its attributes by name."""
        fault = fault or Fault(**words)  # type: ignore[arg-type] # a wrong word is a TypeError; that's what is wanted
        with self._lock:
            self._armed.append(_Armed(fault))
        return fault

    def limit(self, **words: float | None) -> None:
        """Set all limits anew: those named, and no other."""
        self.limits = Limits(**words)  # type: ignore[arg-type] # as above

    def clear(self) -> None:
        """Take all faults and limits away; calls that are being delayed go on."""
        with self._lock:
            self._armed.clear()
            self.limits = Limits()
            lifted, self._lifted = self._lifted, threading.Event()
        lifted.set()

    def struck(self) -> int:
        """How many times faults have happened since the last `clear`."""
        with self._lock:
            return sum(armed.struck for armed in self._armed)

    def meet(self, call: str, path: str = "") -> Fault:
        """What happens to this call: all faults that strike it, as one."""
        if not self._armed:
            return HARMLESS
        with self._lock:
            found = [
                armed.fault
                for armed in self._armed
                if not armed.fault.after_bytes
                and not armed.fault.wrong_checksum
                and fnmatchcase(call, armed.fault.on)
                and fnmatchcase(path, armed.fault.path)
                and armed.strikes()
            ]
        return Fault(
            delay=sum(each.delay for each in found),
            refuse=next((each.refuse for each in found if each.refuse), 0),
            cut=any(each.cut for each in found),
            lose_reply=any(each.lose_reply for each in found),
            silent=any(each.silent for each in found),
        )

    def carry(self, count: int) -> int:
        """How many of the next `count` bytes of a connection get through; the connection is cut if not all do."""
        if not self._armed:
            return count
        with self._lock:
            through = count
            for armed in self._armed:
                if not armed.fault.after_bytes or armed.spent:
                    continue
                armed.passed += count
                if armed.passed >= armed.fault.after_bytes:
                    through = min(through, count - (armed.passed - armed.fault.after_bytes))
                    armed.passed = 0
                    armed.struck += 1
        return through

    def falsify(self, path: str) -> bool:
        """Whether the checksum of this object, now being computed, comes out wrong."""
        if not self._armed:
            return False
        with self._lock:
            return any(
                armed.fault.wrong_checksum and fnmatchcase(path, armed.fault.path) and armed.strikes()
                for armed in self._armed
            )

    def take_room(self, count: int) -> int:
        """How many of `count` bytes still fit on the disk."""
        free = self.limits.disk_free
        if free is None:
            return count
        with self._lock:
            fits = min(count, free)
            limits = self.limits
            self.limits = Limits(limits.latency, limits.bandwidth, limits.connections, free - fits)
        return fits

    def pause(self, seconds: float) -> None:
        """Wait, or until the faults are cleared."""
        if seconds > 0:
            self._lifted.wait(seconds)

    def latency(self) -> None:
        """Wait as long as an answer takes to leave."""
        if self.limits.latency:
            self.pause(self.limits.latency)

    def throttle(self, count: int, since: float) -> None:
        """Wait until `count` bytes that began at `since`, by the monotonic clock, may have gone through."""
        if self.limits.bandwidth:
            self.pause(since + count / self.limits.bandwidth - time.monotonic())
