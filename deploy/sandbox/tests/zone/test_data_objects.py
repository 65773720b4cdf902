"""Data objects through python-irodsclient, with the real server's answers."""

import base64
import hashlib
import os
from collections.abc import Callable
from io import BufferedRandom
from pathlib import Path

import pytest
from irods import exception
from irods.access import iRODSAccess
from irods.column import Column, String
from irods.manager.data_object_manager import Server_Checksum_Warning
from irods.message import FileOpenRequest, OpenedDataObjRequest, RErrorStack, StringStringMap, iRODSMessage
from irods.models import DataObject
from irods.session import iRODSSession
from stager_sandbox.zone import Zone

ODD_NAMES = [
    "apos'trophe.bin",
    "amp&lt<gt>.bin",
    "ünïcödé-台灣.txt",
    "back`tick.bin",
    'quote".bin',
    " lead and trail ",
    "per%cent_under.bin",
    "-dash",
    "new\nline.bin",
    "tab\t.bin",
    "a" * 255,
    "&amp;apos;",
]


def sha2(data: bytes) -> str:
    """A checksum as iRODS writes it."""
    return "sha2:" + base64.b64encode(hashlib.sha256(data).digest()).decode()


def call(
    session: iRODSSession, number: int, path: str, data: bytes = b"", mode: int = 0o644, **keywords: str
) -> iRODSMessage:
    """Send a single-message put (606) or get (608)."""
    request = FileOpenRequest(
        objPath=path, createMode=mode, openFlags=66, offset=0, dataSize=len(data), numThreads=0, oprType=0
    )
    request.KeyValPair_PI = StringStringMap(keywords)
    with session.pool.get_connection() as connection:
        connection.send(iRODSMessage("RODS_API_REQ", msg=request, bs=data, int_info=number))
        return connection.recv()


def replica(session: iRODSSession, path: str) -> tuple[int, str, str | None]:
    """Size, status and checksum as the catalogue has them."""
    found = session.data_objects.get(path).replicas[0]
    return found.size, found.status, found.checksum or None


def test_put_and_get_of_small_and_empty_files(alice: iRODSSession, project: str, tmp_path: Path) -> None:
    """What was put comes back, checksum and all."""
    for size in (0, 1, 10_240):
        data = os.urandom(size)
        (tmp_path / "up").write_bytes(data)
        alice.data_objects.put(tmp_path / "up", f"{project}/file", regChksum="")
        assert replica(alice, f"{project}/file") == (size, "1", sha2(data))
        alice.data_objects.get(f"{project}/file", tmp_path / "down", forceFlag="")
        assert (tmp_path / "down").read_bytes() == data


def test_parallel_put_and_get(alice: iRODSSession, project: str, tmp_path: Path) -> None:
    """A file over 32 MiB goes through several connections at once, both ways."""
    data = os.urandom(1 << 20) * 36
    (tmp_path / "up").write_bytes(data)
    alice.data_objects.put(tmp_path / "up", f"{project}/big", num_threads=3, regChksum="")
    assert replica(alice, f"{project}/big") == (len(data), "1", sha2(data))
    alice.data_objects.get(f"{project}/big", tmp_path / "down", num_threads=3)
    assert (tmp_path / "down").read_bytes() == data


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_survive(alice: iRODSSession, project: str, name: str) -> None:
    """A name comes back from a listing, and from a query by name, as it was given."""
    alice.data_objects.create(f"{project}/{name}")
    assert [each.name for each in alice.collections.get(project).data_objects] == [name]
    assert call(alice, 608, f"{project}/{name}").int_info == 0


