"""Faults on demand, as a client meets them."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from irods import exception
from irods.message import FileOpenRequest, StringStringMap, iRODSMessage
from irods.session import iRODSSession
from stager_sandbox.zone import Code, Zone
from stager_sandbox.zone.protocol.framing import read_frame, write_frame
from stager_sandbox.zone.protocol.structs import StartupPack
from stager_sandbox.zone.protocol.xml import XmlDialect

Connect = Callable[..., iRODSSession]

CUT = (exception.NetworkException, OSError)


def store(session: iRODSSession, path: str, data: bytes = b"0123456789", **options: str) -> None:
    """Write a data object through open, write and close."""
    with session.data_objects.open(path, "w", **options) as file:
        file.write(data)


def eventual_status(zone: Zone, path: str) -> int | None:
    """The replica's status once the server has noticed that the connection is gone."""
    deadline = time.monotonic() + 20
    while (entry := zone.files.stat("alice", path)) is not None and entry.status == 2:
        assert time.monotonic() < deadline, "the server doesn't notice that the connection is gone"
        time.sleep(0.01)
    return entry.status if entry else None


def test_a_lost_reply_leaves_the_work_done(zone: Zone, connect: Connect, project: str) -> None:
    """The close was recorded, but the client never heard of it; once only, as told."""
    zone.faults.add(on="DATA_OBJ_CLOSE", lose_reply=True, times=1)
    with pytest.raises(CUT):
        store(connect(), f"{project}/a")
    assert eventual_status(zone, f"{project}/a") == 1
    store(connect(), f"{project}/b")
    assert zone.faults.struck() == 1


def test_a_cut_at_the_third_write_leaves_two(zone: Zone, connect: Connect, project: str) -> None:
    """The call that is cut is not done; what went before is, and is stale."""
    zone.faults.add(on="DATA_OBJ_WRITE", skip=2, cut=True)
    session = connect()
    file = session.data_objects.open(f"{project}/a", "w")
    file.raw.write(b"a" * 10)
    file.raw.write(b"b" * 10)
    with pytest.raises(CUT):
        file.raw.write(b"c" * 10)
    assert eventual_status(zone, f"{project}/a") == 0
    entry = zone.files.stat("alice", f"{project}/a")
    assert entry is not None
    assert entry.size == 20


def test_a_path_chooses_the_call(zone: Zone, alice: iRODSSession, project: str) -> None:
    """Only the object that the pattern fits is refused, with the code that was asked for."""
    zone.faults.add(on="DATA_OBJ_OPEN", path="*/bad.*", refuse=Code.HIERARCHY_ERROR)
    store(alice, f"{project}/good.bin")
    with pytest.raises(exception.HIERARCHY_ERROR):
        store(alice, f"{project}/bad.bin")


def test_a_path_chooses_calls_on_descriptors_too(zone: Zone, alice: iRODSSession, project: str) -> None:
    """A write names no path, but has one."""
    zone.faults.add(on="DATA_OBJ_WRITE", path="*/bad", refuse=Code.HIERARCHY_ERROR)
    store(alice, f"{project}/good")
    file = alice.data_objects.open(f"{project}/bad", "w")
    with pytest.raises(exception.HIERARCHY_ERROR):
        file.raw.write(b"x")


def test_delay_and_its_end(zone: Zone, alice: iRODSSession, project: str) -> None:
    """A call waits as long as told."""
    zone.faults.add(on="COLL_CREATE", delay=0.4, times=1)
    start = time.monotonic()
    alice.collections.create(f"{project}/slow")
    assert time.monotonic() - start >= 0.4
    zone.faults.add(delay=60)
    zone.faults.clear()
    assert alice.collections.exists(f"{project}/slow")


