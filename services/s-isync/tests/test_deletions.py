"""What --delete removes, and what it leaves alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from s_isync.backends.irods import ZoneTree
from s_isync.backends.local import LocalTree
from s_isync.backends.memory import MemoryTree
from s_isync.checksums import checksum_of
from s_isync.entry import Entry
from s_isync.errors import TreeError
from s_isync.exit_codes import ExitCode
from s_isync.filters import Filter, rule
from s_isync.rules import SyncRules
from s_isync.tree import Incoming, ScanProblem, Tree, Wanted, everything
from s_isync.zone_settings import ZoneSettings

RunSync = Callable[..., Any]
_HOME = "/zone/home"
_DELETE = SyncRules(delete=True)


@dataclass
class Target:
    """A place to sync to."""

    tree: Tree
    root: str


@pytest.fixture(params=["local", "server"])
def target(request: pytest.FixtureRequest, server: ZoneSettings, tmp_path: Path) -> Iterator[Target]:
    """A file system and a zone."""
    if request.param == "local":
        yield Target(LocalTree(), str(tmp_path / "target"))
        return
    tree = ZoneTree(server)
    yield Target(tree, f"/{server.zone}/home/{server.user}/{uuid4()}")
    tree.close()


def _paths(target: Target) -> list[str]:
    return [entry.path for entry in target.tree.scan(target.root, lambda _path, _error: None)]


def test_what_the_source_does_not_hold_goes_files_and_folders(
    run_sync: RunSync, zone: MemoryTree, target: Target
) -> None:
    """After the transfers; only with --delete; a dry run tells of it."""
    for name in ("a", "old/b", "old/deeper/c", "it's/d"):
        zone.put(f"{_HOME}/x/{name}", b"x")
    assert run_sync(zone, f"{_HOME}/x", target.tree, target.root).code is ExitCode.COMPLETE
    for name in ("old/b", "old/deeper/c", "old/deeper", "old", "it's/d"):
        del zone.nodes[f"{_HOME}/x/{name}"]
    assert run_sync(zone, f"{_HOME}/x", target.tree, target.root).code is ExitCode.COMPLETE
    assert len(_paths(target)) == 7
    dry = run_sync(zone, f"{_HOME}/x", target.tree, target.root, SyncRules(delete=True, dry_run=True))
    assert {p: o for p, o in dry.seen.outcomes().items() if p != "a"} == dict.fromkeys(
        ("old/b", "old/deeper/c", "it's/d"), "would_delete"
    )
    assert dry.seen.folders == dict.fromkeys(("old", "old/deeper"), "would_delete")
    assert len(_paths(target)) == 7
    run = run_sync(zone, f"{_HOME}/x", target.tree, target.root, _DELETE)
    assert run.code is ExitCode.COMPLETE
    assert run.end.totals.files_deleted == 3
    assert _paths(target) == ["a", "it's"]


def _leave(target: Target, path: str) -> None:
    """Put something under a name that no scan shows."""
    writer = target.tree.open_writer(f"{target.root}/{path}", Incoming(4))
    writer.write_at(0, b"left")
    writer.commit(checksum_of(b"left", target.tree.preferred_scheme()))


def test_what_a_broken_off_run_has_left_keeps_no_folder(run_sync: RunSync, zone: MemoryTree, target: Target) -> None:
    """A folder goes with it; in one that stays, because of something else, it stays, too."""
    for name in ("a", "old/b", "filtered/c.keep"):
        zone.put(f"{_HOME}/x/{name}", b"x")
    assert run_sync(zone, f"{_HOME}/x", target.tree, target.root).code is ExitCode.COMPLETE
    for name in ("old/.s-isync-part.b", "old/.s-isync-kept.c", "filtered/.s-isync-part.d"):
        _leave(target, name)
    for name in ("old/b", "old", "filtered/c.keep", "filtered"):
        del zone.nodes[f"{_HOME}/x/{name}"]
    rules = SyncRules(delete=True, filter=Filter((rule("*.keep", include=False),)))
    assert run_sync(zone, f"{_HOME}/x", target.tree, target.root, rules).code is ExitCode.COMPLETE
    assert _paths(target) == ["a", "filtered", "filtered/c.keep"]
    assert target.tree.stat(f"{target.root}/old") is None
    assert target.tree.stat(f"{target.root}/filtered/.s-isync-part.d") is not None


def test_more_than_allowed_deletes_nothing(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """--max-delete counts first; the run is partial, the transfers are done."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s/new").write_bytes(b"n")
    for number in range(3):
        zone.put(f"{_HOME}/x/{number}", b"x")
    run = run_sync(local, str(tmp_path / "s"), zone, f"{_HOME}/x", SyncRules(delete=True, max_delete=2))
    assert run.code is ExitCode.PARTIAL
    assert [problem.code for problem in run.seen.errors] == ["MAX_DELETE"]
    assert sorted(zone.files(f"{_HOME}/x")) == ["0", "1", "2", "new"]
    run = run_sync(local, str(tmp_path / "s"), zone, f"{_HOME}/x", SyncRules(delete=True, max_delete=3))
    assert sorted(zone.files(f"{_HOME}/x")) == ["new"]


