"""The repository account of the person who is signed in, as long as the session lasts."""

from __future__ import annotations

from stager_ui.sessions import current_session
from stager_ui.webdav import Account, WrongPasswordError


def remember_account(account: Account) -> None:
    """Keep the account in the session, which is stored encrypted."""
    current_session()["repository"] = {"user": account.user, "password": account.password}


def forget_account() -> None:
    """Wipe the account from the session."""
    current_session().pop("repository", None)


def account_name() -> str | None:
    """The account's name; None if the person hasn't signed in to the repository."""
    remembered = current_session().get("repository")
    return remembered["user"] if remembered else None


def account() -> Account:
    """The account; raises WrongPasswordError if there is none, as the repository does for one that is not good."""
    remembered = current_session().get("repository")
    if not remembered:
        raise WrongPasswordError
    return Account(remembered["user"], remembered["password"])
