"""Finding the users of this machine."""

from __future__ import annotations

import errno
import os
import pwd

import pytest
from stager_api import accounts
from stager_api.accounts import find_account
from stager_api.errors import UnavailableError


def test_a_user() -> None:
    """Found by name, with all groups."""
    entry = pwd.getpwuid(os.geteuid())
    found = find_account(entry.pw_name)
    assert found
    assert (found.uid, found.gid, found.home) == (entry.pw_uid, entry.pw_gid, entry.pw_dir)
    assert set(found.groups) == set(os.getgrouplist(entry.pw_name, entry.pw_gid))


@pytest.mark.parametrize("name", ["no-such-user", "", "a\0b", "ä" * 1000])
def test_no_user(name: str) -> None:
    """A name that the name service doesn't know."""
    assert find_account(name) is None


def test_a_name_service_that_is_away_is_not_no_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told that they don't exist because a daemon is being restarted."""
    monkeypatch.setattr(accounts, "_lookup_error", lambda _name: errno.ECONNREFUSED)
    with pytest.raises(UnavailableError, match="doesn't answer"):
        find_account("no-such-user")
