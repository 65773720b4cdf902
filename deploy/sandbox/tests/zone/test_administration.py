"""Users, groups, passwords, quotas and tickets, through python-irodsclient."""

from collections.abc import Callable
from pathlib import Path

import pytest
from irods import exception
from irods.access import iRODSAccess
from irods.session import iRODSSession
from irods.ticket import Ticket
from stager_sandbox.zone import Code, Zone, ZoneError

Connect = Callable[..., iRODSSession]


@pytest.fixture
def rods(connect: Connect) -> iRODSSession:
    """The administrator."""
    return connect("rods", "rodspw")


def store(session: iRODSSession, path: str, data: bytes = b"0123456789") -> None:
    """Write a data object."""
    with session.data_objects.open(path, "w") as file:
        file.write(data)


def read(session: iRODSSession, path: str) -> bytes:
    """Read a data object."""
    with session.data_objects.open(path, "r") as file:
        return bytes(file.read())


def test_new_user_gets_in_with_a_password_that_is_changed(rods: iRODSSession, connect: Connect) -> None:
    """A user who is added has a home, gets in with the password given, changes it, and is gone once removed."""
    rods.users.create("carol", "rodsuser")
    rods.users.modify("carol", "password", "carolpw")
    with connect("carol", "carolpw") as carol:
        assert carol.collections.exists("/nl.ru.donders/home/carol")
        carol.users.modify_password("carolpw", "another")
    with pytest.raises(exception.CAT_INVALID_AUTHENTICATION):
        _ = connect("carol", "carolpw").server_version
    assert connect("carol", "another").server_version
    rods.users.remove("carol")
    with pytest.raises(exception.CAT_INVALID_USER):
        _ = connect("carol", "another").server_version


def test_users_do_not_administer(alice: iRODSSession) -> None:
    """Who is no administrator adds nobody."""
    with pytest.raises(exception.SYS_NO_API_PRIV):
        alice.users.create("carol", "rodsuser")


def test_temporary_password_lets_in_once(alice: iRODSSession, connect: Connect) -> None:
    """A temporary password opens one connection, and no second."""
    with alice.pool.get_connection() as connection:
        password = connection.temp_password()
    assert connect("alice", password).collections.exists("/nl.ru.donders/home/alice")
    with pytest.raises(exception.CAT_INVALID_AUTHENTICATION):
        _ = connect("alice", password).server_version


def test_pam_password_needs_tls(connect: Connect, tls_options: dict[str, object]) -> None:
    """The pam_password login works over TLS, and refuses a wrong password."""
    options = {**tls_options, "authentication_scheme": "pam_password"}
    assert connect("alice", **options).collections.exists("/nl.ru.donders/home/alice")
    with pytest.raises(exception.PAM_AUTH_PASSWORD_FAILED):
        _ = connect("alice", "wrong", **options).server_version


def test_access_of_a_group_is_its_members(
    rods: iRODSSession, alice: iRODSSession, connect: Connect, project: str
) -> None:
    """What a group may read, its members may, as long as they are in it."""
    rods.groups.create("lab")
    store(alice, f"{project}/file")
    alice.acls.set(iRODSAccess("read", project, "lab"), recursive=True)
    assert not connect("bob").data_objects.exists(f"{project}/file")
    rods.groups.addmember("lab", "bob")
    assert read(connect("bob"), f"{project}/file") == b"0123456789"
    rods.groups.removemember("lab", "bob")
    assert not connect("bob").data_objects.exists(f"{project}/file")


def test_quota_is_kept(tmp_path: Path) -> None:
    """What would go over a user's quota is refused; room that is made can be used."""
    home = "/nl.ru.donders/home/alice"
    with (
        Zone({"alice": "alicepw"}, data=tmp_path, quotas={"alice": 15}) as zone,
        iRODSSession(host="localhost", port=zone.port, user="alice", password="alicepw", zone=zone.zone_name) as alice,
    ):
        store(alice, f"{home}/a")
        (tmp_path / "b").write_bytes(b"x" * 10)
        with pytest.raises(exception.SYS_RESC_QUOTA_EXCEEDED):
            alice.data_objects.put(tmp_path / "b", f"{home}/b")
        alice.data_objects.unlink(f"{home}/a", force=True)
        alice.data_objects.put(tmp_path / "b", f"{home}/b")
        alice.data_objects.put(tmp_path / "b", f"{home}/b")  # in the place of itself


def test_ticket_opens_one_object(alice: iRODSSession, connect: Connect, project: str) -> None:
    """Who shows a ticket reads what it is for and nothing else, until its uses are spent."""
    store(alice, f"{project}/file")
    store(alice, f"{project}/other")
    ticket = Ticket(alice, "opensesame").issue("read", f"{project}/file")
    ticket.modify("uses", 1)
    guest = connect("bob")
    Ticket(guest, "opensesame").supply()
    assert read(guest, f"{project}/file") == b"0123456789"
    with pytest.raises(exception.CAT_TICKET_USES_EXCEEDED):
        read(guest, f"{project}/file")
    with pytest.raises(exception.OBJ_PATH_DOES_NOT_EXIST):
        read(guest, f"{project}/other")
    with pytest.raises(exception.CAT_NO_ACCESS_PERMISSION):
        store(guest, f"{project}/new")


