"""Service users with a password (`Basic`)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from stager_api.errors import UnauthenticatedError
from stager_api.identity import passwords
from stager_api.identity.authenticator import Login
from stager_api.principal import Principal


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """A service that logs in with a password: its argon2 hash, and who it is then."""

    password_hash: str
    principal: Principal


@dataclass(frozen=True, slots=True)
class BasicLogin:
    """Checks `Basic` credentials against the configured service users. A token is never taken as a password."""

    users: Mapping[str, ServiceUser]

    def name_in(self, credentials: str) -> str:
        """See Scheme."""
        try:
            return _split(credentials)[0]
        except UnauthenticatedError:
            return ""

    def knows(self, name: str) -> bool:
        """See Scheme."""
        return name in self.users

    def login(self, credentials: str) -> Login:
        """See Scheme."""
        name, password = _split(credentials)
        user = self.users.get(name)
        if not passwords.verify(user.password_hash if user else None, password) or user is None:
            raise UnauthenticatedError("wrong password" if user else "no such service user")
        return Login(user.principal)


def _split(credentials: str) -> tuple[str, str]:
    try:
        name, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise UnauthenticatedError("Basic credentials are no base64 of UTF-8 text") from error
    if not colon:
        raise UnauthenticatedError("Basic credentials hold no colon")
    return name, password