class Unreadable(MemoryTree):
    """A tree of which one folder can't be listed."""

    def scan(self, root: str, problem: ScanProblem, wanted: Wanted = everything) -> Iterator[Entry]:
        """Tell of it, and go on."""
        problem("secret", TreeError("EACCES", "can't be read"))
        yield from super().scan(root, problem, wanted)


def test_nothing_is_deleted_when_the_scan_had_errors(run_sync: RunSync, zone: MemoryTree) -> None:
    """What could not be seen may be there."""
    source = Unreadable()
    source.put("/s/a", b"a")
    zone.put(f"{_HOME}/x/secret/b", b"b")
    run = run_sync(source, "/s", zone, f"{_HOME}/x", _DELETE)
    assert run.code is ExitCode.PARTIAL
    assert [problem.code for problem in run.seen.errors] == ["EACCES", "SCAN_INCOMPLETE"]
    assert sorted(zone.files(f"{_HOME}/x")) == ["a", "secret/b"]


def test_a_folder_that_stands_in_the_way_of_a_file_keeps_what_it_holds(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """A file, or a link that is passed over, of the folder's name is no leave to empty it, even with nothing failed."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s/file").write_bytes(b"f")
    (tmp_path / "s/link").symlink_to("file")
    for name in ("file/a", "link/b", "gone/c"):
        zone.put(f"{_HOME}/x/{name}", b"x")
    run = run_sync(local, str(tmp_path / "s"), zone, f"{_HOME}/x", _DELETE)
    assert run.code is ExitCode.PARTIAL
    assert sorted(zone.files(f"{_HOME}/x")) == ["file/a", "gone/c", "link/b"]
    (tmp_path / "s/file").unlink()
    (tmp_path / "s/file").symlink_to("link")
    run = run_sync(local, str(tmp_path / "s"), zone, f"{_HOME}/x", _DELETE)
    assert run.code is ExitCode.COMPLETE
    assert sorted(zone.files(f"{_HOME}/x")) == ["file/a", "link/b"]


def test_nothing_is_deleted_when_a_file_failed(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """A file that was renamed and can't be sent must not lose what stands under its old name."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s/new").write_bytes(b"x")
    zone.put(f"{_HOME}/x/old", b"x")
    zone.put(f"{_HOME}/x/new/in the way", b"x")
    run = run_sync(local, str(tmp_path / "s"), zone, f"{_HOME}/x", _DELETE)
    assert run.code is ExitCode.PARTIAL
    assert [problem.code for problem in run.seen.errors] == ["FILES_FAILED"]
    assert "old" in zone.files(f"{_HOME}/x")
