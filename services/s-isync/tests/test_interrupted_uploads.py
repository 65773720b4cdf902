"""What failed and earlier uploads leave in a zone: the last good bytes stay, nothing half-written counts as good."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from irods.session import iRODSSession
from s_isync.backends.irods import ZoneTree
from s_isync.backends.local import LocalTree
from s_isync.compare import CompareMode
from s_isync.exit_codes import ExitCode
from s_isync.names import join, kept_name
from s_isync.operations.ranged_copy import RANGE_SIZE
from s_isync.retry import Retry
from s_isync.rules import SyncRules
from s_isync.tree import Incoming
from s_isync.zone_settings import ZoneSettings
from stager_sandbox.zone import Zone

RunSync = Callable[..., Any]
_ONCE = SyncRules(connections=3, retry=Retry(0, 0.01))
_BIG = 2 * RANGE_SIZE + 5
_SIZES = pytest.mark.parametrize("size", [1000, _BIG], ids=["small", "big"])
_HIERARCHY, _SHORT = -1803000, -27000
_GOOD = 1


@dataclass
class Place:
    """A collection, a folder with one file `f`, and what either holds."""

    zone: Zone
    settings: ZoneSettings
    home: str
    source: Path
    run_sync: RunSync

    def put(self, name: str, data: bytes, *, summed: bool = True) -> str:
        """Store an object as another client does."""
        path = join(self.home, name)
        with self.zone.files.write("alice", path) as stream:
            stream.write(data)
        if summed:
            self.zone.files.checksum("alice", path)
        return path

    def found(self) -> dict[str, tuple[int, bytes]]:
        """Status and bytes of each object."""
        return {
            entry.name: (entry.status or 0, self._read(entry.path))
            for entry in self.zone.files.list("alice", self.home)
        }

    def up(self, rules: SyncRules = _ONCE) -> Any:  # noqa: ANN401 - as the fixture
        """Bring the folder to the collection, with faults if any are set."""
        with self.tree() as tree:
            return self.run_sync(LocalTree(), str(self.source), tree, self.home, rules)

    @contextmanager
    def tree(self) -> Iterator[ZoneTree]:
        """The zone as s-isync sees it."""
        opened = ZoneTree(self.settings)
        yield opened
        opened.close()

    def _read(self, path: str) -> bytes:
        file = self.zone.files.physical_path("alice", path)
        assert file is not None
        return file.read_bytes()


@pytest.fixture
def place(zone_of_faults: Zone, settings_of_faults: ZoneSettings, run_sync: RunSync, tmp_path: Path) -> Place:
    """Empty ones."""
    home = f"/{settings_of_faults.zone}/home/alice/{uuid4()}"
    zone_of_faults.files.make_collection("alice", home)
    source = tmp_path / "source"
    source.mkdir()
    return Place(zone_of_faults, settings_of_faults, home, source, run_sync)


@_SIZES
def test_the_only_good_bytes_outlive_a_refusal(place: Place, size: int) -> None:
    """An overwrite was interrupted, the next one isn't let in: what was set aside before is still there, then used."""
    (place.source / "f").write_bytes(os.urandom(size))
    path = place.put("f", b"cut")
    place.zone.damage.stale(path)
    kept = kept_name("f")
    place.put(kept, b"old bytes")
    place.zone.faults.add(on="DATA_OBJ_OPEN", path=path, refuse=_HIERARCHY)
    assert place.up().code is ExitCode.PARTIAL
    assert place.found()[kept] == (_GOOD, b"old bytes")
    place.zone.faults.clear()
    assert place.up().code is ExitCode.COMPLETE
    assert place.found() == {"f": (_GOOD, (place.source / "f").read_bytes())}


@_SIZES
def test_a_refusal_leaves_no_copy_beside_a_good_object(place: Place, size: int) -> None:
    """What was set aside for nothing goes at once."""
    (place.source / "f").write_bytes(os.urandom(size))
    path = place.put("f", b"old bytes")
    place.zone.faults.add(on="DATA_OBJ_OPEN", path=path, refuse=_HIERARCHY)
    assert place.up().code is ExitCode.PARTIAL
    assert place.found() == {"f": (_GOOD, b"old bytes")}


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
@_SIZES
def test_an_older_copy_never_takes_the_place_of_a_good_object(place: Place, size: int, *, cut: bool) -> None:
    """Another client has stored good bytes, without a checksum, beside what an earlier run had set aside."""
    (place.source / "f").write_bytes(os.urandom(size))
    older = place.put(kept_name("f"), b"older bytes", summed=False)
    if cut:
        place.zone.damage.stale(older)
    path = place.put("f", b"another client's bytes", summed=False)
    place.zone.faults.add(on="DATA_OBJ_WRITE", path=path, refuse=_SHORT)
    assert place.up().code is ExitCode.PARTIAL
    assert place.found() == {"f": (_GOOD, b"another client's bytes")}


