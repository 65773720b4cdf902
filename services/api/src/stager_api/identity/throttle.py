"""How many logins may fail in a while, by the name that is tried and by the address that tries."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

_REMEMBERED = 20_000


@dataclass(slots=True)
class Failures:
    """Failed logins in windows of `seconds`, counted by key; at most `most` in one. 0: any number."""

    most: int
    seconds: float
    clock: Callable[[], float] = time.monotonic
    _counts: OrderedDict[str, tuple[float, int]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def exceeded(self, key: str) -> bool:
        """Whether as many have failed as may."""
        with self._lock:
            began, count = self._counts.get(key, (0.0, 0))
            return 0 < self.most <= count and self.clock() - began < self.seconds

    def add(self, key: str) -> None:
        """One more has failed, or has begun and may fail."""
        now = self.clock()
        with self._lock:
            began, count = self._counts.pop(key, (now, 0))
            self._counts[key] = (began, count + 1) if now - began < self.seconds else (now, 1)
            while len(self._counts) > _REMEMBERED:
                self._counts.popitem(last=False)

    def take_back(self, key: str) -> None:
        """One that was added has not failed after all."""
        with self._lock:
            if key in self._counts:
                began, count = self._counts[key]
                self._counts[key] = (began, max(0, count - 1))


class Throttle:
    """Refuses to look at logins after too many have failed.

    A name can be tried by anybody, and whoever tries must not lock its owner out: an address from which the name has
    logged in isn't held up by what others do with the name. Attempts count from their begin, so that many at a time
    are no way around.
    """

    def __init__(self, by_name: Failures, by_address: Failures) -> None:
        self._by_name = by_name
        self._by_address = by_address
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = Lock()

    def begin(self, name: str, address: str) -> bool:
        """Whether an attempt may be looked at; if so it counts as failed until `succeeded`.

        Args:
            name: Who it says it is; empty where it says nothing.
            address: Where it comes from, as `network_of` gives it.
        """
        if self._by_address.exceeded(address):
            return False
        if name and self._by_name.exceeded(name) and not self._knows(name, address):
            return False
        self._by_address.add(address)
        if name:
            self._by_name.add(name)
        return True

    def succeeded(self, name: str, address: str) -> None:
        """An attempt was good."""
        self.undecided(name, address)
        if name:
            with self._lock:
                self._known[name, address] = None
                self._known.move_to_end((name, address))
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)

    def undecided(self, name: str, address: str) -> None:
        """An attempt was neither good nor bad: it is not counted."""
        self._by_address.take_back(address)
        if name:
            self._by_name.take_back(name)

    def _knows(self, name: str, address: str) -> bool:
        with self._lock:
            return (name, address) in self._known


def network_of(peer: str) -> str:
    """Who is counted together, from gRPC's name of a caller: an IPv4 address, or an IPv6 network of 64 bits."""
    kind, _, rest = peer.partition(":")
    host = rest.rpartition(":")[0].replace("%5B", "").replace("%5D", "").strip("[]").partition("%")[0]
    if kind not in {"ipv4", "ipv6"}:
        return kind
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return peer[:100]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
