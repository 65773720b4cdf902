"""Lets a call in: who makes it, by what it shows, unless too many have failed from there."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from stager_api import audit
from stager_api.errors import ExhaustedError, UnauthenticatedError, UnavailableError
from stager_api.identity.authenticator import Authenticator, Login
from stager_api.identity.certificates import CertificateLogin
from stager_api.identity.throttle import Throttle, network_of
from stager_api.reasons import Reason


class Run(Protocol):
    """Calls a blocking function outside of the event loop."""

    def __call__(self, function: Callable[[str], Login], argument: str, /) -> Awaitable[Login]:
        """What the function returns or raises."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """What a call shows of its caller.

    Attributes:
        authorization: Every value of that metadata.
        certificate_names: What the verified client certificate says it is; empty without one.
        peer: gRPC's name for the other end of the connection.
    """

    authorization: Sequence[str]
    certificate_names: Sequence[str]
    peer: str


class Doorkeeper:
    """Used from one event loop. The same value shown several times at once is checked once."""

    def __init__(
        self, authenticator: Authenticator, certificates: CertificateLogin, throttle: Throttle, run: Run
    ) -> None:
        self._authenticator = authenticator
        self._certificates = certificates
        self._throttle = throttle
        self._run = run
        self._checks: dict[bytes, asyncio.Future[Login]] = {}

    async def admit(self, shown: Shown) -> Login:
        """The caller. Credentials count before a certificate: a service may call for somebody over its own connection.

        Raises:
            UnauthenticatedError: Nobody that this service knows.
            ExhaustedError: Too many logins have failed with this name or from this address.
            UnavailableError: The identity provider doesn't answer.
        """
        if not shown.authorization and shown.certificate_names:
            return Login(self._certificates.principal(shown.certificate_names))
        if len(shown.authorization) != 1:
            raise UnauthenticatedError("no authorization, or more than one")
        value = shown.authorization[0]
        known = self._authenticator.remembered(value)
        if known:
            return known
        key = hashlib.sha256(value.encode(errors="surrogatepass")).digest()
        check = self._checks.get(key)
        if check is None:
            check = asyncio.ensure_future(self._check(value, shown.peer))
            self._checks[key] = check
            check.add_done_callback(lambda _: self._checks.pop(key, None))
        # Shielded: whoever hangs up takes nobody else's answer along.
        return await asyncio.shield(check)

    async def _check(self, value: str, peer: str) -> Login:
        name, address = self._authenticator.name_in(value), network_of(peer)
        known_name = name if self._authenticator.knows(name) else ""
        if not self._throttle.begin(name, address):
            audit.record("login", "refused", reason="too many failed", tried=known_name, address=address)
            raise ExhaustedError("too many logins have failed; try again in a minute", Reason.TOO_MANY_LOGINS)
        try:
            login = await self._run(self._authenticator.check, value)
        except UnauthenticatedError as error:
            if error.genuine:
                self._throttle.undecided(name, address)
            audit.record("login", "refused", reason=str(error), tried=known_name, address=address)
            raise
        except (UnavailableError, ExhaustedError) as error:
            self._throttle.undecided(name, address)
            audit.refusal("login", error, tried=known_name, address=address)
            raise
        self._throttle.succeeded(name, address)
        audit.record("login", "done", principal=login.principal.label, address=address)
        return login
