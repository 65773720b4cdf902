"""What this service asks of the identity provider: its keys, and who stands behind a token."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

import httpx
from joserfc.jwk import KeySet
from stager_telemetry import get_logger

from stager_api.errors import UnauthenticatedError, UnavailableError
from stager_api.identity.key_set import key_set

log = get_logger(__name__)

_OLDEST_KEYS = 86_400.0
"""Seconds: who can cut this service off from the provider must not keep a key alive that was taken out of use."""


class IdentityProvider:
    """Speaks with an OpenID Connect provider. Addresses that aren't given are discovered from the issuer."""

    def __init__(  # noqa: PLR0913 - each is one setting of the provider
        self,
        http: httpx.Client,
        issuer: str,
        *,
        jwks_url: str = "",
        userinfo_url: str = "",
        keys_seconds: float = 3600,
        keys_pause: float = 30,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._issuer = issuer
        self._addresses = {"jwks_uri": jwks_url, "userinfo_endpoint": userinfo_url}
        self._keys_seconds = keys_seconds
        self._keys_pause = keys_pause
        self._clock = clock
        self._known: tuple[KeySet, float] | None = None
        self._tried = -1e9
        self._fetching = Lock()

    def keys(self, *, fresher_than: float | None = None) -> tuple[KeySet, float]:
        """The provider's keys and when they were fetched, by this object's clock.

        They are fetched again after an hour, and, for a caller who misses a key in those of the time `fresher_than`,
        at most every 30 seconds. One caller fetches; others go on with the old keys meanwhile, so that a slow provider
        holds nobody up. Where it doesn't answer the old ones stay in use, for a day at the most.

        Raises:
            UnavailableError: There are none, or none of today, and the provider doesn't answer; or fresher ones are
                just being fetched.
        """
        if self._due(fresher_than):
            if self._fetching.acquire(blocking=not self._usable()):
                try:
                    if self._due(fresher_than):  # somebody else may have just done it
                        self._refresh()
                finally:
                    self._fetching.release()
            elif fresher_than is not None:
                raise UnavailableError("the identity provider's keys are being fetched; try again in a moment")
        known = self._known
        if known is None or not self._usable():
            raise UnavailableError("the identity provider can't be reached now; try again later")
        return known

    def _due(self, fresher_than: float | None) -> bool:
        now, known = self._clock(), self._known
        if known is None or not self._usable():
            return now - self._tried > min(1.0, self._keys_pause)
        if now - self._tried <= self._keys_pause:
            return False
        fetched = known[1]
        return now - fetched > self._keys_seconds or (fresher_than is not None and fetched <= fresher_than)

    def _usable(self) -> bool:
        return self._known is not None and self._clock() - self._known[1] <= _OLDEST_KEYS

    def userinfo(self, token: str) -> Mapping[str, Any]:
        """What the provider says about the person for whom it gave this token.

        Raises:
            UnauthenticatedError: It refuses the token.
            UnavailableError: It doesn't answer.
        """
        return self._get(self._address("userinfo_endpoint"), {"authorization": f"Bearer {token}"})

    def _refresh(self) -> None:
        self._tried = self._clock()
        try:
            keys = key_set(self._get(self._address("jwks_uri"), {}))
        except (UnavailableError, UnauthenticatedError) as error:
            log.warning("keys of the identity provider not refreshed; the old ones stay", reason=str(error))
            return
        if keys is None:
            log.warning("the identity provider shows no usable key; the old ones stay")
            return
        self._known = keys, self._clock()

    def _address(self, name: str) -> str:
        if not self._addresses[name]:
            document = self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration", {})
            if document.get("issuer") != self._issuer or not isinstance(document.get(name), str):
                raise UnavailableError("the identity provider's discovery document isn't that of the issuer")
            self._addresses[name] = document[name]
        return self._addresses[name]

    def _get(self, url: str, headers: dict[str, str]) -> Mapping[str, Any]:
        try:
            response = self._http.get(url, headers=headers)
            if response.status_code in {401, 403}:
                raise UnauthenticatedError(
                    f"the identity provider refuses the token (HTTP {response.status_code})", genuine=True
                )
            response.raise_for_status()
            document = response.json()
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            raise UnavailableError("the identity provider can't be reached now; try again later") from error
        if not isinstance(document, dict):
            raise UnavailableError("the identity provider's answer is not understood")
        return document
