"""The use case: how much room there is for a user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stager_api import rules
from stager_api.accounts import Account
from stager_api.directories.storage import Storage, refusal
from stager_api.errors import NotFoundError
from stager_api.principal import Principal


@dataclass(frozen=True, slots=True)
class Space:
    """Room, in bytes."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class FreeSpace:
    """The use case. `run` looks as an account (see `child.run_child`) within `seconds`."""

    storage: Storage
    seconds: float
    run: Callable[[Account, dict[str, Any], float], dict[str, Any]]

    def __call__(self, caller: Principal, path: str, user: str) -> Space:
        """The room at a path, or in its nearest directory that exists.

        Raises:
            NotFoundError: The file system doesn't tell.
            InvalidRequestError, NotPermittedError, PreconditionError, UnavailableError: As for a listing.
        """
        rules.refuse(rules.directory_violations(path), rules.user_violations("stager_user", user) if user else iter(()))
        account, roots = self.storage.enter(caller, user)
        answer = self.run(account, {"action": "space", "path": path, "roots": roots}, self.seconds)
        match answer:
            case {"error": str(code)}:
                raise refusal(code, account.name)
            case {"free": int(free), "total": int(total)} if total > 0:
                return Space(free, total)
        raise NotFoundError("the file system doesn't tell how much room there is")
