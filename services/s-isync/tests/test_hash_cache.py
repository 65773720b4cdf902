"""What is remembered of files that were hashed before."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from s_isync.backends.hash_cache import HashCache
from s_isync.backends.local import LocalTree
from s_isync.backends.memory import MemoryTree
from s_isync.exit_codes import ExitCode
from s_isync.tree import Incoming, Writer

RunSync = Callable[..., Any]
_HOME = "/zone/home"


@pytest.fixture(autouse=True)
def _grown_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a test are old enough at once."""
    monkeypatch.setattr("s_isync.backends.hash_cache._RACY_NS", 0)


def _checked(run_sync: RunSync, source: Path, zone: MemoryTree, place: Path) -> int:
    """The bytes that a run with the cache there has to hash."""
    tree = LocalTree(cache=HashCache(place))
    run = run_sync(tree, str(source), zone, f"{_HOME}/x")
    tree.close()
    assert run.code is ExitCode.COMPLETE
    return int(run.end.totals.bytes_checked)


def test_a_further_run_hashes_only_what_has_changed(run_sync: RunSync, zone: MemoryTree, tmp_path: Path) -> None:
    """After an upload nothing is read again; a file of the same size with other bytes is."""
    source = tmp_path / "s"
    source.mkdir()
    for number in range(5):
        (source / f"{number}").write_bytes(bytes([number]) * 1000)
    place = tmp_path / "cache/hashes"
    assert _checked(run_sync, source, zone, place) == 0
    assert _checked(run_sync, source, zone, place) == 0
    (source / "3").write_bytes(b"z" * 1000)
    assert _checked(run_sync, source, zone, place) == 1000
    assert zone.files(f"{_HOME}/x")["3"] == b"z" * 1000
    os.utime(source / "4", (1, 1))
    assert _checked(run_sync, source, zone, place) == 1000


def test_a_file_too_young_is_not_remembered(
    run_sync: RunSync, zone: MemoryTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It might change once more without its time moving."""
    monkeypatch.setattr("s_isync.backends.hash_cache._RACY_NS", 3600 * 10**9)
    (tmp_path / "s").mkdir()
    (tmp_path / "s/f").write_bytes(b"x" * 100)
    assert _checked(run_sync, tmp_path / "s", zone, tmp_path / "hashes") == 0
    assert _checked(run_sync, tmp_path / "s", zone, tmp_path / "hashes") == 100


def test_what_is_put_in_place_of_a_file_while_it_is_sent_is_not_taken_for_it(
    run_sync: RunSync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another file of the same name, size and time: the next run finds that its bytes differ."""
    (tmp_path / "s").mkdir()
    file, other = tmp_path / "s/f", tmp_path / "other"
    file.write_bytes(b"x" * 100)
    other.write_bytes(b"y" * 100)
    for path in (file, other):
        os.utime(path, (1_500_000_000, 1_500_000_000))
    real = MemoryTree.open_writer

    def swap(self: MemoryTree, path: str, incoming: Incoming) -> Writer:
        if other.exists():
            other.rename(file)
        return real(self, path, incoming)

    monkeypatch.setattr(MemoryTree, "open_writer", swap)
    zone = MemoryTree("sha2")
    zone.make_folder(_HOME)
    assert _checked(run_sync, tmp_path / "s", zone, tmp_path / "hashes") == 0
    assert zone.files(f"{_HOME}/x") == {"f": b"x" * 100}
    assert _checked(run_sync, tmp_path / "s", zone, tmp_path / "hashes") == 100
    assert zone.files(f"{_HOME}/x") == {"f": b"y" * 100}


@pytest.mark.parametrize("damage", ["garbage", "folder"])
def test_a_cache_that_does_not_work_does_no_harm(
    run_sync: RunSync, zone: MemoryTree, tmp_path: Path, damage: str
) -> None:
    """Files are read then."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s/f").write_bytes(b"x" * 100)
    place = tmp_path / "hashes"
    if damage == "garbage":
        place.write_bytes(b"no database" * 500)
    else:
        place.mkdir()
    assert _checked(run_sync, tmp_path / "s", zone, place) == 0
    assert _checked(run_sync, tmp_path / "s", zone, place) == 100


def test_two_runs_may_use_it_at_once(tmp_path: Path) -> None:
    """What one has written the other finds."""
    file = tmp_path / "f"
    file.write_bytes(b"x")
    first, second = (LocalTree(cache=HashCache(tmp_path / "hashes")) for _ in range(2))
    for tree in (first, second):
        tree.checksum(str(file), "sha2", lambda _: None)
    first.close()
    second.close()
    read: list[int] = []
    third = LocalTree(cache=HashCache(tmp_path / "hashes"))
    third.checksum(str(file), "sha2", read.append)
    third.checksum(str(file), "md5", read.append)
    third.close()
    assert read == [1]
