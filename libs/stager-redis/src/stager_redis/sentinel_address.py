"""Where the Sentinels of a group are, written as one address."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

SCHEMES = ("redis+sentinel", "rediss+sentinel")
_PORT = 26379
_OPTIONS = ("sentinel_user", "sentinel_password")


def is_sentinel(url: str) -> bool:
    """Whether an address names Sentinels rather than a server."""
    return url.partition("://")[0] in SCHEMES


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """`redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/GROUP/DB`, taken apart; empty is what isn't said."""

    hosts: tuple[tuple[str, int], ...]
    group: str
    database: int = 0
    tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    sentinel_user: str = ""
    sentinel_password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take an address apart.

        Raises:
            ValueError: It isn't one; the message holds no part of it, since there is a password in it.
        """
        scheme, _, rest = url.partition("://")
        if scheme not in SCHEMES:
            raise ValueError(f"an address of Sentinels begins with {' or '.join(f'{name}://' for name in SCHEMES)}")
        authority, _, path_and_query = rest.partition("/")
        path, _, query = path_and_query.partition("?")
        credentials, _, hosts = authority.rpartition("@")
        user, _, password = credentials.partition(":")
        group, _, database = path.strip("/").partition("/")
        if not group:
            raise ValueError("an address of Sentinels ends with /GROUP or /GROUP/DATABASE")
        if database and not (database.isascii() and database.isdecimal()):
            raise ValueError("what follows the group in an address of Sentinels is the database's number")
        options = parse_qs(query, keep_blank_values=True)
        if options.keys() - set(_OPTIONS):
            raise ValueError(f"an address of Sentinels knows {' and '.join(_OPTIONS)} and no other options")
        return cls(
            tuple(_host(entry) for entry in hosts.split(",")),
            unquote(group),
            int(database or 0),
            scheme.startswith("rediss"),
            unquote(user),
            unquote(password),
            options.get("sentinel_user", [""])[-1],
            options.get("sentinel_password", [""])[-1],
        )


def _host(entry: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{entry}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    else:
        port = _PORT if port is None else port
    if not host or not port:
        raise ValueError("an address of Sentinels names HOST:PORT, one or more between commas")
    return host, port
