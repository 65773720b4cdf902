"""What Redis' client raises, in this package's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError, RedisError, ResponseError

from stager_jobs.errors import StoreUnavailableError


def of_right_kind(replies: Sequence[Any]) -> list[Any]:
    """A pipeline's replies, read without raising: None for each key that is of another kind than was asked for.

    Whoever can write to Redis may have put it there; it is no reason to show nothing of the others.

    Raises:
        ResponseError: Redis refuses for another reason.
    """
    return [None if is_wrong_kind(reply) else _unless_error(reply) for reply in replies]


def is_wrong_kind(reply: object) -> bool:
    """Whether this is Redis' error for a key of another kind than the command is for."""
    return isinstance(reply, ResponseError) and str(reply).startswith("WRONGTYPE")


def _unless_error(reply: object) -> object:
    if isinstance(reply, Exception):
        raise reply
    return reply


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn what Redis' client raises into StoreUnavailableError."""
    try:
        yield
    except (AuthenticationError, AuthorizationError, NoPermissionError) as error:
        raise StoreUnavailableError(f"Redis refuses this user, password or command: {error}") from error
    except RedisError as error:
        raise StoreUnavailableError(f"Redis can't be used now: {error}") from error