def test_missing_object(alice: iRODSSession, project: str) -> None:
    """One that is missing has a code of its own for each call."""
    with pytest.raises(exception.OBJ_PATH_DOES_NOT_EXIST):
        alice.data_objects.open(f"{project}/none", "r")
    for act in (alice.data_objects.chksum, lambda path: alice.data_objects.unlink(path, force=True)):
        with pytest.raises(exception.CAT_NO_ROWS_FOUND):
            act(f"{project}/none")
    with pytest.raises(exception.CAT_UNKNOWN_COLLECTION, match=f"collection '{project}/nope' is unknown"):
        alice.data_objects.open(f"{project}/nope/file", "w")


def test_unreadable_object_is_not_there(alice: iRODSSession, bob: iRODSSession, project: str) -> None:
    """One who may not read an object is told that there is none; one who may only read, that they may not write."""
    alice.data_objects.create(f"{project}/file")
    with pytest.raises(exception.OBJ_PATH_DOES_NOT_EXIST):
        bob.data_objects.open(f"{project}/file", "r")
    with pytest.raises(exception.CAT_NO_ACCESS_PERMISSION, match="no permission to update collection"):
        bob.data_objects.open(f"{project}/intruder", "w")


def test_single_message_put_checks_what_it_is_told(alice: iRODSSession, project: str) -> None:
    """A wrong checksum or size is refused, and what it leaves behind is stale, old bytes gone, as on a real server."""
    data = b"0123456789" * 1000
    put = {"dataIncluded": "", "dataType": "generic"}
    call(alice, 606, f"{project}/v1", data, verifyChksum=sha2(data), **put)
    assert replica(alice, f"{project}/v1") == (10_000, "1", sha2(data))
    with pytest.raises(exception.OVERWRITE_WITHOUT_FORCE_FLAG):
        call(alice, 606, f"{project}/v1", data, **put)
    with pytest.raises(exception.USER_CHKSUM_MISMATCH):
        call(alice, 606, f"{project}/v1", data + b"new", forceFlag="", verifyChksum=sha2(b""), **put)
    assert replica(alice, f"{project}/v1") == (10_003, "0", sha2(data + b"new"))
    answer = call(alice, 608, f"{project}/v1")
    assert (answer.int_info, answer.bs) == (10_003, data + b"new")


def test_single_message_put_keeps_metadata(alice: iRODSSession, project: str) -> None:
    """AVUs that ride in a put are on the object."""
    call(alice, 606, f"{project}/v5", b"x", dataIncluded="", metadataIncluded="mtime;1600000000;s;")
    found = alice.data_objects.get(f"{project}/v5").metadata.items()
    assert [(each.name, each.value, each.units) for each in found] == [("mtime", "1600000000", "s")]


def test_cut_upload_leaves_a_stale_replica(
    alice: iRODSSession, connect: Callable[..., iRODSSession], project: str
) -> None:
    """A connection that ends while writing leaves the bytes that came, stale; the next put mends it."""
    writer = connect("alice")
    file = writer.data_objects.open(f"{project}/cut", "w")
    file.raw.write(b"x" * 5000)
    assert alice.data_objects.get(f"{project}/cut").replicas[0].status == "2"
    for connection in writer.pool.active | writer.pool.idle:
        connection.socket.shutdown(2)
    for _ in range(200):
        if replica(alice, f"{project}/cut")[1] != "2":
            break
    assert replica(alice, f"{project}/cut") == (5000, "0", None)
    with alice.data_objects.open(f"{project}/cut", "w") as again:
        again.write(b"whole")
    assert replica(alice, f"{project}/cut") == (5, "1", None)


def test_open_object_is_locked(alice: iRODSSession, connect: Callable[..., iRODSSession], project: str) -> None:
    """While one writes, another's writing is HIERARCHY_ERROR and removal is LOCKED_DATA_OBJECT_ACCESS."""
    other = connect("alice")
    with alice.data_objects.open(f"{project}/two", "w") as file:
        with pytest.raises(exception.HIERARCHY_ERROR):
            other.data_objects.open(f"{project}/two", "w")
        with pytest.raises(exception.LOCKED_DATA_OBJECT_ACCESS):
            other.data_objects.unlink(f"{project}/two", force=True)
        file.write(b"1")
    assert replica(alice, f"{project}/two") == (1, "1", None)


