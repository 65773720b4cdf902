"""The applications that the provider knows."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import ClientMixin

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Client(ClientMixin):
    """One application.

    Attributes:
        client_id: Its name.
        secret: Its secret; empty for a public client, which has to use PKCE.
        scopes: What it may ask for.
        grants: How it may get tokens: `authorization_code`, `refresh_token`, `client_credentials`.
        redirect_uris: Where people may be sent back to. Empty: anywhere on this machine's loopback addresses, which
            nobody but this machine's own users can listen on.
        audience: For whom its access tokens are meant.
    """

    client_id: str
    secret: str = field(repr=False)
    scopes: tuple[str, ...]
    grants: tuple[str, ...]
    redirect_uris: tuple[str, ...] = ()
    audience: str = "data-stager-api"
    client_metadata: dict[str, object] = field(default_factory=dict)

    def get_client_id(self) -> str:
        """Its name."""
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        """There is none: requests name theirs."""
        return None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Of the scopes asked for, those that it may have; all of its own where none is asked for."""
        if not scope:
            return " ".join(self.scopes)
        granted = [item for item in scope.split() if item in self.scopes]
        return " ".join(granted) if granted else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether people may be sent there."""
        if self.redirect_uris:
            return redirect_uri in self.redirect_uris
        parts = urlsplit(redirect_uri)
        return parts.scheme in {"http", "https"} and parts.hostname in _LOOPBACK and parts.username is None

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether that is its secret."""
        return bool(self.secret) and hmac.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """A client with a secret has to use it."""
        if endpoint != "token":
            return True
        return method in ({"client_secret_basic", "client_secret_post"} if self.secret else {"none"})

    def check_response_type(self, response_type: str) -> bool:
        """The code flow is the only one."""
        return response_type == "code" and "authorization_code" in self.grants

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether it may get tokens that way."""
        return grant_type in self.grants
