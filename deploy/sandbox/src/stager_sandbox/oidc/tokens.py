"""Checking access tokens of the provider's own."""

from __future__ import annotations

from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from stager_sandbox.oidc.keys import ALGORITHM, SigningKeys


class InvalidTokenError(Exception):
    """The token isn't this provider's, or no longer in force."""


def verified_claims(token: str, keys: SigningKeys, issuer: str, audience: str | None = None) -> dict[str, Any]:
    """The claims of an access token that this provider signed and that is in force.

    Raises:
        InvalidTokenError: It is none.
    """
    options: dict[str, Any] = {name: {"essential": True} for name in ("sub", "client_id", "scope", "exp")}
    options["iss"] = {"essential": True, "value": issuer}
    if audience:
        options["aud"] = {"essential": True, "value": audience}
    try:
        decoded = jwt.decode(token, keys.all(), algorithms=[ALGORITHM])
        if decoded.header.get("typ") != "at+jwt":
            raise InvalidTokenError("an ID token is no access token")
        jwt.JWTClaimsRegistry(**options).validate(decoded.claims)
    except (JoseError, ValueError) as error:
        raise InvalidTokenError(str(error)) from error
    return decoded.claims
