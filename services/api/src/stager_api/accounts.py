"""The users of this machine."""

from __future__ import annotations

import ctypes
import errno
import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass

from stager_api.errors import UnavailableError

_libc = ctypes.CDLL(None)
_ENTRY_SIZE = 256
"""More than a struct passwd takes anywhere."""
_STRINGS_SIZE = 64 * 1024
_NO_SUCH_USER = frozenset({0, errno.ENOENT, errno.ESRCH, errno.EBADF, errno.EPERM})
"""As getpwnam_r(3) lists them; all else are failures."""
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
"""Finds a user by name; None where there is none. May raise UnavailableError."""


def find_account(name: str) -> Account | None:
    """The user of this name, through whatever name service the machine uses.

    Raises:
        UnavailableError: That name service doesn't answer.
    """
    try:
        entry = pwd.getpwnam(name)
    except ValueError:  # a NUL in the name
        return None
    except KeyError:
        error = _lookup_error(name)
        if error not in _NO_SUCH_USER:
            why = os.strerror(error)
            raise UnavailableError(f"the name service of the stager's machine doesn't answer ({why})") from None
        return None
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, tuple(groups), entry.pw_dir)


def _lookup_error(name: str) -> int:
    """What the C library says of a user that `pwd` doesn't find; to `pwd` a service that is away is no such user."""
    entry, strings = ctypes.create_string_buffer(_ENTRY_SIZE), ctypes.create_string_buffer(_STRINGS_SIZE)
    found = ctypes.c_void_p()
    return int(_libc.getpwnam_r(os.fsencode(name), entry, strings, _STRINGS_SIZE, ctypes.byref(found)))


def is_system(account: Account, first_uid: int) -> bool:
    """Whether this is root, nobody, or an account of the system's below the first uid of people."""
    return account.uid < first_uid or account.uid == NOBODY
