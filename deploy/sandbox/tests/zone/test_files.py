"""The zone's contents for other servers in the sandbox."""

from pathlib import Path

import pytest
from irods.session import iRODSSession
from stager_sandbox.zone import Code, Zone, ZoneError, ZoneFiles


def test_what_is_written_beside_the_protocol_is_there_for_it(zone: Zone, alice: iRODSSession, project: str) -> None:
    """An object written through ZoneFiles is good, and reads the same through python-irodsclient."""
    zone.files.make_collection("alice", f"{project}/a/b", parents=True)
    with zone.files.write("alice", f"{project}/a/b/file") as upload:
        upload.write(b"hello ")
        upload.write(b"world")
    found = alice.data_objects.get(f"{project}/a/b/file")
    assert (found.size, found.replicas[0].status) == (11, "1")
    with found.open("r") as file:
        assert file.read() == b"hello world"


def test_upload_that_fails_is_stale(zone: Zone, project: str) -> None:
    """A block that raises leaves a stale replica."""

    def fail() -> None:
        with zone.files.write("alice", f"{project}/file") as upload:
            upload.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    entry = zone.files.stat("alice", f"{project}/file")
    assert entry is not None
    assert (entry.size, entry.status) == (4, 0)


def test_listing_and_reading_another_process_style(zone: Zone, tmp_path: Path, project: str) -> None:
    """A second opening of the same directory lists, reads with seeks, and checks passwords."""
    zone.files.make_collection("alice", f"{project}/sub")
    with zone.files.write("alice", f"{project}/file") as upload:
        upload.write(b"0123456789")
    files = ZoneFiles.at(tmp_path / "zone", zone.zone_name)
    assert [(each.name, each.is_collection, each.size) for each in files.list("alice", project)] == [
        ("sub", True, 0),
        ("file", False, 10),
    ]
    with files.read("alice", f"{project}/file") as stream:
        stream.seek(3)
        assert stream.read(4) == b"3456"
    assert files.check_password("alice", "alicepw")
    assert not files.check_password("alice", "bobpw")
    assert not files.check_password("nobody", "")
    files.close()


def test_what_a_user_may_not_is_refused(zone: Zone, project: str) -> None:
    """Bob sees nothing of alice's, and is refused with iRODS's codes."""
    with zone.files.write("alice", f"{project}/file"):
        pass
    assert zone.files.stat("bob", f"{project}/file") is None
    assert not list(zone.files.list("bob", project))
    with pytest.raises(ZoneError) as refused:
        zone.files.write("bob", f"{project}/file")
    assert refused.value.code == Code.CAT_NO_ACCESS_PERMISSION
    assert not list(zone.files.list("bob", "/nl.ru.donders/home"))


def test_browsable_zone_shows_the_way_to_ones_home(tmp_path: Path) -> None:
    """The collections at the top are the administrator's alone, unless the zone is to be browsable."""
    with Zone({"bob": "bobpw"}, data=tmp_path) as strict:
        assert strict.files.stat("bob", "/") is None
    with Zone({"bob": "bobpw"}, data=tmp_path, browsable=True) as open_zone:
        found = open_zone.files.list("bob", "/nl.ru.donders/home")
        assert [each.path for each in found] == ["/nl.ru.donders/home/bob", "/nl.ru.donders/home/public"]


def test_rename_copy_and_remove(zone: Zone, project: str) -> None:
    """Things move, copy and go."""
    with zone.files.write("alice", f"{project}/one") as upload:
        upload.write(b"1")
    zone.files.rename("alice", f"{project}/one", f"{project}/two")
    zone.files.copy("alice", f"{project}/two", f"{project}/three")
    zone.files.remove("alice", f"{project}/two")
    assert [each.name for each in zone.files.list("alice", project)] == ["three"]
