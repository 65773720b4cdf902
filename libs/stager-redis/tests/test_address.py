"""What an address of Redis says, and which ones are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.sentinel import SentinelConnectionPool
from stager_redis import TlsFiles, connect, is_sentinel
from stager_redis.sentinel_address import SentinelAddress


def test_an_address_of_sentinels_is_taken_apart() -> None:
    """Hosts with and without a port, IPv6, signs that are percent-encoded, and both pairs of user and password."""
    url = "rediss+sentinel://sta%67er:p%40ss%2F%3A@one,two:26380,[::1]:26381/gr%20oup/3?sentinel_user=s&sentinel_password=q%26"
    assert SentinelAddress.parse(url) == SentinelAddress(
        (("one", 26379), ("two", 26380), ("::1", 26381)), "gr oup", 3, True, "stager", "p@ss/:", "s", "q&"
    )


def test_the_least_that_an_address_of_sentinels_says() -> None:
    """A host and a group."""
    assert SentinelAddress.parse("redis+sentinel://one/group") == SentinelAddress((("one", 26379),), "group")


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://one", "redis+sentinel://one/", "redis+sentinel:///group", "redis+sentinel://one:x/group",
        "redis+sentinel://one:70000/group", "redis+sentinel://one,,two/group", "redis+sentinel://one/group/x",
        "redis+sentinel://one/group/-1", "redis+sentinel://one/group?db=1", "redis+sentinel://one:0/group",
        "rediss+sentinel://one/group?ssl_cert_reqs=none",
        "rediss://one/0?ssl_check_hostname=false", "rediss://one/0?a=1&ssl%5Fcert_reqs=", "redis+cluster://one",
        "http://one", "",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    """As a ValueError, before anything is sent."""
    with pytest.raises(ValueError, match=r"Sentinel|scheme|ssl_"):
        connect(url)


@given(st.text(max_size=40))
def test_a_refusal_shows_no_password(rest: str) -> None:
    """Whatever stands in an address: it is one, or refused without the password in the message."""
    said = ""
    try:
        SentinelAddress.parse(f"redis+sentinel://user:{rest}/top?secret@{rest}")
    except ValueError as error:
        said = str(error)
    assert "top" not in said
    assert "secret" not in said


def test_verification_holds_for_sentinels_too() -> None:
    """Servers and Sentinels are both verified over TLS, with the files that are given, and never without."""
    tls = TlsFiles(authority=Path("/ca.pem"))
    pool = connect("rediss+sentinel://u:p@one/group?sentinel_password=q", tls=tls).connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    sentinel = pool.sentinel_manager.sentinels[0].connection_pool
    for options in (pool.connection_kwargs, sentinel.connection_kwargs):
        assert (options["ssl_cert_reqs"], options["ssl_check_hostname"]) == ("required", True)
        assert options["ssl_ca_certs"] == "/ca.pem"
    assert (pool.connection_kwargs["password"], sentinel.connection_kwargs["password"]) == ("p", "q")
    with pytest.raises(ValueError, match="rediss"):
        connect("redis+sentinel://one/group", tls=tls)


def test_sentinels_are_told_apart_from_servers() -> None:
    """By the scheme alone."""
    assert is_sentinel("redis+sentinel://one/group")
    assert not is_sentinel("redis://one/0?x=redis+sentinel://")
