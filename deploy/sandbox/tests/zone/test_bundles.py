"""Bundles that are unpacked and made within the zone."""

import io
import tarfile
import zipfile

import pytest
from stager_sandbox.zone import Code, Zone, ZoneError
from stager_sandbox.zone.operations.bundles import NO_BUNDLE


def put(zone: Zone, path: str, data: bytes) -> None:
    """Store a data object of alice's."""
    with zone.files.write("alice", path) as upload:
        upload.write(data)


def tar(*names: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A tar file whose members hold their own names."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as file:
        for name in names:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.linkname = "/etc/passwd" if kind == tarfile.SYMTYPE else ""
            member.size = len(name) if kind == tarfile.REGTYPE else 0
            file.addfile(member, io.BytesIO(name.encode()))
    return packed.getvalue()


def extract(zone: Zone, path: str, collection: str, *, force: bool = False) -> None:
    """Unpack as alice."""
    zone.engine.bundles.extract(zone.engine.catalogue.users.find("alice"), path, collection, force=force)


def test_tar_and_zip_are_unpacked(zone: Zone, project: str) -> None:
    """Members become data objects, their folders collections; existing ones are refused without force."""
    put(zone, f"{project}/a.tar", tar("./x", "d/y"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("d/z", "zz")
    put(zone, f"{project}/a.zip", packed.getvalue())
    for name in ("a.tar", "a.zip"):
        extract(zone, f"{project}/{name}", f"{project}/out")
    assert [each.name for each in zone.files.list("alice", f"{project}/out")] == ["d", "x"]
    assert [each.name for each in zone.files.list("alice", f"{project}/out/d")] == ["y", "z"]
    with zone.files.read("alice", f"{project}/out/d/y") as stream:
        assert stream.read() == b"d/y"
    with pytest.raises(ZoneError) as refused:
        extract(zone, f"{project}/a.tar", f"{project}/out")
    assert refused.value.code == Code.SYS_COPY_ALREADY_IN_RESC
    extract(zone, f"{project}/a.tar", f"{project}/out", force=True)


@pytest.mark.parametrize("name", ["../escaped", "a/../../escaped"])
def test_members_stay_within_the_collection(zone: Zone, project: str, name: str) -> None:
    """A member that would leave the collection is refused."""
    put(zone, f"{project}/bad.tar", tar(name))
    with pytest.raises(ZoneError):
        extract(zone, f"{project}/bad.tar", f"{project}/out")
    assert zone.files.stat("alice", f"{project}/escaped") is None


def test_links_are_left_out(zone: Zone, project: str) -> None:
    """A link in a bundle leads nowhere."""
    put(zone, f"{project}/link.tar", tar("passwd", kind=tarfile.SYMTYPE))
    extract(zone, f"{project}/link.tar", f"{project}/out")
    assert not list(zone.files.list("alice", f"{project}/out"))


def test_what_is_no_bundle_is_refused(zone: Zone, project: str) -> None:
    """Any bytes are no bundle."""
    put(zone, f"{project}/x.tar", b"hello")
    with pytest.raises(ZoneError) as refused:
        extract(zone, f"{project}/x.tar", f"{project}/out")
    assert refused.value.code == NO_BUNDLE


def test_bundle_is_made_of_a_collection(zone: Zone, project: str) -> None:
    """It holds all objects, named from the collection's own name on."""
    zone.files.make_collection("alice", f"{project}/c/d", parents=True)
    put(zone, f"{project}/c/x", b"x")
    put(zone, f"{project}/c/d/y", b"yy")
    alice = zone.engine.catalogue.users.find("alice")
    zone.engine.bundles.create(alice, f"{project}/c.tar", f"{project}/c", {})
    with zone.files.read("alice", f"{project}/c.tar") as stream, tarfile.open(fileobj=stream) as file:
        assert sorted(file.getnames()) == ["c/d/y", "c/x"]