def joining(first: BufferedRandom, other: iRODSSession, path: str) -> Callable[[], BufferedRandom]:
    """How a helper opens what the first one writes: with its token, and to close it as a helper does."""
    token, hierarchy = first.raw.replica_access_info()
    words = {"replicaToken": token, "resc_hier": hierarchy}
    return lambda: other.data_objects.open(path, "a", finalize_on_close=False, **words)


def test_those_who_write_together_hold_the_token_to_the_last(
    alice: iRODSSession, connect: Callable[..., iRODSSession], project: str
) -> None:
    """While a helper has it open, others without the token are refused, even though the first one has ended."""
    path = f"{project}/o"
    first = alice.data_objects.open(path, "w")
    join = joining(first, connect("alice"), path)
    helper = join()
    first.close()
    assert replica(alice, path)[1] == "1"
    with pytest.raises(KeyError, match="-154000"):  # SYS_INTERNAL_ERR, which python-irodsclient does not know
        alice.data_objects.open(path, "a")
    helper.close()
    alice.data_objects.open(path, "a").close()


def test_a_helper_that_comes_too_late_locks_it_for_good(
    alice: iRODSSession, connect: Callable[..., iRODSSession], project: str
) -> None:
    """The token of a writer who is gone opens a replica at rest anew; closed as a helper's, it stays locked."""
    path = f"{project}/o"
    first = alice.data_objects.open(path, "w")
    join = joining(first, connect("alice"), path)
    first.close()
    join().close()
    assert replica(alice, path)[1] == "2"
    with pytest.raises(exception.LOCKED_DATA_OBJECT_ACCESS):
        alice.data_objects.unlink(path, force=True)


def test_copy_move_and_unlink(alice: iRODSSession, project: str) -> None:
    """A copy has the bytes, not the checksum; a move goes over nothing that exists; what is unlinked is gone."""
    call(alice, 606, f"{project}/a", b"abc", dataIncluded="", regChksum="")
    alice.data_objects.copy(f"{project}/a", f"{project}/b")
    assert replica(alice, f"{project}/b") == (3, "1", None)
    with pytest.raises(exception.CAT_NAME_EXISTS_AS_DATAOBJ):
        alice.data_objects.move(f"{project}/a", f"{project}/b")
    alice.data_objects.move(f"{project}/a", f"{project}/c")
    alice.data_objects.unlink(f"{project}/b", force=True)
    assert [each.name for each in alice.collections.get(project).data_objects] == ["c"]


def test_permission_bits_are_those_of_the_first_opening(alice: iRODSSession, project: str) -> None:
    """An overwrite leaves them, a copy has those of its source."""
    data_mode = Column(String, "DATA_MODE", 421)
    for mode in (0o100755, 0o100600):
        call(alice, 606, f"{project}/a", b"abc", mode, dataIncluded="", forceFlag="")
    alice.data_objects.copy(f"{project}/a", f"{project}/b")
    found = alice.query(DataObject.name).filter(data_mode == str(0o100755))
    assert [row[DataObject.name] for row in found] == ["a", "b"]


def test_checksum_is_kept_computed_or_refused(alice: iRODSSession, zone: Zone, project: str) -> None:
    """A missing checksum is computed and kept; a verification notices bytes that changed underneath."""
    call(alice, 606, f"{project}/a", b"abc", dataIncluded="")
    assert replica(alice, f"{project}/a")[2] is None
    assert alice.data_objects.chksum(f"{project}/a") == sha2(b"abc")
    assert replica(alice, f"{project}/a")[2] == sha2(b"abc")
    assert not alice.data_objects.chksum(f"{project}/a", verifyChksum="")
    physical = zone.files.physical_path("alice", f"{project}/a")
    assert physical is not None
    physical.write_bytes(b"abd")
    remarks = RErrorStack()
    with pytest.raises(Server_Checksum_Warning):
        alice.data_objects.chksum(f"{project}/a", verifyChksum="", r_error=remarks)
    assert [remark.status_str for remark in remarks] == ["USER_CHKSUM_MISMATCH"]
    assert alice.data_objects.chksum(f"{project}/a", forceChksum="") == sha2(b"abd")


