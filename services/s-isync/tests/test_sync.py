"""Whole runs between the file system and a zone in memory."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from s_isync.backends.local import LocalTree
from s_isync.backends.memory import MemoryTree
from s_isync.checksums import checksum_of
from s_isync.compare import CompareMode
from s_isync.entry import Entry, Kind
from s_isync.errors import ErrorClass, ForbiddenError, Phase, Scope, TransientError, TreeError
from s_isync.exit_codes import ExitCode
from s_isync.reporter import Outcome
from s_isync.retry import Retry
from s_isync.rules import SyncRules
from s_isync.stopping import StopFlag
from s_isync.tree import Incoming, Progress, Reader, Writer

_HOME = "/zone/home"
RunSync = Callable[..., Any]
Files = dict[str, bytes]


def _files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_folder_goes_up_and_comes_back_the_same(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, sample: Path, sample_files: Files, tmp_path: Path
) -> None:
    """Contents, empty files, empty folders and times survive both ways; totals add up."""
    os.utime(sample / "a.txt", (1_500_000_000, 1_500_000_000))
    up = run_sync(local, str(sample), zone, f"{_HOME}/new")
    assert up.code is ExitCode.COMPLETE
    assert zone.files(f"{_HOME}/new") == sample_files
    assert zone.nodes[f"{_HOME}/new/empty folder"].kind is Kind.FOLDER
    down = run_sync(zone, f"{_HOME}/new", local, str(tmp_path / "back"))
    assert down.code is ExitCode.COMPLETE
    assert _files(tmp_path / "back") == sample_files
    assert (tmp_path / "back/empty folder").is_dir()
    assert (tmp_path / "back/a.txt").stat().st_mtime == 1_500_000_000
    totals = down.end.totals
    assert totals.complete
    assert totals.bytes_transferred == totals.bytes_total == sum(map(len, sample_files.values()))
    assert down.threads == 0


def test_a_second_run_moves_nothing(run_sync: RunSync, local: LocalTree, zone: MemoryTree, sample: Path) -> None:
    """Equal files are skipped by checksum, and only what changed goes again, even with its size and time unchanged."""
    run_sync(local, str(sample), zone, f"{_HOME}/new")
    again = run_sync(local, str(sample), zone, f"{_HOME}/new")
    assert set(again.seen.outcomes().values()) == {"skipped"}
    assert again.end.totals.complete
    stat = (sample / "a.txt").stat()
    (sample / "a.txt").write_bytes(b"b")
    os.utime(sample / "a.txt", ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    third = run_sync(local, str(sample), zone, f"{_HOME}/new")
    assert third.seen.paths(Outcome.TRANSFERRED) == ["a.txt"]
    assert zone.files(f"{_HOME}/new")["a.txt"] == b"b"


@pytest.mark.parametrize("scheme", ["sha2", "md5", "sha1", "sha512", "adler32"])
def test_every_hash_scheme_of_a_catalogue_is_understood(
    run_sync: RunSync, local: LocalTree, sample: Path, sample_files: Files, tmp_path: Path, scheme: str
) -> None:
    """Uploads, skips and downloads verify in the catalogue's own scheme."""
    zone = MemoryTree(scheme)
    zone.make_folder(_HOME)
    assert run_sync(local, str(sample), zone, f"{_HOME}/x").code is ExitCode.COMPLETE
    again = run_sync(local, str(sample), zone, f"{_HOME}/x")
    assert set(again.seen.outcomes().values()) == {"skipped"}
    assert run_sync(zone, f"{_HOME}/x", local, str(tmp_path / "back")).code is ExitCode.COMPLETE
    assert _files(tmp_path / "back") == sample_files


@pytest.mark.parametrize(
    ("mode", "size_equal", "mtime_equal", "outcome"),
    [
        ("size", True, False, "skipped"),
        ("size", False, True, "transferred"),
        ("mtime", True, True, "skipped"),
        ("mtime", True, False, "transferred"),
        ("always", True, True, "transferred"),
        ("checksum", True, True, "transferred"),
    ],
)
def test_compare_modes(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path,
    mode: str, size_equal: bool, mtime_equal: bool, outcome: str,
) -> None:  # fmt: skip
    """Each mode looks at what its name says, on files whose bytes differ."""
    file = tmp_path / "f"
    file.write_bytes(b"new")
    os.utime(file, (1_500_000_000, 1_500_000_000.5))
    mtime = (1_500_000_000 if mtime_equal else 1_400_000_000) * 10**9
    zone.put(f"{_HOME}/f", b"old" if size_equal else b"older", mtime)
    run = run_sync(local, str(file), zone, _HOME, SyncRules(compare=CompareMode(mode)))
    assert run.seen.outcomes() == {"f": outcome}


