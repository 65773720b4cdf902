"""People whose local user is an account of the system."""

from __future__ import annotations

import pytest
from stager_api.access import Access
from stager_api.accounts import find_account
from stager_api.errors import NotPermittedError
from stager_api.principal import ANYONE, Kind, Principal

NOBODY = Principal("nobody", Kind.PERSON)


def test_a_person_is_a_system_account_only_where_it_is_named() -> None:
    """Who signs in as nobody is refused, unless the settings name nobody."""
    with pytest.raises(NotPermittedError, match="an account of the system"):
        Access(find_account).act_as(NOBODY, "nobody", field="stagerUser")
    allowed = Access(find_account, system_users=frozenset({"nobody"}))
    assert allowed.act_as(NOBODY, "nobody", field="stagerUser").name == "nobody"


def test_a_service_gains_nothing_by_it() -> None:
    """A service that may act as everybody needs the system account in its own entry all the same."""
    service = Principal("streamer", Kind.SERVICE, acts_as=frozenset({ANYONE}))
    with pytest.raises(NotPermittedError, match="an account of the system"):
        Access(find_account, system_users=frozenset({"nobody"})).act_as(service, "nobody", field="stagerUser")