@pytest.mark.parametrize("existing", [False, True], ids=["new", "overwrite"])
def test_an_object_with_a_hole_is_never_good(place: Place, *, existing: bool) -> None:
    """The last range has landed, one before it hasn't, and all is refused that would put the object back in order."""
    (place.source / "f").write_bytes(content := os.urandom(_BIG))
    path = join(place.home, "f")
    if existing:
        place.put("f", b"old bytes")
    with place.tree() as tree:
        writer = tree.open_writer(path, Incoming(_BIG, replacing=tree.stat(path)))
        for offset in (0, 2 * RANGE_SIZE):
            writer.write_at(offset, content[offset : offset + RANGE_SIZE])
        place.zone.faults.add(on="DATA_OBJ_UNLINK", path=path, refuse=_SHORT)
        place.zone.faults.add(on="DATA_OBJ_COPY", refuse=_SHORT)
        writer.abort(keep=False)
    status, data = place.found()["f"]
    assert len(data) == _BIG
    assert status != _GOOD
    place.zone.faults.clear()
    assert place.up(SyncRules(compare=CompareMode.SIZE)).code is ExitCode.COMPLETE
    assert place.found() == {"f": (_GOOD, content)}


@pytest.mark.parametrize("existing", [False, True], ids=["new", "overwrite"])
def test_an_object_with_other_bytes_is_not_good_for_longer_than_it_takes_to_find_out(
    place: Place, *, existing: bool
) -> None:
    """It has arrived whole, but damaged, and all is refused that would put it back in order."""
    (place.source / "f").write_bytes(os.urandom(_BIG))
    path = join(place.home, "f")
    if existing:
        place.put("f", b"old bytes")
    place.zone.faults.add(wrong_checksum=True, path=path)
    place.zone.faults.add(on="DATA_OBJ_UNLINK", path=path, refuse=_SHORT)
    place.zone.faults.add(on="DATA_OBJ_COPY", skip=int(existing), refuse=_SHORT)
    run = place.up()
    assert [problem.code for problem in run.end.failures] == ["USER_CHKSUM_MISMATCH"]
    assert place.found()["f"][0] != _GOOD
    place.zone.faults.clear()
    assert place.up().code is ExitCode.COMPLETE
    assert place.found() == {"f": (_GOOD, (place.source / "f").read_bytes())}


@pytest.mark.parametrize("existing", [False, True], ids=["new", "overwrite"])
def test_nothing_stays_of_an_upload_whose_opening_was_never_answered(place: Place, *, existing: bool) -> None:
    """The server has made the object, or emptied it, each time; at the end it is gone, or as it was."""
    (place.source / "f").write_bytes(os.urandom(_BIG))
    before = {}
    if existing:
        place.put("f", b"old bytes")
        before = {"f": (_GOOD, b"old bytes")}
    place.zone.faults.add(on="DATA_OBJ_OPEN", path=join(place.home, "f"), lose_reply=True)
    run = place.up(SyncRules(connections=1, retry=Retry(1, 0.01)))
    assert run.code is ExitCode.PARTIAL
    assert place.found() == before


@_SIZES
def test_time_and_metadata_arrive_though_the_answer_to_the_close_is_lost(place: Place, size: int) -> None:
    """The bytes have landed; what would have come after them is asked for once more."""
    (place.source / "f").write_bytes(os.urandom(size))
    os.utime(place.source / "f", (1_500_000_000, 1_500_000_000))
    place.zone.faults.add(on="DATA_OBJ_CLOSE", lose_reply=True, times=1)
    run = place.up(replace(_ONCE, metadata=(("subject", "7", ""),)))
    assert run.code is ExitCode.COMPLETE
    zone = place.zone
    with iRODSSession(host=zone.host, port=zone.port, user="alice", password="secret", zone=zone.zone_name) as session:
        stored = session.data_objects.get(f"{place.home}/f")
        assert stored.modify_time.timestamp() == 1_500_000_000
        assert [item.value for item in stored.metadata.items()] == ["7"]


@pytest.mark.parametrize("inner", ["", "a/b/"], ids=["right in it", "further down"])
def test_what_was_set_aside_of_a_long_name_goes_once_the_object_is_as_it_should_be(place: Place, inner: str) -> None:
    """Such a copy's own name is a hash; a short name that looks like one is told from it."""
    names = ["n" * 250, "0123456789abcdef" * 2, "short"]
    folder = place.source / inner
    folder.mkdir(parents=True, exist_ok=True)
    place.zone.files.make_collection("alice", join(place.home, inner.rstrip("/")), parents=True)
    for name in names:
        (folder / name).write_bytes(b"bytes")
        place.put(inner + name, b"bytes")
        place.put(inner + kept_name(name), b"old bytes")
    run = place.up()
    assert (run.code, run.end.totals.files_skipped) == (ExitCode.COMPLETE, len(names))
    left = [entry.name for entry in place.zone.files.list("alice", join(place.home, inner.rstrip("/")))]
    assert sorted(left) == sorted(names)
