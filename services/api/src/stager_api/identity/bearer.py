"""Access tokens (`Bearer`): signed by the identity provider, for this service, in force, with its scope."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError

from stager_api.errors import UnauthenticatedError
from stager_api.identity.authenticator import Login
from stager_api.identity.provider import IdentityProvider
from stager_api.principal import Kind, Principal
from stager_api.rules import user_violations

_REMEMBERED_PEOPLE = 4096
_NO_CLOCK_REACHES = 2**40


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token has to say. Names of scopes and claims are the provider's."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256")
    api_scope: str = "urn:dccn:data-stager-api:*"
    person_scope: str = "urn:dccn:identity:uid"
    person_claim: str = "urn:dccn:uid"
    scope_claim: str = "scope"
    client_claim: str = "client_id"
    leeway: int = 30
    """Seconds by which clocks may differ."""


class BearerLogin:
    """Checks access tokens. A token for a person stands for the user whom userinfo names, else for its client."""

    def __init__(
        self,
        provider: IdentityProvider,
        rules: TokenRules,
        clients: Mapping[str, Principal],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._provider = provider
        self._rules = rules
        self._clients = clients
        self._clock = clock
        self._people: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._lock = Lock()

    def name_in(self, credentials: str) -> str:  # noqa: ARG002 - a token says who it stands for once it is verified
        """See Scheme."""
        return ""

    def knows(self, name: str) -> bool:
        """See Scheme."""
        return name in self._clients

    def login(self, credentials: str) -> Login:
        """See Scheme."""
        claims = self._verified(credentials)
        scopes = _scopes(claims.get(self._rules.scope_claim, ""))
        if self._rules.api_scope not in scopes:
            raise UnauthenticatedError("the token lacks this service's scope", genuine=True)
        expires = _expiry(claims["exp"])
        if self._rules.person_scope in scopes:
            return Login(Principal(self._person(credentials, claims, expires), Kind.PERSON), expires)
        client = claims.get(self._rules.client_claim)
        if not isinstance(client, str) or not client:
            raise UnauthenticatedError("the token names neither a person nor a client", genuine=True)
        return Login(self._clients.get(client, Principal(client[:128], Kind.SERVICE)), expires)

    def _verified(self, token: str) -> dict[str, Any]:
        keys, fetched = self._provider.keys()
        try:
            try:
                decoded = jwt.decode(token, keys, algorithms=self._rules.algorithms)
            except InvalidKeyIdError:  # a key of after the last rotation
                keys, _ = self._provider.keys(fresher_than=fetched)
                decoded = jwt.decode(token, keys, algorithms=self._rules.algorithms)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise UnauthenticatedError(f"the token is not good: {type(error).__name__}") from error
        try:
            jwt.JWTClaimsRegistry(
                now=lambda: int(self._clock()),
                leeway=self._rules.leeway,
                iss={"essential": True, "value": self._rules.issuer},
                aud={"essential": True, "value": self._rules.audience},
                exp={"essential": True},
            ).validate(decoded.claims)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise UnauthenticatedError(
                f"the token's claims are not good: {type(error).__name__}", genuine=True
            ) from error
        return decoded.claims

    def _person(self, token: str, claims: Mapping[str, Any], expires: float) -> str:
        """The user behind the token, asked of the provider once in the token's life."""
        key = hashlib.sha256(token.encode()).digest()
        with self._lock:
            known = self._people.get(key)
        if known and known[1] > self._clock():
            return known[0]
        info = self._provider.userinfo(token)
        if "sub" in claims and info.get("sub") != claims["sub"]:
            raise UnauthenticatedError("userinfo is about somebody else", genuine=True)
        name = info.get(self._rules.person_claim)
        if not isinstance(name, str) or next(user_violations("uid", name), None):
            raise UnauthenticatedError("userinfo names no local user", genuine=True)
        with self._lock:
            self._people[key] = (name, expires)
            while len(self._people) > _REMEMBERED_PEOPLE:
                self._people.popitem(last=False)
        return name


def _expiry(given: float) -> float:
    """When the token ends; a number that no clock reaches is as good as none."""
    return float(min(given, _NO_CLOCK_REACHES))


def _scopes(given: object) -> frozenset[str]:
    """The token's scopes, whether they come as a list or as words."""
    if isinstance(given, str):
        return frozenset(given.split())
    return frozenset(item for item in given if isinstance(item, str)) if isinstance(given, list) else frozenset()