def test_a_file_lands_by_the_directory_rules(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """Inside an existing folder, under another name, and in a new folder where a slash asks for one."""
    file = tmp_path / "f.txt"
    file.write_bytes(b"f")
    assert run_sync(local, str(file), zone, _HOME).code is ExitCode.COMPLETE
    assert run_sync(local, str(file), zone, f"{_HOME}/g.txt").code is ExitCode.COMPLETE
    assert run_sync(local, str(file), zone, f"{_HOME}/new/").code is ExitCode.COMPLETE
    assert zone.files(_HOME) == {"f.txt": b"f", "g.txt": b"f", "new/f.txt": b"f"}
    again = run_sync(local, str(file), zone, _HOME)
    assert again.seen.outcomes() == {"f.txt": "skipped"}


def test_roots_that_make_no_sense_end_the_run_by_name(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """Missing source, a file where the folder should go, a file into a missing folder."""
    (tmp_path / "d").mkdir()
    (tmp_path / "f").touch()
    zone.put(f"{_HOME}/file", b"")
    assert run_sync(local, str(tmp_path / "none"), zone, _HOME).code is ExitCode.NO_SOURCE
    assert run_sync(local, str(tmp_path / "d"), zone, f"{_HOME}/file").code is ExitCode.BAD_DESTINATION
    run = run_sync(local, str(tmp_path / "f"), zone, f"{_HOME}/none/f")
    assert run.code is ExitCode.BAD_DESTINATION
    assert run.end.problem is not None
    assert run.end.problem.scope is Scope.DESTINATION


def test_a_linked_root_is_followed_and_links_below_are_passed_over(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """A link that somebody names is meant; one that lies in the tree is told of, and doesn't spoil the run."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/f").write_bytes(b"f")
    (tmp_path / "real/link").symlink_to("/etc/passwd")
    (tmp_path / "real/loop").symlink_to(".")
    os.mkfifo(tmp_path / "real/fifo")
    (tmp_path / "root").symlink_to("real")
    run = run_sync(local, str(tmp_path / "root"), zone, f"{_HOME}/x")
    assert run.code is ExitCode.COMPLETE
    assert zone.files(f"{_HOME}/x") == {"f": b"f"}
    assert sorted((e.path, e.error_class) for e in run.seen.errors) == [
        ("fifo", ErrorClass.SKIPPED), ("link", ErrorClass.SKIPPED), ("loop", ErrorClass.SKIPPED),
    ]  # fmt: skip


def test_a_download_replaces_a_link_and_not_what_it_points_to(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """A hostile or forgotten link in the destination can't lead a write out of it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_bytes(b"precious")
    target = tmp_path / "target"
    target.mkdir()
    (target / "f").symlink_to(outside / "f")
    (target / "d").symlink_to(outside)
    zone.put(f"{_HOME}/x/f", b"new")
    zone.put(f"{_HOME}/x/d/f", b"new")
    run = run_sync(zone, f"{_HOME}/x", local, str(target))
    assert run.code is ExitCode.PARTIAL
    assert _files(outside) == {"f": b"precious"}
    assert (target / "f").read_bytes() == b"new"
    assert not (target / "f").is_symlink()
    assert run.seen.outcomes() == {"f": "transferred", "d/f": "failed"}


def test_a_file_and_a_folder_of_one_name_fail_alone(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """What stands in the way is told for each file, nothing is removed, the rest is done."""
    source = tmp_path / "s"
    for name in ("clash/f", "ok", "other"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(b"new")
    zone.put(f"{_HOME}/x/clash", b"old")
    zone.put(f"{_HOME}/x/other/inside", b"old")
    run = run_sync(local, str(source), zone, f"{_HOME}/x")
    assert run.code is ExitCode.PARTIAL
    assert run.seen.outcomes() == {"clash/f": "failed", "ok": "transferred", "other": "failed"}
    assert zone.files(f"{_HOME}/x") == {"clash": b"old", "ok": b"new", "other/inside": b"old"}


def test_replicas_that_are_not_good_are_neither_trusted_nor_downloaded(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """Up: mended though the bytes look equal. Down: an error, and nothing under the final name."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s/f").write_bytes(b"same")
    zone.put(f"{_HOME}/x/f", b"same")
    zone.nodes[f"{_HOME}/x/f"].good = False
    down = run_sync(zone, f"{_HOME}/x", local, str(tmp_path / "back"))
    assert down.code is ExitCode.PARTIAL
    assert not (tmp_path / "back/f").exists()
    up = run_sync(local, str(tmp_path / "s"), zone, f"{_HOME}/x")
    assert up.seen.outcomes() == {"f": "transferred"}
    assert zone.nodes[f"{_HOME}/x/f"].good


class Faulty(MemoryTree):
    """A zone in memory that fails where a test says so: `faults` maps `operation:name` to how often it still fails."""

    faults: dict[str, int]

    def _fail(self, operation: str, path: str, error: type[TreeError] = TransientError) -> None:
        key = f"{operation}:{path.rpartition('/')[2]}"
        left = self.faults.get(key, 0)
        if left:
            self.faults[key] = left - 1
            raise error("FAULT", f"{operation} fails")

    def open_reader(self, path: str, entry: Entry) -> Reader:
        """Fail, or open."""
        self._fail("read", path)
        return super().open_reader(path, entry)

    def open_writer(self, path: str, incoming: Incoming) -> Writer:
        """Fail, or open."""
        self._fail("write", path)
        self._fail("refuse", path, TreeError)
        self._fail("forbid", path, ForbiddenError)
        return super().open_writer(path, incoming)

    def make_folder(self, path: str) -> None:
        """Fail, or make it."""
        if hasattr(self, "faults"):
            self._fail("folder", path, TreeError)
            self._fail("forbid", path, ForbiddenError)
        super().make_folder(path)

    def checksum(self, path: str, scheme: str | None, progress: Progress) -> str:
        """Fail, or tell."""
        self._fail("checksum", path, TreeError)
        return super().checksum(path, scheme, progress)


@pytest.fixture
def faulty() -> Faulty:
    """An empty zone without faults yet."""
    tree = Faulty("sha2")
    tree.faults = {}
    tree.make_folder(_HOME)
    return tree


def test_passing_failures_are_tried_again_and_the_rest_is_done(
    run_sync: RunSync, local: LocalTree, faulty: Faulty, sample: Path, sample_files: Files
) -> None:
    """One failure passes, one lasts, one is for good: two files fail, each with scope, phase and class."""
    faulty.faults = {"write:a.txt": 1, "write:x": 99, "refuse:b.txt": 99}
    run = run_sync(local, str(sample), faulty, f"{_HOME}/x", SyncRules(retry=Retry(2, 0.01)))
    assert run.code is ExitCode.PARTIAL
    assert run.seen.paths(Outcome.FAILED) == ["a-b/x", "a/b.txt"]
    assert faulty.faults["write:x"] == 96
    assert faulty.faults["refuse:b.txt"] == 98
    failed = {problem.path: problem for problem in run.end.failures}
    assert failed["a-b/x"].error_class is ErrorClass.TRANSIENT
    assert failed["a/b.txt"].error_class is ErrorClass.FATAL
    assert failed["a/b.txt"].phase is Phase.PREPARE
    assert run.end.totals.files_transferred == len(sample_files) - 2
    faulty.faults = {}
    again = run_sync(local, str(sample), faulty, f"{_HOME}/x")
    assert again.seen.paths(Outcome.TRANSFERRED) == ["a-b/x", "a/b.txt"]
    assert faulty.files(f"{_HOME}/x") == sample_files


def test_a_folder_that_cannot_be_made_fails_its_files_and_is_asked_for_once(
    run_sync: RunSync, local: LocalTree, faulty: Faulty, sample: Path
) -> None:
    """Everything below fails with its reason; an empty folder alone makes the run partial; the rest goes on."""
    faulty.faults = {"folder:a": 9, "folder:empty folder": 9}
    run = run_sync(local, str(sample), faulty, f"{_HOME}/x")
    assert run.code is ExitCode.PARTIAL
    assert run.seen.paths(Outcome.FAILED) == ["a/b.txt", "a/c/deep.bin"]
    assert faulty.faults["folder:a"] == 8
    assert any(problem.path == "empty folder" for problem in run.seen.errors)
    assert run.end.totals.scan_errors > 0


def test_one_name_that_the_root_refuses_is_that_files_error(
    run_sync: RunSync, local: LocalTree, faulty: Faulty, sample: Path, sample_files: Files
) -> None:
    """A policy may refuse a single one: the others are copied, and a further run says the same."""
    faulty.faults = {"forbid:.hidden": 99}
    for _ in range(2):
        run = run_sync(local, str(sample), faulty, f"{_HOME}/x", SyncRules(connections=1))
        assert run.code is ExitCode.PARTIAL
        assert run.seen.paths(Outcome.FAILED) == [".hidden"]
        assert set(faulty.files(f"{_HOME}/x")) == set(sample_files) - {".hidden"}


@pytest.mark.parametrize("names", [["f"], ["folder/f", "folder/g"], ["f", "g", "h"]])
def test_a_root_that_takes_no_new_name_ends_the_run(
    run_sync: RunSync, local: LocalTree, faulty: Faulty, tmp_path: Path, names: list[str]
) -> None:
    """As soon as two are refused, or at the end where there is nothing else."""
    for name in names:
        (tmp_path / "s" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "s" / name).write_bytes(b"x")
    faulty.faults = {f"forbid:{name}": 1 for name in ("f", "g", "h", "folder")}
    run = run_sync(local, str(tmp_path / "s"), faulty, f"{_HOME}/x", SyncRules(connections=1))
    assert (run.code, run.end.problem.code) == (ExitCode.NO_PERMISSION, "FAULT")
    assert "h" not in run.seen.outcomes()


@pytest.mark.skipif(os.geteuid() == 0 and not hasattr(os, "seteuid"), reason="needs another user")
def test_an_unreadable_folder_makes_the_run_partial(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, sample: Path, sample_files: Files
) -> None:
    """What can't be listed is told of and counted, the rest is copied."""
    (sample / "a").chmod(0)
    was = os.geteuid()
    for folder in (sample, *sample.parents):
        if folder != Path("/") and str(folder).startswith("/tmp/pytest"):  # noqa: S108 - pytest's own
            folder.chmod(0o755)
    try:
        if was == 0:
            os.seteuid(65534)
        run = run_sync(local, str(sample), zone, f"{_HOME}/x")
    finally:
        os.seteuid(was)
        (sample / "a").chmod(0o755)
    assert run.code is ExitCode.PARTIAL
    assert run.end.totals.scan_errors == 1
    assert [(p.path, p.code, p.scope) for p in run.seen.errors] == [("a", "EACCES", Scope.SOURCE)]
    assert set(zone.files(f"{_HOME}/x")) == {name for name in sample_files if not name.startswith("a/")}


def test_an_object_without_checksum_is_compared_and_downloaded(
    run_sync: RunSync, local: LocalTree, faulty: Faulty, sample: Path, sample_files: Files, tmp_path: Path
) -> None:
    """The server computes what is missing; where it won't, size has to do, and nothing fails."""
    run_sync(local, str(sample), faulty, f"{_HOME}/x")
    for node in faulty.nodes.values():
        node.checksum = None
    again = run_sync(local, str(sample), faulty, f"{_HOME}/x")
    assert set(again.seen.outcomes().values()) == {"skipped"}
    faulty.nodes[f"{_HOME}/x/a.txt"].checksum = None
    faulty.faults = {"checksum:a.txt": 9}
    down = run_sync(faulty, f"{_HOME}/x", local, str(tmp_path / "back"))
    assert down.code is ExitCode.COMPLETE
    assert _files(tmp_path / "back") == sample_files


def test_bytes_that_changed_on_their_way_never_get_the_final_name(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """A download whose hash isn't the catalogue's fails, leaves the old file and no temporary one."""
    zone.put(f"{_HOME}/f", b"right")
    zone.nodes[f"{_HOME}/f"].checksum = checksum_of(b"other", "sha2")
    (tmp_path / "f").write_bytes(b"old")
    run = run_sync(zone, f"{_HOME}/f", local, str(tmp_path))
    assert run.code is ExitCode.PARTIAL
    assert run.end.failures[0].code == "CHECKSUM_MISMATCH"
    assert _files(tmp_path) == {"f": b"old"}


def test_a_big_file_is_copied_in_ranges_by_several_threads(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """Many ranges, both ways, verified, with small files beside them."""
    (tmp_path / "s").mkdir()
    data = os.urandom(1024 * 1024) * 70 + b"tail"
    (tmp_path / "s/big").write_bytes(data)
    for number in range(50):
        (tmp_path / f"s/{number}").write_bytes(bytes([number]))
    up = run_sync(local, str(tmp_path / "s"), zone, f"{_HOME}/x")
    assert up.code is ExitCode.COMPLETE
    assert up.end.totals.bytes_transferred == len(data) + 50
    assert zone.files(f"{_HOME}/x")["big"] == data
    down = run_sync(zone, f"{_HOME}/x", local, str(tmp_path / "back"))
    assert down.code is ExitCode.COMPLETE
    assert (tmp_path / "back/big").read_bytes() == data


def test_a_dry_run_says_what_a_run_then_does(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, sample: Path
) -> None:
    """The planned files are those that are transferred, and the dry run itself changes nothing."""
    zone.put(f"{_HOME}/x/a.txt", b"a")
    zone.put(f"{_HOME}/x/.hidden", b"H")
    before = dict(zone.nodes)
    dry = run_sync(local, str(sample), zone, f"{_HOME}/x", SyncRules(dry_run=True))
    assert dry.code is ExitCode.COMPLETE
    assert zone.nodes == before
    run = run_sync(local, str(sample), zone, f"{_HOME}/x")
    assert dry.seen.paths(Outcome.PLANNED) == run.seen.paths(Outcome.TRANSFERRED)
    assert dry.seen.paths(Outcome.SKIPPED) == run.seen.paths(Outcome.SKIPPED) == ["a.txt"]
    assert dry.end.totals.bytes_total == run.end.totals.bytes_total
    made = {
        path.removeprefix(f"{_HOME}/x/") for path in set(zone.nodes) - set(before) if path.startswith(f"{_HOME}/x/")
    }
    assert dry.seen.folders == {path: "planned" for path in made if zone.nodes[f"{_HOME}/x/{path}"].kind is Kind.FOLDER}


def test_a_dry_run_knows_what_a_run_would_fail_at(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, sample: Path
) -> None:
    """A file where a folder should go: the same exit code, failures and errors, and nothing is made."""
    zone.put(f"{_HOME}/x/a", b"in the way")
    before = dict(zone.nodes)
    dry = run_sync(local, str(sample), zone, f"{_HOME}/x", SyncRules(dry_run=True))
    assert zone.nodes == before
    run = run_sync(local, str(sample), zone, f"{_HOME}/x")
    assert dry.code is run.code is ExitCode.PARTIAL
    assert dry.seen.paths(Outcome.FAILED) == run.seen.paths(Outcome.FAILED) == ["a/b.txt", "a/c/deep.bin"]
    assert dry.seen.paths(Outcome.PLANNED) == run.seen.paths(Outcome.TRANSFERRED)
    assert {(p.path, p.code) for p in dry.seen.errors} == {(p.path, p.code) for p in run.seen.errors}


def test_a_file_that_changes_while_it_is_read_is_not_stored_as_good(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again when it rests; what is stored at the end is what the file holds."""
    file = tmp_path / "f"
    file.write_bytes(b"before")
    real = zone.open_writer
    calls = 0

    def change(path: str, incoming: Incoming) -> Writer:
        nonlocal calls
        calls += 1
        if calls == 1:
            file.write_bytes(b"after all")
        return real(path, incoming)

    monkeypatch.setattr(MemoryTree, "open_writer", lambda _self, path, incoming: change(path, incoming))
    run = run_sync(local, str(file), zone, _HOME)
    assert run.code is ExitCode.COMPLETE
    assert calls == 2
    assert zone.files(_HOME) == {"f": b"after all"}
    assert run.end.totals.bytes_total == run.end.totals.bytes_transferred == 9


def test_a_stopped_run_begins_no_new_file_and_leaves_no_half_one(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """Interrupted in the middle: what is there is whole, temporary files are gone, threads have ended."""
    for number in range(300):
        zone.put(f"{_HOME}/x/{number:03}", bytes([number % 256]) * 5000)
    stop = StopFlag()
    threading.Timer(0.05, stop.interrupt).start()
    run = run_sync(zone, f"{_HOME}/x", local, str(tmp_path / "back"), SyncRules(connections=2), stop)
    found = _files(tmp_path / "back") if (tmp_path / "back").exists() else {}
    assert run.threads == 0
    assert all(data == zone.files(f"{_HOME}/x")[name] for name, data in found.items())
    if len(found) < 300:
        assert run.code is ExitCode.INTERRUPTED
        again = run_sync(zone, f"{_HOME}/x", local, str(tmp_path / "back"))
        assert again.code is ExitCode.COMPLETE
        assert len(_files(tmp_path / "back")) == 300
