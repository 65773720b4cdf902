"""The OpenID Connect provider: signing in, renewing the access token, signing out."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import Flask
from flask.wrappers import Response
from joserfc.errors import JoseError
from stager_settings import is_loopback

from stager_ui.settings import Oidc

TIMEOUT_SECONDS: Final = 10
SIGNING_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"})
"""Signatures that need the provider's private key; never `none`, nor one that our client secret could make."""

ADDRESSES: Final = frozenset(
    {"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"}
)
"""Of the discovery document: where browsers or secrets are sent, and where keys come from."""


class LoginError(Exception):
    """Signing in didn't work; the text is for the log, not for the person."""


class ProviderUnreachableError(Exception):
    """The provider doesn't answer, or not as one does."""


class LoginEndedError(Exception):
    """The provider doesn't renew this login any more."""


@dataclass(frozen=True)
class Tokens:
    """What the provider handed out for one login.

    Attributes:
        access: What the API sees.
        refresh: For the next access token; empty if the provider gives none.
        identity: The ID token as it came, for signing out.
        expires_at: When the access token ends, in seconds since 1970; 0 if the provider doesn't say.
    """

    access: str
    refresh: str
    identity: str
    expires_at: int

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any], before: Tokens | None = None) -> Tokens:
        """Read a token endpoint's answer; a renewal may leave out what stays as it was."""
        return cls(
            access=str(answer["access_token"]),
            refresh=str(answer.get("refresh_token") or (before.refresh if before else "")),
            identity=str(answer.get("id_token") or (before.identity if before else "")),
            expires_at=int(answer.get("expires_at") or 0),
        )

    def lasts(self, seconds: int = 30) -> bool:
        """Whether the access token is good for some time yet."""
        return not self.expires_at or time.time() + seconds < self.expires_at


class Provider:
    """The provider, by its discovery document, which is read when first needed.

    Args:
        app: The Flask application.
        settings: Who the provider is, and who we are to it.
    """

    def __init__(self, app: Flask, settings: Oidc) -> None:
        issuer = str(settings.issuer).rstrip("/")
        self._issuer = issuer
        self._client = OAuth(app).register(
            "provider",
            client_id=settings.client_id,
            client_secret=settings.client_secret.get_secret_value() if settings.client_secret else None,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": settings.scope,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "client_secret_basic" if settings.client_secret else "none",
                "default_timeout": TIMEOUT_SECONDS,
                "verify": _authorities(settings.ca_file),
                # Else a variable of the environment would win over the authority that the settings name.
                "trust_env": False,
            },
        )

    def start(self, callback: str) -> Response:
        """Send the browser to the provider; state, nonce and PKCE verifier wait in the session."""
        self._metadata()
        redirect: Response = self._client.authorize_redirect(callback)
        return redirect

    def finish(self) -> tuple[Tokens, dict[str, Any]]:
        """Take the browser back from the provider.

        Returns:
            The tokens, and the claims of the userinfo endpoint.

        Raises:
            LoginError: The provider said no, or what came isn't the answer to what this browser asked.
            ProviderUnreachableError: It doesn't answer.
        """
        self._metadata()
        try:
            answer = self._client.authorize_access_token()
            identity = answer.get("userinfo")
            if not identity:
                raise LoginError("the provider gave no ID token")
            # Without its end: Authlib would renew a token that ends soon, and keep what it got to itself.
            bare = {name: answer[name] for name in ("access_token", "token_type")}
            claims = dict(self._client.userinfo(token=bare))
        except requests.RequestException as error:
            raise ProviderUnreachableError(str(error)) from error
        except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
            raise LoginError(f"{type(error).__name__}: {error}") from error
        if claims.get("sub") != identity["sub"]:
            raise LoginError("the userinfo endpoint speaks of somebody else than the ID token")
        return Tokens.from_answer(answer), claims

    def renew(self, tokens: Tokens) -> Tokens:
        """A fresh access token.

        Raises:
            LoginEndedError: There is none to be had any more.
            ProviderUnreachableError: The provider doesn't answer.
        """
        if not tokens.refresh:
            raise LoginEndedError("the provider gave no refresh token")
        self._metadata()
        try:
            answer = self._client.fetch_access_token(grant_type="refresh_token", refresh_token=tokens.refresh)
        except requests.RequestException as error:
            raise ProviderUnreachableError(str(error)) from error
        except AuthlibBaseError as error:
            raise LoginEndedError(str(error)) from error
        return Tokens.from_answer(answer, before=tokens)

    def logout_url(self, tokens: Tokens | None, back: str) -> str | None:
        """Where the browser has to go to sign out at the provider too; None if the provider knows no such place."""
        try:
            metadata = self._metadata()
        except ProviderUnreachableError:
            return None
        if "end_session_endpoint" not in metadata:
            return None
        hint = tokens.identity if tokens else None
        client_id = None if hint else self._client.client_id
        extra = {"client_id": client_id} if client_id else {}
        url: str = self._client.create_logout_url(post_logout_redirect_uri=back, id_token_hint=hint, **extra)["url"]
        return url

    def _metadata(self) -> dict[str, Any]:
        try:
            metadata: dict[str, Any] = self._client.load_server_metadata()
        except (requests.RequestException, ValueError) as error:
            raise ProviderUnreachableError(str(error)) from error
        if str(metadata.get("issuer", "")).rstrip("/") != self._issuer:
            # Kept, it would be believed from now on.
            self._client.server_metadata.clear()
            raise ProviderUnreachableError(f"what answers at {self._issuer} says that it is another issuer")
        for name in ADDRESSES & metadata.keys():
            if not _is_safe(metadata[name]):
                self._client.server_metadata.clear()
                raise ProviderUnreachableError(f"{self._issuer} names a {name} that is no https address")
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        metadata["id_token_signing_alg_values_supported"] = [a for a in offered if a in SIGNING_ALGORITHMS]
        return metadata


def _is_safe(address: object) -> bool:
    """Whether tokens may go there: by https, or to this very machine."""
    try:
        parts = urlsplit(str(address))
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def _authorities(ca_file: Path | None) -> str | bool:
    """Who may have signed the provider's certificate; where nobody is named, those whom the machine trusts.

    The HTTP client would take a list of its own then; it does where the machine has none.
    """
    if ca_file:
        return str(ca_file)
    known = ssl.get_default_verify_paths()
    return known.cafile or known.capath or True
