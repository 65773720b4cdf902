"""The local user as whom a transfer runs."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

from stager_jobs.job import ErrorClass

from stager_worker.errors import TransferRefusedError
from stager_worker.settings import WorkerSettings

_NOBODY = 65_534
"""The kernel's overflow uid: files of unmapped users belong to it."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine, with all groups."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def find_account(name: str, settings: WorkerSettings) -> Account:
    """The account of a job's stagerUser, if this worker may run jobs as them.

    Raises:
        TransferRefusedError: There is no such user, a system account that isn't allowed by name, or this worker isn't
            root and would have to become somebody else.
    """
    try:
        entry = pwd.getpwnam(name)
    except (KeyError, ValueError):
        # Python tells "no such user" and "the name service is away" alike, and the API has seen the user at the submit.
        message = f"There is no user {name!r} on this worker's machine, or its name service doesn't answer."
        raise TransferRefusedError("no_user", message, ErrorClass.TRANSIENT) from None
    own = os.geteuid()
    if own not in {0, entry.pw_uid}:
        raise TransferRefusedError(
            "wrong_user",
            f"This worker runs as {_name_of(own)}, not as root, so it runs jobs of {_name_of(own)} only; "
            f"it can't become {name!r}.",
        )
    if own == 0 and _is_system(entry.pw_uid, settings) and name not in settings.system_users:
        raise TransferRefusedError(
            "system_user",
            f"{name!r} is a system account (uid {entry.pw_uid}); an admin has to allow it by name in system_users.",
        )
    if entry.pw_name != name:  # a name service that knows aliases: owners go by one name only
        raise TransferRefusedError(
            "no_user", f"The user {name!r} is called {entry.pw_name!r} on this worker's machine."
        )
    groups = os.getgrouplist(name, entry.pw_gid) if own == 0 else os.getgroups()
    return Account(name, entry.pw_uid, entry.pw_gid, tuple(groups), entry.pw_dir)


def _is_system(uid: int, settings: WorkerSettings) -> bool:
    return uid < settings.first_user_id or uid == _NOBODY


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