def test_touch_and_truncate(alice: iRODSSession, project: str) -> None:
    """A touch sets the modify time; a truncation sets the size and forgets the checksum."""
    call(alice, 606, f"{project}/a", b"abc", dataIncluded="", regChksum="")
    alice.data_objects.touch(f"{project}/a", seconds_since_epoch=1600000000)
    assert alice.data_objects.get(f"{project}/a").modify_time.timestamp() == 1600000000
    alice.data_objects.replica_truncate(f"{project}/a", 1)
    assert replica(alice, f"{project}/a") == (1, "1", None)


def test_seek_append_and_update_in_place(alice: iRODSSession, project: str) -> None:
    """The modes of an open behave as a file's."""
    path = f"{project}/a"
    with alice.data_objects.open(path, "w") as file:
        file.write(b"0123456789")
    with alice.data_objects.open(path, "a") as file:
        file.write(b"ab")
    with alice.data_objects.open(path, "r+") as file:
        file.seek(2)
        file.write(b"XX")
    with alice.data_objects.open(path, "r") as file:
        file.seek(-10, os.SEEK_END)
        assert file.read() == b"XX456789ab"


def test_size_other_than_announced_is_stale(alice: iRODSSession, project: str) -> None:
    """A close after fewer bytes than announced answers with their number, and leaves the replica stale."""
    keywords = StringStringMap({"dataSize": "100"})
    request = FileOpenRequest(
        objPath=f"{project}/short", createMode=0, openFlags=577, offset=0, dataSize=100, numThreads=0, oprType=0
    )
    request.KeyValPair_PI = keywords
    with alice.pool.get_connection() as connection:
        connection.send(iRODSMessage("RODS_API_REQ", msg=request, int_info=602))
        descriptor = connection.recv().int_info
        assert connection.write_file(descriptor, b"x" * 40) == 40
        close = OpenedDataObjRequest(
            l1descInx=descriptor, len=0, whence=0, oprType=0, offset=0, bytesWritten=0, KeyValPair_PI=StringStringMap()
        )
        connection.send(iRODSMessage("RODS_API_REQ", msg=close, int_info=673))
        assert connection.recv().int_info == 40
    assert replica(alice, f"{project}/short") == (40, "0", None)


def test_each_verb_needs_its_own_right(alice: iRODSSession, bob: iRODSSession, project: str) -> None:
    """One who may delete an object may not put it in the trash, which is renaming; one who may add AVUs takes none."""
    path = f"{project}/shared"
    with alice.data_objects.open(path, "w") as file:
        file.write(b"data")
    alice.acls.set(iRODSAccess("read", project, "bob"))
    alice.acls.set(iRODSAccess("create_metadata", path, "bob"))
    avus = bob.data_objects.get(path).metadata
    avus.add("key", "value")
    with pytest.raises(exception.CAT_NO_ACCESS_PERMISSION):
        avus.remove("key", "value")
    alice.acls.set(iRODSAccess("delete_object", path, "bob"))
    avus.remove("key", "value")
    with pytest.raises(exception.CAT_NO_ACCESS_PERMISSION):
        bob.data_objects.unlink(path)
    bob.data_objects.unlink(path, force=True)


