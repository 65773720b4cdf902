"""Who gets in."""

from collections.abc import Callable
from pathlib import Path

import irods.client_configuration as client
import pytest
from irods import exception
from irods.session import iRODSSession
from stager_sandbox.zone import Zone


def test_version_is_that_of_the_real_server(alice: iRODSSession) -> None:
    """The default release is 5.0.2."""
    assert alice.server_version == (5, 0, 2)


def test_wrong_password_has_the_servers_code(connect: Callable[..., iRODSSession]) -> None:
    """A wrong password is CAT_INVALID_AUTHENTICATION."""
    with pytest.raises(exception.CAT_INVALID_AUTHENTICATION):
        _ = connect("alice", "wrong").server_version


def test_unknown_user_has_the_servers_code(connect: Callable[..., iRODSSession]) -> None:
    """An unknown user is CAT_INVALID_USER."""
    with pytest.raises(exception.CAT_INVALID_USER):
        _ = connect("nobody", "wrong").server_version


def test_old_login_calls_work(connect: Callable[..., iRODSSession]) -> None:
    """Clients that use the calls from before 4.3 get in, and are refused for a wrong password."""
    with client.loadlines([{"setting": "legacy_auth.force_legacy_auth", "value": True}]):
        assert connect("alice").collections.exists("/nl.ru.donders/home/alice")
        with pytest.raises(exception.CAT_INVALID_AUTHENTICATION):
            _ = connect("alice", "wrong").server_version


def test_administrator_acts_for_a_user(connect: Callable[..., iRODSSession]) -> None:
    """A proxy user who is an administrator gets the client user's view."""
    session = connect("rods", "rodspw", client_user="alice", client_zone="nl.ru.donders")
    assert session.collections.exists("/nl.ru.donders/home/alice")
    assert not session.collections.exists("/nl.ru.donders/home/bob")


def test_user_may_not_act_for_another(connect: Callable[..., iRODSSession]) -> None:
    """A proxy user who is no administrator is refused."""
    with pytest.raises(exception.SYS_PROXYUSER_NO_PRIV):
        _ = connect("bob", client_user="alice", client_zone="nl.ru.donders").server_version


def test_tls_is_verified_and_works(
    connect: Callable[..., iRODSSession], tls_options: dict[str, object], project: str
) -> None:
    """A client that demands TLS and verifies the zone's own authority can store and read."""
    session = connect("alice", **tls_options)
    with session.data_objects.open(f"{project}/secret", "w") as file:
        file.write(b"x" * 100_000)
    with session.data_objects.open(f"{project}/secret", "r") as file:
        assert file.read() == b"x" * 100_000


def test_zone_that_requires_tls_refuses_plain_clients(tmp_path: Path) -> None:
    """A client that does not negotiate is told so, by a code that python-irodsclient has no name for."""
    with Zone({"alice": "alicepw"}, data=tmp_path / "z", require_tls=True) as zone:
        options = {"host": "localhost", "port": zone.port, "user": "alice", "password": "alicepw"}
        with (
            iRODSSession(zone=zone.zone_name, **options) as session,
            pytest.raises(KeyError, match="-1825000"),
        ):
            _ = session.server_version
