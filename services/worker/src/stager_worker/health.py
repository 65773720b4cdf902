"""Whether this machine's worker is well, for a container's health check."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

from redis import Redis
from stager_jobs.errors import StoreUnavailableError
from stager_jobs.rq_store.worker import newest_sign_of_life

_SILENCE = 60.0
"""Seconds; idle slots speak up every two, those that run a transfer, too."""


def fault_of_worker(redis: Redis) -> str | None:
    """What is wrong: Redis doesn't answer, or no slot of this machine has spoken to it of late. None if all is well."""
    host = socket.gethostname()
    try:
        heard = newest_sign_of_life(redis, host)
    except StoreUnavailableError as error:
        return str(error)
    if heard is None:
        return f"no worker of {host} is known to Redis"
    silence = (datetime.now(UTC) - heard).total_seconds()
    return f"no worker of {host} was heard of for {silence:.0f} seconds" if silence > _SILENCE else None