def test_object_opened_to_be_truncated_is_empty_at_once(alice: iRODSSession, project: str) -> None:
    """Size and checksum are gone as soon as it is open, and stay gone if nothing is written."""
    path = f"{project}/emptied"
    with alice.data_objects.open(path, "w") as file:
        file.write(b"data")
    assert alice.data_objects.chksum(path)
    alice.data_objects.open(path, "w").close()
    found = alice.data_objects.get(path)
    assert (found.size, found.checksum, found.replicas[0].status) == (0, None, "1")


def test_synchronising_says_what_is_to_be_done(alice: iRODSSession, project: str) -> None:
    """By checksum: nothing, put or get on the client's side, or a copy within the zone."""
    call(alice, 606, f"{project}/s1", b"abc", dataIncluded="")
    own = alice.data_objects.chksum(f"{project}/s1")

    def status(mode: str, checksum: str) -> int:
        found: int = call(alice, 628, f"{project}/s1", rsyncMode=mode, rsyncChksum=checksum).int_info
        return found

    assert status("LOCAL_TO_IRODS", own) == status("IRODS_TO_LOCAL", own) == 0
    assert status("LOCAL_TO_IRODS", "sha2:other") == 99999991  # get
    assert status("IRODS_TO_LOCAL", "sha2:other") == 99999990  # put
    within = {"rsyncMode": "IRODS_TO_IRODS", "rsyncDestPath": f"{project}/s2"}
    assert [call(alice, 628, f"{project}/s1", **within).int_info for _ in range(2)] == [99999992, 0]
    assert alice.data_objects.get(f"{project}/s2").checksum == own


@pytest.mark.parametrize("at_once", [True, False])
def test_put_gives_avus_and_access_of_its_keywords(alice: iRODSSession, project: str, at_once: bool) -> None:
    """Also when the bytes are written after the call; what can't be given leaves a stale replica."""
    words = {"metadataIncluded": r"a;b\;c;", "aclIncluded": "read bob"}
    path = f"{project}/extras"
    if at_once:
        call(alice, 606, path, b"x", dataIncluded="", **words)
    else:
        with alice.data_objects.open(path, "w", **words) as file:
            file.write(b"x")
    found = alice.data_objects.get(path).metadata.items()
    assert [(each.name, each.value, each.units) for each in found] == [("a", "b;c", None)]
    granted = alice.acls.get(alice.data_objects.get(path))
    assert ("bob", "read_object") in {(each.user_name, each.access_name) for each in granted}
    with pytest.raises(exception.CAT_INVALID_USER):
        call(alice, 606, path, b"x", dataIncluded="", forceFlag="", aclIncluded="read nobody")
    assert alice.data_objects.get(path).replicas[0].status == "0"


def test_truncation_by_a_reader_is_refused_late(alice: iRODSSession, bob: iRODSSession, project: str) -> None:
    """By the old call at once; by the new one when the file is cut already, of which the catalogue knows nothing."""
    path = f"{project}/cut"
    call(alice, 606, path, b"0123456789", dataIncluded="")
    for what in (project, path):
        alice.acls.set(iRODSAccess("read", what, "bob"))
    for number, left in ((652, b"0123456789"), (802, b"")):
        with pytest.raises(exception.CAT_NO_ACCESS_PERMISSION):
            call(bob, number, path)
        with alice.data_objects.open(path, "r") as file:
            assert file.read() == left
        assert replica(alice, path)[0] == 10


def test_what_is_not_open_cannot_be_closed(alice: iRODSSession) -> None:
    """SYS_INVALID_INPUT_PARAM, where other calls say that the descriptor is not open."""
    request = OpenedDataObjRequest(l1descInx=50, len=0, whence=0, oprType=0, offset=0, bytesWritten=0)
    request.KeyValPair_PI = StringStringMap({})
    for number, code in ((673, exception.SYS_INVALID_INPUT_PARAM), (674, exception.BAD_INPUT_DESC_INDEX)):
        with alice.pool.get_connection() as connection:
            connection.send(iRODSMessage("RODS_API_REQ", msg=request, int_info=number))
            with pytest.raises(code):
                connection.recv()
