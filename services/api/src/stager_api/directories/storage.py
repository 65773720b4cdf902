"""The project storage: what may be looked at, as whom, and what the file system's refusals mean to a caller."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stager_api.access import Access
from stager_api.accounts import Account
from stager_api.errors import (
    ApiError,
    InvalidRequestError,
    NotFoundError,
    NotPermittedError,
    UnavailableError,
    Violation,
)
from stager_api.principal import Principal
from stager_api.reasons import Fault, Reason

HOME = "~"
"""Among the allowed roots: the user's home directory."""


@dataclass(frozen=True, slots=True)
class Storage:
    """The allowed roots, absolute or HOME, and who may act as whom."""

    access: Access
    roots: tuple[str, ...]

    def enter(self, caller: Principal, user: str) -> tuple[Account, list[str]]:
        """As whom to look, and the roots that they may look into.

        Args:
            caller: Who asks.
            user: As whom; empty: the caller themselves.

        Raises:
            NotPermittedError: The caller may not act as this user.
            InvalidRequestError: There is no such account, or it isn't said which.
        """
        chosen = self.access.chosen_user(caller, user, field="stager_user")
        account = self.access.act_as(caller, chosen, field="stager_user")
        return account, list(self._roots_of(account))

    def _roots_of(self, account: Account) -> Iterator[str]:
        for root in self.roots:
            if root != HOME:
                yield root
            elif account.home.startswith("/") and account.home.strip("/"):  # else it would be everything
                yield account.home


def refusal(code: str, user: str) -> ApiError:
    """The error for what `as_user` says is wrong."""
    match code:
        case "not_found":
            return NotFoundError("there is no such directory", Reason.NO_SUCH_DIRECTORY)
        case "not_directory":
            return InvalidRequestError([Violation("path", Fault.NOT_A_DIRECTORY, "is not a directory")])
        case "denied":
            return NotPermittedError(f"{user} may not read this directory", Reason.DIRECTORY_DENIED)
        case "outside":
            return NotPermittedError(
                "this directory is outside of the storage that the stager may list", Reason.DIRECTORY_OUTSIDE
            )
        case _:
            return UnavailableError("the file system can't list this directory now")
