"""The contract suite: what every backend must do."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from s_isync.backends.irods import ZoneTree
from s_isync.backends.local import LocalTree
from s_isync.backends.memory import MemoryTree
from s_isync.checksums import checksum_of
from s_isync.entry import Entry, Kind, sort_key
from s_isync.errors import TransientError, TreeError
from s_isync.tree import Incoming, Tree
from s_isync.zone_settings import ZoneSettings
from stager_sandbox.zone import Zone

_MIB = 1024 * 1024
_ODD = ["it's", 'quo"te', "per%cent_under", "amp&lt<gt>", "back`tick", " lead and trail ", "-dash", "new\nline", "ünï"]


@dataclass
class Place:
    """A backend and an empty folder in it."""

    tree: Tree
    root: str


@pytest.fixture(scope="module", params=["memory", "memory-md5", "local", "zone-md5", "zone-tls", "server"])
def tree(request: pytest.FixtureRequest) -> Iterator[Tree]:
    """Each backend in turn."""
    kind, _, variant = request.param.partition("-")
    if kind == "local":
        yield LocalTree()
        return
    if kind == "memory":
        yield MemoryTree(variant or "sha2")
        return
    if kind == "server":
        server = ZoneTree(request.getfixturevalue("server"))
        yield server
        server.close()
        return
    with Zone({"alice": "secret"}, checksum_scheme="md5" if variant == "md5" else "sha2") as zone:
        zone_tree = ZoneTree(
            ZoneSettings(
                host=zone.host if variant != "tls" else "localhost",
                port=zone.port,
                zone=zone.zone_name,
                user="alice",
                password="secret",
                client_server_policy="CS_NEG_REQUIRE" if variant == "tls" else "CS_NEG_REFUSE",
                ca_file=str(zone.ca_file) if variant == "tls" else None,
                default_hash_scheme="MD5" if variant == "md5" else "SHA256",
            )
        )
        yield zone_tree
        zone_tree.close()


@pytest.fixture
def place(tree: Tree, tmp_path: Path) -> Place:
    """An empty folder in a backend."""
    if isinstance(tree, LocalTree):
        return Place(tree, str(tmp_path))
    root = f"/zone/{uuid4()}"
    if isinstance(tree, ZoneTree):
        root = f"/{tree.sessions.settings.zone}/home/{tree.sessions.settings.user}/{uuid4()}"
    tree.make_folder(root)
    return Place(tree, root)


def _write(place: Place, name: str, data: bytes, mtime_ns: int | None = None, mode: int | None = None) -> str | None:
    existing = place.tree.stat(f"{place.root}/{name}")
    writer = place.tree.open_writer(f"{place.root}/{name}", Incoming(len(data), mtime_ns, existing, mode=mode))
    for offset in range(0, len(data), 4 * _MIB):
        writer.write_at(offset, data[offset : offset + 4 * _MIB])
    return writer.commit(checksum_of(data, place.tree.preferred_scheme()))


def _read(place: Place, name: str) -> bytes:
    entry = place.tree.stat(f"{place.root}/{name}")
    assert entry is not None
    reader = place.tree.open_reader(f"{place.root}/{name}", entry)
    try:
        step = 4 * _MIB
        parts = [bytes(reader.read_at(offset, min(step, entry.size - offset))) for offset in range(0, entry.size, step)]
        reader.check_unchanged()
        return b"".join(parts)
    finally:
        reader.close()


def _scan(place: Place, below: str = "") -> list[Entry]:
    def problem(path: str, error: TreeError) -> None:
        raise AssertionError(f"{path}: {error}")

    return list(place.tree.scan(f"{place.root}/{below}".rstrip("/"), problem))


def test_nothing_is_at_a_path_that_was_never_made(place: Place) -> None:
    """A missing path is None, below a missing folder, too."""
    assert place.tree.stat(f"{place.root}/none") is None
    assert place.tree.stat(f"{place.root}/none/none") is None


@pytest.mark.parametrize("size", [0, 1, 4 * _MIB, 9 * _MIB + 3])
def test_bytes_come_back_as_they_were_written(place: Place, size: int) -> None:
    """Empty, small and big files round-trip, and their size and time are seen."""
    data = bytes(range(251)) * (size // 251 + 1)
    data = data[:size]
    kept = _write(place, "file", data, 1_600_000_000 * 10**9)
    assert kept == (checksum_of(data, place.tree.preferred_scheme()) if place.tree.catalogues else None)
    assert _read(place, "file") == data
    entry = place.tree.stat(f"{place.root}/file")
    assert entry is not None
    assert (entry.kind, entry.size, entry.mtime_ns, entry.good) == (Kind.FILE, size, 1_600_000_000 * 10**9, True)


@pytest.mark.parametrize("size", [10, 5 * _MIB])
@pytest.mark.parametrize("mode", [0o600, 0o755])
def test_a_new_file_has_the_permissions_that_it_is_given(place: Place, size: int, mode: int) -> None:
    """Both a look at the file and a scan tell them."""
    _write(place, "file", bytes(size), mode=mode)
    entry = place.tree.stat(f"{place.root}/file")
    assert entry is not None
    assert entry.mode == mode
    assert [found.mode for found in _scan(place)] == [mode]


def test_a_scan_finds_everything_below_in_order(place: Place) -> None:
    """Files and folders, empty ones too, each once, the root itself not."""
    place.tree.make_folder(f"{place.root}/a/b")
    place.tree.make_folder(f"{place.root}/empty")
    place.tree.make_folder(f"{place.root}/a.d")
    for name in ("a/b/f", "a/f", "f", "a.d/f"):
        _write(place, name, b"x")
    found = _scan(place)
    assert [entry.path for entry in found] == sorted({entry.path for entry in found}, key=sort_key)
    assert {entry.path: entry.kind for entry in found} == {
        "a": Kind.FOLDER, "a/b": Kind.FOLDER, "empty": Kind.FOLDER, "a.d": Kind.FOLDER,
        "a/b/f": Kind.FILE, "a/f": Kind.FILE, "f": Kind.FILE, "a.d/f": Kind.FILE,
    }  # fmt: skip
    assert [entry.path for entry in _scan(place, "a")] == ["b", "b/f", "f"]


def test_a_scan_stays_within_its_root(place: Place) -> None:
    """A neighbour whose name begins alike, or is like a pattern of it, is not part of it."""
    for name in ("data_1", "data_12", "dataX1"):
        place.tree.make_folder(f"{place.root}/{name}")
        _write(place, f"{name}/f", b"x")
    assert [entry.path for entry in _scan(place, "data_1")] == ["f"]


@pytest.mark.parametrize("name", _ODD)
def test_odd_names_work_everywhere(place: Place, name: str) -> None:
    """Files and folders with names that a protocol may trip over."""
    place.tree.make_folder(f"{place.root}/{name}")
    _write(place, f"{name}/{name}", b"x")
    assert _read(place, f"{name}/{name}") == b"x"
    assert [entry.path for entry in _scan(place)] == [name, f"{name}/{name}"]
    assert [entry.path for entry in _scan(place, name)] == [name]


def test_making_a_folder_twice_is_fine_but_not_over_a_file(place: Place) -> None:
    """Folders above are made, too; a file in the way is an error of this folder only."""
    place.tree.make_folder(f"{place.root}/x/y/z")
    place.tree.make_folder(f"{place.root}/x/y/z")
    _write(place, "file", b"x")
    with pytest.raises(TreeError):
        place.tree.make_folder(f"{place.root}/file")
    assert _read(place, "file") == b"x"


@pytest.mark.parametrize("size", [10, 5 * _MIB])
def test_an_aborted_write_leaves_nothing(place: Place, size: int) -> None:
    """Neither the file nor anything beside it."""
    writer = place.tree.open_writer(f"{place.root}/file", Incoming(size))
    writer.write_at(0, bytes(min(size, 4 * _MIB)))
    writer.abort(keep=False)
    assert _scan(place) == []


@pytest.mark.parametrize("size", [10, 5 * _MIB])
def test_an_aborted_overwrite_leaves_the_old_bytes(place: Place, size: int) -> None:
    """A reader sees what was there before."""
    _write(place, "file", b"old")
    existing = place.tree.stat(f"{place.root}/file")
    writer = place.tree.open_writer(f"{place.root}/file", Incoming(size, None, existing))
    writer.write_at(0, bytes(min(size, 4 * _MIB)))
    writer.abort(keep=False)
    assert _read(place, "file") == b"old"
    assert [entry.path for entry in _scan(place)] == ["file"]


@pytest.mark.parametrize("size", [10, 5 * _MIB])
def test_wrong_bytes_are_refused_and_the_old_ones_stay(place: Place, size: int) -> None:
    """A tree with a catalogue finds out at the end that other bytes arrived than were sent."""
    if not place.tree.catalogues:
        return  # a file system keeps no checksums
    wrong = checksum_of(b"wrong", place.tree.preferred_scheme())
    data = bytes(size)
    for existing in (None, "old"):
        if existing:
            _write(place, "file", existing.encode())
        writer = place.tree.open_writer(
            f"{place.root}/file", Incoming(size, None, place.tree.stat(f"{place.root}/file"))
        )
        for offset in range(0, size, 4 * _MIB):
            writer.write_at(offset, data[offset : offset + 4 * _MIB])
        with pytest.raises(TransientError):
            writer.commit(wrong)
        writer.abort(keep=False)
        if existing:
            assert _read(place, "file") == b"old"
            assert [entry.path for entry in _scan(place)] == ["file"]
        else:
            assert place.tree.stat(f"{place.root}/file") is None


def test_a_checksum_is_that_of_the_bytes(place: Place) -> None:
    """Computed here or told by a catalogue, and progress is reported."""
    _write(place, "file", b"hello")
    counts: list[int] = []
    scheme = place.tree.preferred_scheme()
    assert place.tree.checksum(f"{place.root}/file", scheme, counts.append) == checksum_of(b"hello", scheme)
    assert sum(counts) == 5


def test_what_is_no_file_any_more_is_not_waited_for(tmp_path: Path) -> None:
    """A named pipe has taken a file's place since the scan: it is looked at again, as what has changed."""
    os.mkfifo(tmp_path / "f")
    found: list[BaseException] = []

    def hash_it() -> None:
        try:
            LocalTree().checksum(str(tmp_path / "f"), None, lambda _: None)
        except TransientError as error:
            found.append(error)

    thread = threading.Thread(target=hash_it, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert [error.code for error in found if isinstance(error, TransientError)] == ["CHANGED"]


def test_reading_what_is_gone_is_an_error_of_this_file(place: Place) -> None:
    """Never an exception of the library beneath."""

    def read() -> None:
        place.tree.open_reader(f"{place.root}/none", Entry("none", Kind.FILE, 3)).read_at(0, 3)

    with pytest.raises(TreeError):
        read()
