"""From what a call says about its caller to the caller."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from stager_api.errors import UnauthenticatedError
from stager_api.principal import Principal

_REMEMBERED_SECONDS = 300.0
_REMEMBERED_LOGINS = 4096
_HEADER_LENGTH = 16_384


@dataclass(frozen=True, slots=True)
class Login:
    """A caller, and until when (Unix time) what they showed holds; None: for as long as the service runs."""

    principal: Principal
    expires: float | None = None


class Scheme(Protocol):
    """One way to tell who calls, such as Basic."""

    def name_in(self, credentials: str) -> str:
        """Whose login this is said to be; empty where it doesn't say, or makes no sense."""
        ...

    def knows(self, name: str) -> bool:
        """Whether there is such a login."""
        ...

    def login(self, credentials: str) -> Login:
        """Who shows these credentials: what follows the scheme's name in the header.

        Raises:
            UnauthenticatedError: Nobody, with the reason for the log.
            UnavailableError: It can't be told now.
        """
        ...


class Authenticator:
    """Checks the `authorization` value of calls, and remembers for minutes which were good.

    What is remembered is a keyed hash of the value; the key lives in this process only.
    """

    def __init__(self, schemes: dict[str, Scheme], clock: Callable[[], float] = time.time) -> None:
        self._schemes = schemes
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._remembered: OrderedDict[bytes, tuple[Login, float]] = OrderedDict()
        self._lock = Lock()

    def remembered(self, authorization: str) -> Login | None:
        """The login, if this very value was good a short while ago; takes microseconds."""
        key = self._digest(authorization)
        with self._lock:
            found = self._remembered.get(key)
            if found is None:
                return None
            if found[1] > self._clock():
                return found[0]
            del self._remembered[key]
        return None

    def name_in(self, authorization: str) -> str:
        """Whose login this is said to be; empty where it doesn't say."""
        scheme, credentials = self._split(authorization)
        return scheme.name_in(credentials) if scheme else ""

    def knows(self, name: str) -> bool:
        """Whether there is a login of this name, so that the name itself is no secret that was typed in its place."""
        return any(scheme.knows(name) for scheme in self._schemes.values())

    def check(self, authorization: str) -> Login:
        """The login; takes as long as a password's hash or a question to the identity provider.

        Raises:
            UnauthenticatedError: The value is none that this service takes.
            UnavailableError: The identity provider doesn't answer.
        """
        if len(authorization) > _HEADER_LENGTH:
            raise UnauthenticatedError("authorization is too long")
        scheme, credentials = self._split(authorization)
        if scheme is None:
            raise UnauthenticatedError("no scheme that this service takes")
        login = scheme.login(credentials)
        self._remember(authorization, login)
        return login

    def _split(self, authorization: str) -> tuple[Scheme | None, str]:
        name, _, credentials = authorization.partition(" ")
        return self._schemes.get(name.lower()), credentials.strip()

    def _remember(self, authorization: str, login: Login) -> None:
        until = self._clock() + _REMEMBERED_SECONDS
        if login.expires is not None:
            until = min(until, login.expires)
        with self._lock:
            self._remembered[self._digest(authorization)] = (login, until)
            while len(self._remembered) > _REMEMBERED_LOGINS:
                self._remembered.popitem(last=False)

    def _digest(self, authorization: str) -> bytes:
        return hmac.digest(self._key, authorization.encode(errors="surrogatepass"), hashlib.sha256)
