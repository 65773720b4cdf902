"""What a zone is left with: identity, old bytes, leftovers, times, and how much it is asked."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from irods.models import DataObject
from irods.session import iRODSSession
from s_isync.backends import irods_requests as requests
from s_isync.backends.irods import ZoneTree
from s_isync.backends.irods_connection import Request, ZoneConnection
from s_isync.backends.irods_errors import zone_error
from s_isync.backends.irods_reply import Reply
from s_isync.backends.local import LocalTree
from s_isync.entry import Entry
from s_isync.errors import EndOfRunError, ForbiddenError, TransientError, TreeError
from s_isync.exit_codes import ExitCode
from s_isync.names import bundle_name
from s_isync.reporter import Outcome
from s_isync.retry import Retry
from s_isync.rules import SyncRules
from s_isync.tree import Incoming, Reader
from s_isync.zone_settings import ZoneSettings

RunSync = Callable[..., Any]
_BIG = 9 * 1024 * 1024 + 5
_SIZES = pytest.mark.parametrize("size", [1000, _BIG], ids=["small", "big"])


@pytest.fixture
def session(server: ZoneSettings) -> Iterator[iRODSSession]:
    """Another client's view of the zone."""
    with iRODSSession(
        host=server.host, port=server.port, user=server.user, password=server.password, zone=server.zone
    ) as opened:
        yield opened


@pytest.fixture
def tree(server: ZoneSettings) -> Iterator[ZoneTree]:
    """The zone as s-isync sees it."""
    opened = ZoneTree(server)
    yield opened
    opened.close()


@pytest.fixture
def home(tree: ZoneTree) -> str:
    """An empty collection."""
    path = f"/{tree.sessions.settings.zone}/home/{tree.sessions.settings.user}/{uuid4()}"
    tree.make_folder(path)
    return path


def _names(session: iRODSSession, collection: str) -> list[str]:
    return sorted(entry.name for entry in session.collections.get(collection).data_objects)


@_SIZES
def test_an_overwrite_keeps_id_metadata_and_permissions(
    run_sync: RunSync, tree: ZoneTree, session: iRODSSession, home: str, tmp_path: Path, size: int
) -> None:
    """The object stays the same object, only its bytes change, and no copy stays behind."""
    file = tmp_path / "f"
    file.write_bytes(b"old" * 100)
    assert run_sync(LocalTree(), str(file), tree, home).code is ExitCode.COMPLETE
    before = session.data_objects.get(f"{home}/f")
    before.metadata.add("subject", "12", "")
    file.write_bytes(os.urandom(size))
    assert run_sync(LocalTree(), str(file), tree, home).code is ExitCode.COMPLETE
    after = session.data_objects.get(f"{home}/f")
    assert after.id == before.id
    assert after.size == size
    assert [item.value for item in after.metadata.items()] == ["12"]
    assert _names(session, home) == ["f"]
    with session.data_objects.open(f"{home}/f", "r") as stored:
        assert stored.read() == file.read_bytes()


@pytest.mark.parametrize(
    ("code", "kind", "name"),
    [
        (-154000, TransientError, "SYS_INTERNAL_ERR"),
        (-118000, TransientError, "SYS_MAX_CONNECT_COUNT_EXCEEDED"),
        (-181000, TransientError, "SHUTDOWN_SEQUENCE_INITIATED"),
        (-121000, ForbiddenError, "SYS_USER_NO_PERMISSION"),
        (-400000, EndOfRunError, "USER_INSUFFICIENT_FREE_INODES"),
        (-511028, EndOfRunError, "UNIX_FILE_CREATE_ERR"),
        (-146000, TreeError, "SYS_NOT_IMPLEMENTED"),
        (-999000, TreeError, "IRODS_-999000"),
    ],
)
def test_codes_that_the_library_does_not_know_have_their_class(code: int, kind: type[TreeError], name: str) -> None:
    """What passes by itself is tried again, whether python-irodsclient has a name for it or not."""
    error = zone_error(code)
    assert type(error) is kind
    assert error.code == name


