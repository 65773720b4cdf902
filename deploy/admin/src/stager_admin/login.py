"""Who is asking, and whether a change comes from this site's own pages."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import RLock
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from flask import Request

K = TypeVar("K")
V = TypeVar("V")

FAILURES_ALLOWED = 5
"""Wrong passwords from one address, or for one name, before both have to wait."""

WAIT_SECONDS = 60.0
"""How long they have to wait."""

_REMEMBERED = 10_000


class Throttle:
    """Counts wrong passwords by address and by name; forgets them after a while, and after very many others.

    Whoever tries an administrator's name must not lock them out: an address from which the name has logged in isn't
    held up by what others do with the name.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, list[float]] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = RLock()

    def blocked(self, name: str, address: str) -> bool:
        """Whether this address has failed too often of late, or this name has from addresses that it isn't known at."""
        with self._lock:
            by_name = self._recent(f"name {name}") >= FAILURES_ALLOWED and (name, address) not in self._known
            return by_name or self._recent(f"address {address}") >= FAILURES_ALLOWED

    def attempt(self, name: str, address: str, check: Callable[[], bool]) -> bool:
        """Whether the check is passed; counted if not. Checks go one after the other, but for who is known here.

        So no more passwords are tried at once than one after the other.
        """
        if self.is_known(name, address):
            good = check()
        else:
            with self._lock:
                good = not self.blocked(name, address) and check()
        with self._lock:
            if good:
                _remember(self._known, (name, address), None)
            else:
                for key in (f"name {name}", f"address {address}"):
                    _remember(self._failures, key, [*self._failures.get(key, ())[-FAILURES_ALLOWED:], self._clock()])
        return good

    def is_known(self, name: str, address: str) -> bool:
        """Whether the name has logged in from there before."""
        with self._lock:
            return (name, address) in self._known

    def _recent(self, key: str) -> int:
        now = self._clock()
        return sum(now - then < WAIT_SECONDS for then in self._failures.get(key, ()))


def _remember(memory: OrderedDict[K, V], key: K, value: V) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > _REMEMBERED:
        memory.popitem(last=False)


class Users:
    """The administrators and their password hashes."""

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._hashes = dict(hashes)
        self._hasher = PasswordHasher()
        # Verified for unknown names, so that the time taken doesn't tell which names exist.
        self._nobody = self._hasher.hash("nobody")

    def knows(self, name: str) -> bool:
        """Whether there is such an administrator, so that the name itself is no secret that was typed in its place."""
        return name in self._hashes

    def check(self, name: str, password: str) -> bool:
        """Whether the password is that user's."""
        try:
            self._hasher.verify(self._hashes.get(name, self._nobody), password)
        except (Argon2Error, InvalidHashError):
            return False
        return name in self._hashes


def comes_from_own_page(request: Request) -> bool:
    """Whether a browser says that a request was made by a page of this site.

    A browser sends the password to this site with any request, also with one that another site's page makes; what
    tells them apart is `Sec-Fetch-Site`, or `Origin` in older ones. rq-dashboard's pages know no CSRF token.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") == request.host_url.rstrip("/")
