"""Who sits before the browser, as far as the session knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ParamSpec, TypeVar

from flask import current_app
from redis import Redis

from stager_ui.oidc import LoginEndedError, Provider, Tokens
from stager_ui.session_store import SessionStore
from stager_ui.sessions import StagerSession, current_session

P = ParamSpec("P")
R = TypeVar("R")

PUBLIC = "_stager_public"


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in.

    Attributes:
        uid: The local user that transfers run as.
        name: What to call them.
        email: Where mail about their jobs goes; may be empty.
    """

    uid: str
    name: str
    email: str


class SignedOutError(Exception):
    """The request needs somebody who is signed in, and nobody is, or not any more."""


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view that needs no login; all others do."""
    setattr(view, PUBLIC, True)
    return view


def is_public(endpoint: str | None) -> bool:
    """Whether the view of this endpoint is marked so; what is no view at all gives nothing away either."""
    view = current_app.view_functions.get(endpoint or "")
    return view is None or bool(getattr(view, PUBLIC, False))


def person_or_none() -> Person | None:
    """Who is signed in."""
    remembered = current_session().get("person")
    return Person(**remembered) if remembered else None


def person() -> Person:
    """Who is signed in; raises SignedOutError if nobody is."""
    found = person_or_none()
    if found is None:
        raise SignedOutError
    return found


def sign_in(someone: Person, tokens: Tokens) -> None:
    """Remember who signed in, under a session id that nobody has seen before."""
    session = current_session()
    session.start_afresh()
    session["person"] = asdict(someone)
    session["tokens"] = asdict(tokens)


def sign_out() -> Tokens | None:
    """Forget everything about the session, the repository password included; the tokens, for the provider."""
    session = current_session()
    tokens = _tokens(session)
    session.start_afresh()
    return tokens


class AccessTokens:
    """Hands out access tokens that are still good.

    Args:
        provider: Who renews them.
        store: Where the sessions are.
        redis: For the lock that keeps two requests of one session from using up the same refresh token.
        prefix: What the lock's key begins with.
    """

    def __init__(self, provider: Provider, store: SessionStore, redis: Redis, prefix: str) -> None:
        self._provider = provider
        self._store = store
        self._redis = redis
        self._prefix = prefix

    def current(self) -> str:
        """An access token of the person who is signed in.

        Raises:
            SignedOutError: Nobody is, or the provider has ended the login.
            ProviderUnreachableError: The token has ended and the provider doesn't answer.
        """
        session = current_session()
        tokens = _tokens(session)
        if tokens is None:
            raise SignedOutError
        if tokens.lasts():
            return tokens.access
        with self._redis.lock(f"{self._prefix}renewing:{session.lock_name}", timeout=30, blocking_timeout=20):
            latest = (self._store.load(session.session_id) or {}).get("tokens")
            if latest is None:
                raise SignedOutError
            tokens = Tokens(**latest)
            if not tokens.lasts():
                try:
                    tokens = self._provider.renew(tokens)
                except LoginEndedError as error:
                    raise SignedOutError from error
            # Written at once: the next request with this session waits for the lock, not for our answer.
            self._store.save(session.session_id, {"tokens": asdict(tokens)}, set(), new=False, prolong=False)
        session.is_stored("tokens", asdict(tokens))
        return tokens.access


def _tokens(session: StagerSession) -> Tokens | None:
    remembered: dict[str, Any] | None = session.get("tokens")
    return Tokens(**remembered) if remembered else None
