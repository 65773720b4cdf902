"""Opening the connection."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from stager_redis.sentinel_address import SentinelAddress, is_sentinel
from stager_redis.tls_files import TlsFiles

_SENTINEL_SECONDS = 1.0
"""For one answer of one Sentinel; the next is asked after that."""


def connect(url: str, *, name: str = "", timeout: float = 5.0, tls: TlsFiles | None = None) -> Redis:
    """A connection pool; nothing is sent before it is used.

    Args:
        url: `redis://`, `rediss://` (TLS, certificate and name verified) or `unix://`, with user and password where
            Redis asks; `redis+sentinel://` or `rediss+sentinel://` for the master of a group, see SentinelAddress.
        name: What Redis' client list calls it.
        timeout: Seconds that one answer may take.
        tls: For `rediss`.

    Raises:
        ValueError: The URL is none of these, or `tls` names files for a connection without TLS.
    """
    secure = url.startswith("rediss")
    if tls and not secure:
        raise ValueError("files for TLS are given, but the address is none of rediss://")
    if any(option.startswith("ssl_") for option, _ in parse_qsl(url.partition("?")[2], keep_blank_values=True)):
        raise ValueError("ssl_ options don't belong into the address: what is verified is no part of it")
    verification = (tls or TlsFiles()).options() if secure else {}
    options: dict[str, Any] = {
        "client_name": name or None,
        "socket_timeout": timeout,
        "socket_connect_timeout": min(timeout, 2.0),
        "health_check_interval": 30,
        # One more try: a pooled connection may have died with a restart of Redis. Every script is safe to repeat.
        "retry": Retry(ConstantBackoff(0.1), 1),
    }
    if is_sentinel(url):
        return _of_group(SentinelAddress.parse(url), options, verification)
    return Redis.from_url(url, **verification, **options)


def _of_group(address: SentinelAddress, options: dict[str, Any], verification: dict[str, Any]) -> Redis:
    if address.tls:
        verification = {"ssl": True, **verification}
    sentinels = Sentinel(  # type: ignore[no-untyped-call] # it has no annotations
        address.hosts,
        sentinel_kwargs={
            "username": address.sentinel_user or None,
            "password": address.sentinel_password or None,
            "socket_timeout": _SENTINEL_SECONDS,
            "socket_connect_timeout": _SENTINEL_SECONDS,
            "retry": Retry(ConstantBackoff(0), 0),
            **verification,
        },
        username=address.user or None,
        password=address.password or None,
        db=address.database,
        **verification,
        **options,
    )
    master: Redis = sentinels.master_for(address.group)  # type: ignore[no-untyped-call] # as above
    return master
