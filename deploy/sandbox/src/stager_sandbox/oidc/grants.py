"""How tokens are got: Authlib's grants, told where codes and refresh tokens are kept."""

from __future__ import annotations

import time
from typing import Any

from authlib.common.security import generate_token
from authlib.oauth2.rfc6749 import ClientMixin, InvalidRequestError, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import KeySet

from stager_sandbox.oidc.claims import claims_of
from stager_sandbox.oidc.clients import Client
from stager_sandbox.oidc.keys import ALGORITHM, SigningKeys
from stager_sandbox.oidc.store import Code, Refresh, Store
from stager_sandbox.people import Person

_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]


def code_grant(store: Store) -> type:
    """The authorization code grant over a store."""

    class CodeGrant(grants.AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = _AUTH_METHODS

        def save_authorization_code(self, code: str, request: Any) -> None:  # noqa: ANN401 - Authlib's request
            asked = request.payload.data
            store.add_code(
                Code(
                    code,
                    request.client.client_id,
                    request.user,
                    request.payload.redirect_uri,
                    request.scope,
                    asked.get("nonce"),
                    asked.get("code_challenge"),
                    asked.get("code_challenge_method"),
                    int(time.time()),
                )
            )

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            return store.take_code(code, client)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            """Taking it has removed it."""

        def authenticate_user(self, authorization_code: Code) -> Person:
            return authorization_code.person

    return CodeGrant


def refresh_grant(store: Store) -> type:
    """The refresh token grant over a store: each token is good once and comes back as a new one."""

    class RefreshGrant(grants.RefreshTokenGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = _AUTH_METHODS
        INCLUDE_NEW_REFRESH_TOKEN = True

        def authenticate_refresh_token(self, refresh_token: str) -> Refresh | None:
            return store.find_refresh(refresh_token)

        def authenticate_user(self, refresh_token: Refresh) -> Person:
            return refresh_token.person

        def revoke_old_credential(self, refresh_token: Refresh) -> None:
            store.drop_refresh(refresh_token.token)

    return RefreshGrant


class ServiceGrant(grants.ClientCredentialsGrant):
    """The client credentials grant."""

    TOKEN_ENDPOINT_AUTH_METHODS = _AUTH_METHODS[:2]


class S256Challenge(CodeChallenge):
    """PKCE, demanded of every client and with SHA-256 only."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012 - as in the base class

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:  # noqa: ANN401 - Authlib's grant
        """As RFC 9700 wants it: no request without a challenge."""
        if not grant.request.payload.data.get("code_challenge"):
            raise InvalidRequestError("Missing 'code_challenge'")
        super().validate_code_challenge(grant, redirect_uri)  # type: ignore[no-untyped-call] # Authlib has no types


class IdTokens(OpenIDCode):
    """ID tokens beside access tokens."""

    def __init__(self, keys: SigningKeys, issuer: str, store: Store) -> None:
        super().__init__(require_nonce=True)  # type: ignore[no-untyped-call] # Authlib has no types
        self._keys = keys
        self._issuer = issuer
        self._store = store

    def get_client_claims(self, client: ClientMixin) -> dict[str, Any]:
        """Who gives the token to whom, and for how long."""
        now = int(time.time())
        return {"iss": self._issuer, "aud": client.get_client_id(), "iat": now, "exp": now + 3600}

    def get_client_algorithm(self, _client: ClientMixin) -> str:
        """How it is signed."""
        return ALGORITHM

    def get_encode_header(self, _client: ClientMixin) -> dict[str, str]:
        """Its header, with the key's id."""
        return {"alg": ALGORITHM, "kid": str(self._keys.current.kid)}

    def resolve_client_private_key(self, _client: ClientMixin) -> KeySet:
        """What it is signed with."""
        return KeySet([self._keys.current])

    def exists_nonce(self, nonce: str, request: Any) -> bool:  # noqa: ANN401 - Authlib's request
        """Whether this login is a replay."""
        return self._store.nonce_used(request.payload.client_id, nonce)

    def generate_user_info(self, user: Person, scope: str) -> dict[str, object]:
        """What it says about the person."""
        return claims_of(user, scope)


class AccessTokens(JWTBearerTokenGenerator):
    """Access tokens as JWTs (RFC 9068), with opaque refresh tokens beside them."""

    def __init__(self, keys: SigningKeys, issuer: str, seconds: int) -> None:
        super().__init__(  # type: ignore[no-untyped-call] # Authlib has no types
            issuer,
            alg=ALGORITHM,
            refresh_token_generator=lambda **_: generate_token(48),
            expires_generator=lambda *_: seconds,
        )
        self._keys = keys

    def get_jwks(self) -> KeySet:
        """What they are signed with."""
        return KeySet([self._keys.current])

    def get_audiences(self, client: Client, _user: object, _scope: str) -> str:
        """For whom they are: the services behind the client, and so this provider's userinfo."""
        return client.audience