@pytest.mark.parametrize("joined_first", [True, False], ids=["helper joined before", "helper joins after"])
def test_a_helper_locks_nothing_once_the_owner_of_an_upload_is_gone(
    tree: ZoneTree, session: iRODSSession, home: str, joined_first: bool
) -> None:
    """Whoever joins, or leaves, when the server has given the owner up, leaves an object that can still be removed."""
    path = f"{home}/big"
    writer = tree.open_writer(path, Incoming(size=_BIG, replacing=None))
    owner = tree.sessions.connection()

    def help_out() -> None:
        if joined_first:
            writer.write_at(0, b"first")
        owner.abandon()
        while not session.query(DataObject.id).filter(DataObject.name == "big", DataObject.replica_status == "0").all():
            time.sleep(0.01)
        try:
            if not joined_first:
                with pytest.raises(TransientError):
                    writer.write_at(0, b"first")
        finally:
            writer.leave()

    with ThreadPoolExecutor(1) as helper:
        helper.submit(help_out).result(20)
    owner.break_off()
    deadline = time.monotonic() + 30
    while session.data_objects.get(path).replicas[0].status == "2" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert session.data_objects.get(path).replicas[0].status == "0"
    writer.abort(keep=False)
    assert not _names(session, home)


@_SIZES
def test_an_upload_that_arrives_damaged_leaves_the_old_bytes_in_the_same_object(
    run_sync: RunSync,
    tree: ZoneTree,
    session: iRODSSession,
    home: str,
    tmp_path: Path,
    size: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every byte on the wire is spoilt: the run fails by checksum, and what was there is there, good, and alone."""
    file = tmp_path / "f"
    file.write_bytes(b"old bytes")
    os.utime(file, (1_500_000_000, 1_500_000_000))
    run_sync(LocalTree(), str(file), tree, home)
    before = session.data_objects.get(f"{home}/f").id
    file.write_bytes(os.urandom(size))
    real = ZoneConnection.exchange

    def spoilt(self: ZoneConnection, batch: list[Request], into: bytearray | memoryview | None = None) -> list[Reply]:
        damaged = [Request(r.api, r.message, bytes(len(r.data)), r.work) if r.data else r for r in batch]
        return real(self, damaged, into)

    monkeypatch.setattr(ZoneConnection, "exchange", spoilt)
    run = run_sync(LocalTree(), str(file), tree, home)
    monkeypatch.undo()
    assert run.code is ExitCode.PARTIAL
    assert run.end.failures[0].code == "USER_CHKSUM_MISMATCH"
    assert _names(session, home) == ["f"]
    after = session.data_objects.get(f"{home}/f")
    assert (after.id, [replica.status for replica in after.replicas]) == (before, ["1"])
    assert after.modify_time.timestamp() == 1_500_000_000
    with session.data_objects.open(f"{home}/f", "r") as stored:
        assert stored.read() == b"old bytes"
    assert run_sync(LocalTree(), str(file), tree, home).code is ExitCode.COMPLETE


def test_a_small_new_file_costs_one_round_trip_each_way(
    run_sync: RunSync, tree: ZoneTree, home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty files need forty exchanges more than none, up and down, times included; nothing to do needs none."""
    count = 0
    real = ZoneConnection.exchange

    def counted(self: ZoneConnection, batch: list[Request], into: bytearray | memoryview | None = None) -> list[Reply]:
        nonlocal count
        count += 1
        return real(self, batch, into)

    monkeypatch.setattr(ZoneConnection, "exchange", counted)

    def exchanges(*arguments: object) -> int:
        nonlocal count
        count = 0
        assert run_sync(*arguments).code is ExitCode.COMPLETE
        return count

    source = tmp_path / "s"
    source.mkdir()
    tree.make_folder(f"{home}/a")
    base_up = exchanges(LocalTree(), str(source), tree, f"{home}/a")
    base_down = exchanges(tree, f"{home}/a", LocalTree(), str(tmp_path / "b"))
    for number in range(40):
        (source / f"{number}").write_bytes(os.urandom(5000))
    assert exchanges(LocalTree(), str(source), tree, f"{home}/a") == base_up + 40
    assert exchanges(tree, f"{home}/a", LocalTree(), str(tmp_path / "b")) == base_down + 40
    assert exchanges(LocalTree(), str(source), tree, f"{home}/a") == base_up


def test_the_connection_that_listed_goes_on_with_the_files(
    run_sync: RunSync, server: ZoneSettings, home: str, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of one thread logs in once, up and down, to a new collection and to one that was listed, for one file."""
    opened: list[ZoneConnection] = []

    class Counted(ZoneConnection):
        def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - whatever it takes
            super().__init__(*arguments)
            opened.append(self)

    monkeypatch.setattr("s_isync.backends.irods_sessions.ZoneConnection", Counted)
    local = LocalTree()
    for source, destination in (
        (str(sample), f"{home}/new"),
        (f"{home}/new", str(tmp_path / "back")),
        (str(sample / "a.txt"), f"{home}/one"),
    ):
        zone = ZoneTree(server)
        up = destination.startswith(home)
        for _ in "12":  # the second time, all is there
            run = run_sync(local if up else zone, source, zone if up else local, destination, SyncRules(connections=1))
            assert run.code is ExitCode.COMPLETE
            assert len(opened) == 1
            opened.clear()
        zone.close()


@_SIZES
def test_times_are_kept_in_the_catalogue_unless_they_are_not_wanted(
    run_sync: RunSync, tree: ZoneTree, session: iRODSSession, home: str, tmp_path: Path, size: int
) -> None:
    """Whole seconds, for small and big files."""
    file = tmp_path / "f"
    file.write_bytes(bytes(size))
    os.utime(file, (1_500_000_000, 1_500_000_000.7))
    run_sync(LocalTree(), str(file), tree, f"{home}/kept")
    run_sync(LocalTree(), str(file), tree, f"{home}/now", SyncRules(keep_times=False))
    times = {name: session.data_objects.get(f"{home}/{name}").modify_time.timestamp() for name in ("kept", "now")}
    assert times["kept"] == 1_500_000_000
    assert times["now"] > 1_700_000_000


@_SIZES
@pytest.mark.parametrize("kept", [False, True])
def test_permission_bits_travel_where_they_are_wanted(
    run_sync: RunSync, tree: ZoneTree, home: str, tmp_path: Path, size: int, kept: bool
) -> None:
    """Both ways; set-user-id never does, and an old file of that name that is replaced keeps its own otherwise."""
    file, new, old = tmp_path / "f", tmp_path / "new", tmp_path / "old"
    file.write_bytes(bytes(size))
    file.chmod(0o4750)
    old.write_bytes(b"old")
    old.chmod(0o640)
    rules = SyncRules(keep_modes=kept)
    run_sync(LocalTree(), str(file), tree, f"{home}/f", rules)
    for back in (new, old):
        assert run_sync(tree, f"{home}/f", LocalTree(), str(back), rules).code is ExitCode.COMPLETE
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (new, old)]
    if kept:
        assert modes == [0o750, 0o750]
    else:
        assert not modes[0] & 0o111
        assert modes[1] == 0o640


@pytest.mark.parametrize("existing", [False, True], ids=["new", "overwrite"])
def test_what_a_killed_upload_leaves_is_mended_by_the_next_run(
    run_sync: RunSync,
    server: ZoneSettings,
    tree: ZoneTree,
    session: iRODSSession,
    home: str,
    tmp_path: Path,
    existing: bool,
) -> None:
    """SIGKILL in the middle of a big file: old bytes are still in the zone, and the next run makes it whole."""
    file = tmp_path / "f"
    if existing:
        file.write_bytes(b"old bytes")
        run_sync(LocalTree(), str(file), tree, home)
    file.write_bytes(os.urandom(300_000_000))
    environment = {
        **os.environ,
        "IRODS_HOST": server.host,
        "IRODS_PORT": str(server.port),
        "IRODS_ZONE_NAME": server.zone,
        "IRODS_USER_NAME": server.user,
        "IRODS_PASSWORD": server.password,
        "IRODS_CLIENT_SERVER_POLICY": "CS_NEG_REFUSE",
    }
    slowly = ["--bwlimit", "50M"]  # so that it is still under way when it is killed
    command = [str(Path(sys.executable).with_name("s-isync")), "--events", *slowly, str(file), f"i:{home}"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if '"bytes_transferred": 0' not in line and '"progress"' in line:
            break
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    deadline = time.monotonic() + 30
    while (entry := tree.stat(f"{home}/f")) is not None and entry.good and time.monotonic() < deadline:
        time.sleep(0.1)  # until the zone has noticed
    assert entry is None or not entry.good
    if existing:
        kept = [name for name in _names(session, home) if name != "f"]
        assert len(kept) == 1
        with session.data_objects.open(f"{home}/{kept[0]}", "r") as stored:
            assert stored.read() == b"old bytes"
    again = run_sync(LocalTree(), str(file), tree, home)
    assert again.code is ExitCode.COMPLETE
    assert again.seen.paths(Outcome.TRANSFERRED) == ["f"]
    assert _names(session, home) == ["f"]
    assert run_sync(LocalTree(), str(file), tree, home).seen.outcomes() == {"f": "skipped"}


def test_names_of_a_hostile_catalogue_cannot_lead_out_of_the_tree(
    run_sync: RunSync, tree: ZoneTree, home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows with '..' in them are told of and left alone."""
    (tmp_path / "f").write_bytes(b"x")
    run_sync(LocalTree(), str(tmp_path / "f"), tree, home)
    real = Reply.rows
    monkeypatch.setattr(
        Reply, "rows", lambda self: [tuple("../../f" if value == "f" else value for value in row) for row in real(self)]
    )
    run = run_sync(tree, home, LocalTree(), str(tmp_path / "deep/er/back"))
    assert run.code is ExitCode.PARTIAL
    assert [problem.code for problem in run.seen.errors] == ["UNSAFE_NAME"]
    assert run.end.totals.files_total == 0


@pytest.mark.parametrize("bundle", [False, True])
def test_a_name_that_a_server_would_take_for_a_query_is_never_sent(
    run_sync: RunSync, tree: ZoneTree, home: str, tmp_path: Path, bundle: bool
) -> None:
    """It fails with what to do about it, file or folder, and what else there is stays as it was."""
    odd = "x' || like '%"
    for name in ("s/victim", f"s/{odd}", f"s/{odd}.d/f", "s/it's && well"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"good")
    run = run_sync(LocalTree(), str(tmp_path / "s"), tree, f"{home}/x", SyncRules(bundle=bundle))
    assert run.code is ExitCode.PARTIAL
    assert {problem.code for problem in run.end.failures} == {"NAME_MISREAD"}
    assert run.seen.paths(Outcome.TRANSFERRED) == ["victim"]
    assert [entry.path for entry in tree.scan(f"{home}/x", lambda *_: None)] == ["victim"]


@_SIZES
def test_an_object_that_has_moved_to_other_storage_is_read_all_the_same(
    run_sync: RunSync, tree: ZoneTree, home: str, tmp_path: Path, size: int
) -> None:
    """The scan knows where the only replica is; where that holds no more, the zone finds it."""
    file = tmp_path / "f"
    file.write_bytes(os.urandom(size))
    run_sync(LocalTree(), str(file), tree, home)
    entry = tree.stat(f"{home}/f")
    assert entry is not None
    assert entry.place
    for place in (entry.place, "elsewhere"):
        reader = tree.open_reader(f"{home}/f", replace(entry, place=place))
        data = b"".join(bytes(reader.read_at(at, min(4 << 20, size - at))) for at in range(0, size, 4 << 20))
        reader.close()
        assert data == file.read_bytes()


def test_a_bundle_brings_small_files_verified_with_their_times(
    run_sync: RunSync, tree: ZoneTree, session: iRODSSession, home: str, tmp_path: Path, sample: Path
) -> None:
    """Names that need care and big files beside them; checksums and times are the zone's; no tar file stays."""
    (sample / "big").write_bytes(os.urandom(2_000_000))
    for number in range(300):
        (sample / f"{number}.dat").write_bytes(os.urandom(number))
    os.utime(sample / "7.dat", (1_500_000_000, 1_500_000_000))
    run = run_sync(LocalTree(), str(sample), tree, f"{home}/x", SyncRules(bundle=True))
    assert run.code is ExitCode.COMPLETE
    assert len(run.seen.paths(Outcome.TRANSFERRED)) == len([p for p in sample.rglob("*") if p.is_file()])
    stored = session.data_objects.get(f"{home}/x/7.dat")
    assert stored.modify_time.timestamp() == 1_500_000_000
    assert stored.checksum.startswith("sha2:")
    assert not [name for name in _names(session, f"{home}/x") if name.startswith(".s-isync")]
    again = run_sync(LocalTree(), str(sample), tree, f"{home}/x", SyncRules(bundle=True))
    assert not again.seen.paths(Outcome.TRANSFERRED)
    back = run_sync(tree, f"{home}/x", LocalTree(), str(tmp_path / "back"))
    assert back.code is ExitCode.COMPLETE
    assert subprocess.run(["diff", "-r", str(sample), str(tmp_path / "back")], check=False).returncode == 0


def test_a_bundle_keeps_to_what_holds_for_the_run(
    run_sync: RunSync, tree: ZoneTree, session: iRODSSession, home: str, tmp_path: Path
) -> None:
    """The rate, and times that are not wanted."""
    (tmp_path / "s").mkdir()
    for number in range(20):
        (tmp_path / f"s/{number}").write_bytes(os.urandom(20_000))
        os.utime(tmp_path / f"s/{number}", (1_500_000_000, 1_500_000_000))
    rules = SyncRules(bundle=True, bandwidth=150_000, keep_times=False)
    run = run_sync(LocalTree(), str(tmp_path / "s"), tree, home, rules)
    assert run.code is ExitCode.COMPLETE
    assert run.end.seconds > 2
    assert session.data_objects.get(f"{home}/7").modify_time.timestamp() > 1_700_000_000


@pytest.mark.parametrize("asks", [False, True], ids=["the zone is not asked for one", "the zone computes one"])
def test_an_object_without_checksum_that_changes_while_it_is_read_is_read_again(
    run_sync: RunSync,
    tree: ZoneTree,
    session: iRODSSession,
    home: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    asks: bool,
) -> None:
    """Its beginning alone would pass for the whole."""
    with session.data_objects.open(f"{home}/f", "w") as stored:
        stored.write(b"A" * 1000)
    real, opened = ZoneTree.open_reader, 0

    def changed(self: ZoneTree, path: str, entry: Entry) -> Reader:
        nonlocal opened
        opened += 1
        if opened == 1:
            with session.data_objects.open(path, "w") as stored:
                stored.write(b"B" * 5000)
        return real(self, path, entry)

    monkeypatch.setattr(ZoneTree, "open_reader", changed)
    rules = SyncRules(server_checksum=asks, retry=Retry(1, 0.01))
    run = run_sync(tree, home, LocalTree(), str(tmp_path / "back"), rules)
    assert run.code is ExitCode.COMPLETE
    assert (tmp_path / "back/f").read_bytes() == b"B" * 5000
    assert opened == 2


@pytest.mark.parametrize("pieces", [False, True], ids=["listed at once", "piece by piece"])
def test_the_tar_file_of_a_killed_run_goes_when_it_is_old(
    run_sync: RunSync,
    tree: ZoneTree,
    session: iRODSSession,
    home: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    pieces: bool,
) -> None:
    """Not by a dry run, nor from a source; a young one may be a running transfer's, another name a person's."""
    if pieces:
        monkeypatch.setattr("s_isync.backends.irods_scan._LARGE", 1)
        monkeypatch.setattr("s_isync.backends.irods_scan._WORTH", 1)
    (tmp_path / "s/sub").mkdir(parents=True)
    (tmp_path / "s/sub/f").write_bytes(b"f")
    assert run_sync(LocalTree(), str(tmp_path / "s"), tree, home).code is ExitCode.COMPLETE
    old, deep, young = bundle_name(), f"sub/{bundle_name()}", bundle_name()
    for name in (old, deep, young, ".s-isync-part.mine.tar"):
        with session.data_objects.open(f"{home}/{name}", "w") as left:
            left.write(b"left")
        age = 0 if name is young else 3 * 24 * 3600
        version = tree.sessions.connection().server_version
        tree.sessions.call(requests.set_mtime(f"{home}/{name}", int(time.time()) - age, version))

    def there() -> set[str]:
        return {name for name in (old, deep, young) if session.data_objects.exists(f"{home}/{name}")}

    assert run_sync(LocalTree(), str(tmp_path / "s"), tree, home, SyncRules(dry_run=True)).code is ExitCode.COMPLETE
    assert run_sync(tree, home, LocalTree(), str(tmp_path / "back")).code is ExitCode.COMPLETE
    assert run_sync(tree, home, tree, f"{home}.copy").code is ExitCode.COMPLETE
    assert there() == {old, deep, young}
    assert run_sync(LocalTree(), str(tmp_path / "s"), tree, home).code is ExitCode.COMPLETE
    assert there() == {young}
    assert session.data_objects.exists(f"{home}/.s-isync-part.mine.tar")


def test_a_large_collection_is_listed_piece_by_piece_in_order(
    run_sync: RunSync, tree: ZoneTree, home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects and collections mixed at every level come in the order, and as often, as in one piece."""
    source = tmp_path / "s"
    many = [f"many/{number}/f" for number in range(60)]  # more than a server keeps queries open
    for name in ("b/1", "b/c/2", "b-/3", "a", "b.txt", "c/d/e/4", "c/d/5", "z", "it's/6", "100%_/7", *many):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(name.encode())
    run_sync(LocalTree(), str(source), tree, f"{home}/x")
    whole = list(tree.scan(f"{home}/x", lambda *_: None))
    monkeypatch.setattr("s_isync.backends.irods_scan._LARGE", 0)
    monkeypatch.setattr("s_isync.backends.irods_scan._WORTH", 0)
    assert list(tree.scan(f"{home}/x", lambda *_: None)) == whole
    assert [entry.path for entry in whole] == [e.path for e in LocalTree().scan(str(source), lambda *_: None)]
    assert run_sync(tree, f"{home}/x", LocalTree(), str(tmp_path / "back")).code is ExitCode.COMPLETE