def test_ticket_to_write_lets_write(alice: iRODSSession, connect: Connect, project: str) -> None:
    """A ticket for writing into a collection lets others put there, as many files as it says."""
    ticket = Ticket(alice, "dropbox").issue("write", project)
    ticket.modify("write-file", 1)
    guest = connect("bob")
    Ticket(guest, "dropbox").supply()
    store(guest, f"{project}/gift")
    with pytest.raises(KeyError, match="-896000"):  # python-irodsclient has no name for it
        store(guest, f"{project}/another")
    assert alice.collections.exists(project)


def test_what_is_no_ticket_opens_nothing(alice: iRODSSession, connect: Connect, project: str) -> None:
    """A string that is no ticket, and one that was removed, open nothing."""
    store(alice, f"{project}/file")
    ticket = Ticket(alice, "gone").issue("read", f"{project}/file")
    ticket.delete()
    guest = connect("bob")
    Ticket(guest, "gone").supply()
    with pytest.raises(exception.OBJ_PATH_DOES_NOT_EXIST):
        read(guest, f"{project}/file")
    with pytest.raises(exception.CAT_TICKET_INVALID):
        ticket.delete()


def test_codes_of_refused_administration(zone: Zone) -> None:
    """What cannot be done has iRODS's code."""
    does = zone.engine.administration
    for act, code in (
        (lambda: does.add_user("alice", "rodsuser"), Code.CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME),
        (lambda: does.add_user("new", "emperor"), Code.CAT_INVALID_USER_TYPE),
        (lambda: does.remove("nobody"), Code.CAT_INVALID_USER),
        (lambda: does.change_members("alice", "bob", joins=True), Code.CAT_INVALID_GROUP),
        (lambda: does.set_quota("alice", "nowhere", "1"), Code.CAT_INVALID_RESOURCE),
    ):
        with pytest.raises(ZoneError) as refused:
            act()
        assert refused.value.code == code


def test_users_of_another_zone_have_access_and_homes(rods: iRODSSession, alice: iRODSSession, project: str) -> None:
    """A zone elsewhere and a user of it become known, who may be given access, and who is forgotten with their home."""
    zone = rods.zones.create("elsewhere", "remote")
    carol = rods.users.create("carol", "rodsuser", user_zone="elsewhere")
    home = "/nl.ru.donders/home/carol#elsewhere"
    assert rods.collections.exists(home)
    alice.acls.set(iRODSAccess("read", project, "carol", "elsewhere"))
    granted = [(each.user_name, each.user_zone) for each in alice.acls.get(alice.collections.get(project))]
    assert ("carol", "elsewhere") in granted
    carol.remove()
    assert not rods.collections.exists(home)
    zone.remove()
    with pytest.raises(exception.CAT_INVALID_ZONE):
        rods.users.create("carol", "rodsuser", user_zone="elsewhere")


def test_names_that_nobody_can_have_are_refused(rods: iRODSSession) -> None:
    """A user's name holds letters, digits and a few signs, at most 63 of them."""
    for name in ("with space", "a/b", "..", "ünï", "x" * 64):
        with pytest.raises(exception.USER_INVALID_USERNAME_FORMAT):
            rods.users.create(name, "rodsuser")


def test_administrator_acts_on_what_is_not_theirs_when_they_say_so(
    rods: iRODSSession, alice: iRODSSession, project: str
) -> None:
    """With the administrator's keyword they read and remove anything, without it they may not; users may not say it."""
    store(alice, f"{project}/data")
    as_admin = {"irodsAdmin": ""}
    with pytest.raises((exception.CAT_NO_ACCESS_PERMISSION, exception.CAT_NO_ROWS_FOUND)):
        rods.data_objects.chksum(f"{project}/data")
    with pytest.raises(exception.CAT_INSUFFICIENT_PRIVILEGE_LEVEL):
        alice.data_objects.chksum(f"{project}/data", **as_admin)
    assert rods.data_objects.chksum(f"{project}/data", **as_admin).startswith("sha2:")
    rods.data_objects.unlink(f"{project}/data", force=True, **as_admin)
    assert not alice.data_objects.exists(f"{project}/data")


def test_client_hints_and_library_features(alice: iRODSSession) -> None:
    """The zone says its checksum scheme, its specific queries and its features."""
    assert alice.client_hints["hash_scheme"] == "SHA256"
    assert "ShowCollAcls" in alice.client_hints["specific_queries"]
    assert "IRODS_LIBRARY_FEATURE_GENQUERY2" in alice.library_features()
