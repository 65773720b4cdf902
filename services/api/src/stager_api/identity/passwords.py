"""Hashes of the passwords of service users."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

_HASHER = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
"""Argon2id; 32 MiB for each check under way, of which the login pool allows a few at a time."""


def hash_password(password: str) -> str:
    """The argon2id hash that stands in the configuration."""
    return _HASHER.hash(password)


def is_hash(text: str) -> bool:
    """Whether this is an argon2 hash that can be checked against."""
    try:
        _HASHER.check_needs_rehash(text)
    except InvalidHashError:
        return False
    return text.startswith("$argon2")


def verify(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one that was hashed.

    With None, for a user who does not exist, it takes as long as for one who does, and says no.
    """
    try:
        _HASHER.verify(password_hash or _nobody(), password)
    except VerifyMismatchError:
        return False
    except VerificationError:
        return False
    return password_hash is not None


@cache
def _nobody() -> str:
    return hash_password("no user has this password")
