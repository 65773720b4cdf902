"""Where the stager is, who calls it, and how far the connection is to be trusted."""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stager_client.errors import ConfigurationError

DEFAULT_ADDRESS: Final = "127.0.0.1:50051"
DEFAULT_PORT: Final = 50051
DEFAULT_TIMEOUT: Final = 30.0
_ADDRESS: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True)
class ClientSettings:
    """How to call the stager.

    Attributes:
        address: HOST or HOST:PORT; an IPv6 address in brackets. Port 50051 if none is given.
        user: Name of a service user, together with `password`.
        password: That user's password.
        token: An OAuth2 access token, instead of user and password.
        ca: PEM file with the authority that signed the stager's certificate; absent: those that gRPC ships.
        cert: PEM file with this client's certificate, together with `key`, where the stager asks for one.
        key: PEM file with that certificate's private key.
        plaintext: True: no TLS, wherever the stager is. False: TLS. None: TLS, but for an address of this machine
            (loopback) with neither `ca` nor `cert`.
        timeout: Seconds that one try of a call may take.
    """

    address: str = DEFAULT_ADDRESS
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    plaintext: bool | None = None
    timeout: float = DEFAULT_TIMEOUT

    def __post_init__(self) -> None:
        """Refuse what can't be used, with a ConfigurationError."""
        self._split_address()
        if self.token is not None and (self.user is not None or self.password is not None):
            raise ConfigurationError("a token and a user with a password are given; one of them is needed")
        if (self.user is None) != (self.password is None):
            missing = "password" if self.password is None else "user"
            raise ConfigurationError(f"a login is a user and a password, or a token; the {missing} is missing")
        if self.user is not None and (":" in self.user or not self.user):
            raise ConfigurationError("a user name is not empty and has no colon")
        if self.token is not None and not re.fullmatch(r"[\x21-\x7e]+", self.token):
            raise ConfigurationError("the token is empty or has characters that no token has")
        if (self.cert is None) != (self.key is None):
            raise ConfigurationError("a client certificate needs its key, and a key its certificate")
        if self.plaintext and (self.ca or self.cert):
            raise ConfigurationError("a CA or a client certificate is given, and a connection without TLS is asked for")
        if not 0 < self.timeout <= 86400:
            raise ConfigurationError("the timeout is in seconds, more than 0 and at most 86400")

    @property
    def target(self) -> str:
        """The address as HOST:PORT."""
        host, port = self._split_address()
        return f"{host}:{port}"

    @property
    def tls(self) -> bool:
        """Whether the connection is to be encrypted."""
        if self.plaintext is not None:
            return not self.plaintext
        return bool(self.ca or self.cert) or not _is_loopback(self._split_address()[0])

    @property
    def authorization(self) -> str | None:
        """The value of the call's `authorization` metadata; none for an anonymous call."""
        if self.token is not None:
            return f"Bearer {self.token}"
        if self.user is not None and self.password is not None:
            try:
                pair = f"{self.user}:{self.password}".encode()
            except UnicodeEncodeError:
                # Not chained: that exception carries the password.
                raise ConfigurationError("user or password is not valid Unicode text") from None
            return f"Basic {base64.b64encode(pair).decode('ascii')}"
        return None

    def _split_address(self) -> tuple[str, int]:
        match = _ADDRESS.fullmatch(self.address)
        port = int(match["port"]) if match and match["port"] else DEFAULT_PORT
        if match is None or not 0 < port < 65536:
            raise ConfigurationError(f"{self.address!r} is not an address of the form HOST or HOST:PORT")
        return match["host"], port


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
