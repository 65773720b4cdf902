"""The users of this machine."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass

NOBODY = 65_534
"""The kernel's overflow uid: files of unmapped users belong to it."""


@dataclass(frozen=True, slots=True)
class Account:
    """A local user with all of the groups it is in."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


Lookup = Callable[[str], Account | None]
"""Finds a user by name; None where there is none."""


def find_account(name: str) -> Account | None:
    """The user of this name, through whatever name service the machine uses."""
    try:
        entry = pwd.getpwnam(name)
    except (KeyError, ValueError):  # ValueError: a NUL in the name
        return None
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, tuple(groups), entry.pw_dir)


def is_system(account: Account, first_uid: int) -> bool:
    """Whether this is root, nobody, or an account of the system's below the first uid of people."""
    return account.uid < first_uid or account.uid == NOBODY
