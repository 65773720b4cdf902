"""Who may act as whom, and use what: the rules by themselves, for people and for services."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from stager_api.access import Access
from stager_api.accounts import Account
from stager_api.errors import NotFoundError, NotPermittedError
from stager_api.principal import ANYONE, Kind, Principal
from stager_jobs.job import Job, Priority, State, Task

JAN = Principal("jan", Kind.PERSON)
STREAMER = Principal("streamer", Kind.SERVICE, frozenset({"jan", "piet.smith"}), frozenset({"dccn"}))
ANY_SERVICE = Principal("any", Kind.SERVICE, frozenset({ANYONE}))
OTHERS = ["jan.smith", "jan2", "ja", "an", "Jan", "jan ", "", ANYONE, "root"]


@pytest.fixture
def access() -> Access:
    """The rules on a machine where every name is a person's account."""
    return Access(lambda name: Account(name, 4242, 4242, (4242,), f"/home/{name}"))


def test_people_are_themselves(access: Access) -> None:
    """And services those in their entry, `*` being everybody."""
    assert access.act_as(JAN, "jan", field="stagerUser").name == "jan"
    assert access.act_as(STREAMER, "piet.smith", field="stagerUser").name == "piet.smith"
    assert access.act_as(ANY_SERVICE, "jan", field="stagerUser").name == "jan"


@pytest.mark.parametrize("user", OTHERS)
def test_people_are_nobody_else(access: Access, user: str) -> None:
    """Fault 8: neither who has a longer name that begins alike, nor a shorter one, nor one that looks alike."""
    with pytest.raises(NotPermittedError):
        access.act_as(JAN, user, field="stagerUser")
    assert not access.knows_of(JAN, user)
    if user:
        with pytest.raises(NotPermittedError):
            access.chosen_user(JAN, user, field="stager_user")


@pytest.mark.parametrize("user", [*OTHERS, "piet", "piet.smith.2", "streamer"])
def test_services_are_nobody_who_is_not_listed(access: Access, user: str) -> None:
    """Names count as a whole; that of the service itself isn't among them by itself."""
    with pytest.raises(NotPermittedError):
        access.act_as(STREAMER, user, field="stagerUser")
    assert not access.knows_of(STREAMER, user)


def test_jobs_are_seen_by_their_owners(access: Access) -> None:
    """To everybody else there is no such job."""
    task = Task("scans", "jan@ru.nl", "/project/a", "i:/zone/a", "jan")
    job = Job("1", task, "jan", "jan", State.PENDING, Priority.DEFAULT, datetime.now(UTC))
    assert access.see(JAN, job) is job
    for other in (Principal("ja", Kind.PERSON), Principal("jan.smith", Kind.PERSON), Principal("jan", Kind.SERVICE)):
        with pytest.raises(NotFoundError):
            access.see(other, job)


@pytest.mark.parametrize(
    ("caller", "account"),
    [
        (JAN, "dccn"),
        (JAN, "jan"),
        (Principal("streamer", Kind.PERSON), "dccn"),
        (Principal("jan", Kind.PERSON, service_accounts=frozenset({"dccn"})), "dccn"),
        (STREAMER, "dccn2"),
        (STREAMER, "dcc"),
        (ANY_SERVICE, "dccn"),
        (Principal("all", Kind.SERVICE, service_accounts=frozenset({ANYONE})), "dccn"),
    ],
)
def test_service_accounts_are_lent_to_those_who_are_listed(access: Access, caller: Principal, account: str) -> None:
    """To no person at all, also not to one who goes by a service's name."""
    with pytest.raises(NotPermittedError):
        access.use_service_account(caller, account)


def test_a_service_account_is_lent_to_its_service(access: Access) -> None:
    """Whose entry names it."""
    access.use_service_account(STREAMER, "dccn")
