"""Slows down those who guess passwords."""

from __future__ import annotations

import hashlib
from typing import Final

from flask import Flask, Response, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from redis import Redis

from stager_ui.identity import person_or_none
from stager_ui.services import services

limiter: Final = Limiter(get_remote_address, headers_enabled=False)

REPOSITORY_LOGIN_BY_PERSON: Final = "10 per 15 minutes"
REPOSITORY_LOGIN_BY_ACCOUNT: Final = "10 per 15 minutes"
REPOSITORY_LOGIN_BY_ADDRESS: Final = "50 per 15 minutes"
LOGIN_BY_ADDRESS: Final = "60 per 5 minutes"
KNOWN_SECONDS: Final = 90 * 24 * 3600
"""For so long after a good repository login its person isn't held up by what others try with the account."""


def install(app: Flask, redis: Redis, prefix: str) -> None:
    """Count in Redis, under `prefix`, so that all processes count together."""
    # Of the address only the kind of storage is read: the connections are those of the sessions, Sentinel's included.
    app.config["RATELIMIT_STORAGE_URI"] = "redis://"
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {
        "connection_pool": redis.connection_pool,
        "key_prefix": prefix + "throttle",
    }
    limiter.init_app(app)


def by_person() -> str:
    """Counts for whoever is signed in."""
    someone = person_or_none()
    return f"person:{someone.uid}" if someone else f"address:{get_remote_address()}"


def by_account() -> str:
    """Counts for the repository account that somebody tries to use, whoever they are."""
    return f"account:{_hash(_account())}"


def is_known() -> bool:
    """Whether whoever is signed in has logged in with the account: anybody can try it, and none locks its owner out."""
    return bool(services().redis.exists(_known_key()))


def remember_good_login() -> None:
    """Whoever is signed in has logged in with the account that they tried."""
    services().redis.set(_known_key(), 1, ex=KNOWN_SECONDS)


def was_refused(response: Response) -> bool:
    """Only wrong passwords count."""
    return response.status_code == 401


def _known_key() -> str:
    return f"{services().settings.redis.prefix}known-login:{_hash(f'{by_person()} {_account()}')}"


def _account() -> str:
    return request.form.get("user", "").strip().casefold()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