def test_silence_is_the_clients_to_end(zone: Zone, connect: Connect, project: str) -> None:
    """A call that is never answered is done all the same."""
    zone.faults.add(on="COLL_CREATE", silent=True)
    session = connect()
    assert session.collections.exists(project)  # the login has more patience
    session.connection_timeout = 1
    with pytest.raises(CUT):
        session.collections.create(f"{project}/quiet")
    deadline = time.monotonic() + 20
    while not zone.files.stat("alice", f"{project}/quiet"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_cut_after_so_many_bytes(zone: Zone, connect: Connect, project: str) -> None:
    """The connection ends in the middle of the data, once; and the same again works."""
    zone.faults.add(after_bytes=300_000, cut=True, times=1)
    with pytest.raises(CUT):
        store(connect(), f"{project}/a", b"x" * 1_000_000)
    assert zone.faults.struck() == 1
    assert eventual_status(zone, f"{project}/a") == 0
    store(connect(), f"{project}/a", b"x" * 1_000_000)
    assert eventual_status(zone, f"{project}/a") == 1


def test_a_cut_while_reading(zone: Zone, connect: Connect, project: str) -> None:
    """A download is cut where it is told; asked for in one message, as python-irodsclient 3.3's reading would spin."""
    store(connect(), f"{project}/a", b"x" * 1_000_000)
    request = FileOpenRequest(
        objPath=f"{project}/a", createMode=0, openFlags=0, offset=0, dataSize=0, numThreads=0, oprType=0
    )
    request.KeyValPair_PI = StringStringMap({})
    with connect().pool.get_connection() as connection:
        zone.faults.add(after_bytes=300_000, cut=True, times=1)
        connection.send(iRODSMessage("RODS_API_REQ", msg=request, int_info=608))
        with pytest.raises(CUT):
            connection.recv()


def test_full_disk(zone: Zone, alice: iRODSSession, project: str) -> None:
    """What fits is written, the rest is "no space left on device"."""
    zone.faults.limit(disk_free=15)
    store(alice, f"{project}/fits")
    file = alice.data_objects.open(f"{project}/not", "w")
    assert file.raw.write(b"0123456789") == 5
    with pytest.raises(exception.UNIX_FILE_WRITE_ERR) as caught:
        file.raw.write(b"56789")
    assert caught.value.code == -513028
    zone.faults.clear()
    store(alice, f"{project}/more")


def test_wrong_checksum(zone: Zone, alice: iRODSSession, project: str) -> None:
    """What the zone computes is not what the bytes are; afterwards it is."""
    zone.faults.add(path="*/a", wrong_checksum=True, times=1)
    store(alice, f"{project}/a")
    store(alice, f"{project}/b")
    true = alice.data_objects.chksum(f"{project}/b")
    assert alice.data_objects.chksum(f"{project}/a") != true
    assert alice.data_objects.chksum(f"{project}/a", forceChksum="") == true


def test_login_refused_from_now_on(zone: Zone, connect: Connect, project: str) -> None:
    """Who is in stays in, nobody else gets in, until it is lifted."""
    inside = connect()
    assert inside.collections.exists(project)
    zone.faults.add(on="AUTH*", refuse=Code.CAT_INVALID_AUTHENTICATION)
    with pytest.raises(exception.CAT_INVALID_AUTHENTICATION):
        connect().collections.exists(project)
    assert inside.collections.exists(project)
    zone.faults.clear()
    assert connect().collections.exists(project)


def test_too_many_connections(zone: Zone, connect: Connect, project: str) -> None:
    """One more than the limit is turned away with the code in its greeting."""
    zone.faults.limit(connections=1)
    inside = connect()
    assert inside.collections.exists(project)
    with socket.create_connection((zone.host, zone.port), timeout=10) as sock:
        hello = StartupPack(protocol=1, proxy_user="alice", client_user="alice", release="rods5.0.2", api="d")
        write_frame(sock, "RODS_CONNECT", 0, XmlDialect().pack(hello))
        answer = read_frame(sock)
    assert (answer.kind, answer.int_info) == ("RODS_VERSION", Code.SYS_MAX_CONNECT_COUNT_EXCEEDED)
    with pytest.raises(KeyError, match="-118000"):  # python-irodsclient has no name for it
        connect().collections.exists(project)


def test_latency_and_bandwidth(zone: Zone, alice: iRODSSession, project: str) -> None:
    """Every answer is late, and bytes go through no faster than told."""
    store(alice, f"{project}/a", b"x" * 500_000)
    zone.faults.limit(latency=0.1)
    start = time.monotonic()
    assert alice.collections.exists(project)
    assert time.monotonic() - start >= 0.1
    zone.faults.limit(bandwidth=1_000_000)
    start = time.monotonic()
    with alice.data_objects.open(f"{project}/a", "r") as file:
        assert len(file.read()) == 500_000
    assert time.monotonic() - start >= 0.4


def test_restart(zone: Zone, connect: Connect, project: str) -> None:
    """Connections are cut and what was being written is stale; the port is the same and new clients are served."""
    session = connect()
    file = session.data_objects.open(f"{project}/a", "w")
    file.raw.write(b"half")
    zone.restart()
    with pytest.raises(CUT):
        file.raw.write(b"the rest")
    assert eventual_status(zone, f"{project}/a") == 0
    store(connect(), f"{project}/a")


def test_damage(zone: Zone, alice: iRODSSession, project: str, tmp_path: Path) -> None:
    """What is there can be made stale, locked, of a wrong checksum, other than it was, or lost."""
    for name in ("stale", "locked", "checksum", "flip", "lost"):
        store(alice, f"{project}/{name}", regChksum="")
    zone.damage.stale(f"{project}/stale")
    zone.damage.lock(f"{project}/locked")
    zone.damage.checksum(f"{project}/checksum")
    zone.damage.flip(f"{project}/flip")
    zone.damage.lose(f"{project}/lost")
    status = {each.name: each.replicas[0].status for each in alice.collections.get(project).data_objects}
    assert status == {"stale": "0", "locked": "2", "checksum": "1", "flip": "1", "lost": "1"}
    with pytest.raises(exception.HIERARCHY_ERROR):
        store(alice, f"{project}/locked")
    right, wrong = (alice.data_objects.get(f"{project}/{name}").checksum for name in ("flip", "checksum"))
    assert right != wrong
    assert alice.data_objects.chksum(f"{project}/flip", forceChksum="") != right
    with pytest.raises(exception.UNIX_FILE_OPEN_ERR):
        alice.data_objects.get(f"{project}/lost", tmp_path / "lost")
