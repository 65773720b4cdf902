"""What the provider remembers while it runs: codes and refresh tokens that it gave, each good for one use."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock

from authlib.oidc.core import AuthorizationCodeMixin

from stager_sandbox.oidc.clients import Client
from stager_sandbox.people import Person

CODE_SECONDS = 60
REFRESH_SECONDS = 8 * 3600


@dataclass(frozen=True)
class Code(AuthorizationCodeMixin):
    """An authorization code, and what was asked with it."""

    code: str = field(repr=False)
    client_id: str
    person: Person
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    auth_time: int

    def get_redirect_uri(self) -> str:
        """Where it was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """What it is good for."""
        return self.scope

    def get_nonce(self) -> str | None:
        """The client's own mark."""
        return self.nonce

    def get_auth_time(self) -> int:
        """When the person logged in."""
        return self.auth_time


@dataclass(frozen=True)
class Refresh:
    """A refresh token."""

    token: str = field(repr=False)
    client_id: str
    person: Person
    scope: str
    expires: float

    def check_client(self, client: Client) -> bool:
        """Whether it was given to this client."""
        return client.client_id == self.client_id

    def get_scope(self) -> str:
        """What it is good for."""
        return self.scope


class Store:
    """Codes and refresh tokens, by their text. Safe to use from several threads."""

    def __init__(self) -> None:
        self._codes: dict[str, Code] = {}
        self._refresh: dict[str, Refresh] = {}
        self._nonces: set[tuple[str, str]] = set()
        self._lock = Lock()

    def add_code(self, code: Code) -> None:
        """Remember a code."""
        with self._lock:
            self._codes[code.code] = code
            if code.nonce:
                self._nonces.add((code.client_id, code.nonce))

    def take_code(self, text: str, client: Client) -> Code | None:
        """A client's code, once, while it is fresh."""
        with self._lock:
            code = self._codes.pop(text, None)
        fresh = code and code.client_id == client.client_id and time.time() - code.auth_time < CODE_SECONDS
        return code if fresh else None

    def nonce_used(self, client_id: str, nonce: str) -> bool:
        """Whether the client has used that nonce before."""
        return (client_id, nonce) in self._nonces

    def add_refresh(self, token: str, client: Client, person: Person, scope: str) -> None:
        """Remember a refresh token."""
        with self._lock:
            self._refresh[token] = Refresh(token, client.client_id, person, scope, time.time() + REFRESH_SECONDS)

    def find_refresh(self, token: str) -> Refresh | None:
        """A refresh token that is in force."""
        found = self._refresh.get(token)
        return found if found and found.expires > time.time() else None

    def drop_refresh(self, token: str) -> None:
        """Forget a refresh token."""
        with self._lock:
            self._refresh.pop(token, None)

    def drop_refresh_of(self, subject: str) -> None:
        """Forget all refresh tokens of a person."""
        with self._lock:
            self._refresh = {text: item for text, item in self._refresh.items() if item.person.name != subject}
