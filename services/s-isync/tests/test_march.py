"""Two scans in lock step, and the order they share."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from s_isync.backends.local import LocalTree
from s_isync.entry import Entry, Kind, sort_key
from s_isync.march import march
from s_isync.spill_sort import spill_sorted

_names = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=3)
_paths = st.lists(_names, min_size=1, max_size=4).map("/".join)


def _entries(paths: set[str]) -> list[Entry]:
    return [Entry(path, Kind.FILE) for path in paths]


@given(st.sets(_paths), st.sets(_paths))
def test_march_pairs_equal_paths_and_loses_none(left: set[str], right: set[str]) -> None:
    """Every path of either side comes once, with both entries where both sides have it."""
    pairs = list(march(spill_sorted(_entries(left)), spill_sorted(_entries(right))))
    seen = {(pair[0] or pair[1]).path for pair in pairs if pair[0] or pair[1]}  # type: ignore[union-attr]
    assert seen == left | right
    assert len(pairs) == len(seen)
    assert {a.path for a, b in pairs if a and b} == left & right


@given(st.lists(_paths, unique=True))
def test_spilled_runs_merge_into_the_order_of_one_sort(paths: list[str]) -> None:
    """Sorting in runs of three through a file gives what sorting at once gives, whole entries included."""
    entries = [
        Entry(path, Kind.FILE, size, size * 7, f"sha2:{size}" if size % 2 else None, good=size % 3 == 0)
        for size, path in enumerate(paths)
    ]
    expected = sorted(entries, key=lambda entry: sort_key(entry.path))
    assert list(spill_sorted(entries, run_length=3)) == expected


def test_a_folder_comes_right_before_what_it_holds() -> None:
    """Names that sort between a folder and its slash don't come between."""
    paths = ["a", "a/b", "a/b/c", "a!", "a-b", "a.txt"]
    assert sorted(["a.txt", "a-b", "a/b/c", "a!", "a", "a/b"], key=sort_key) == paths


def test_a_local_scan_is_in_the_shared_order(tmp_path: Path) -> None:
    """What the file system gives in any order comes out as `sort_key` says, bytes that are no UTF-8 included."""
    for name in ("a.txt", "a-b", "a/z", "a/b/c", "b"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a" / "bad\udcff").touch()
    paths = [entry.path for entry in LocalTree().scan(str(tmp_path), _no_problem)]
    assert paths == sorted(paths, key=sort_key)
    assert set(paths) == {"a", "a.txt", "a-b", "a/z", "a/b", "a/b/c", "b", "a/bad\udcff"}


def _no_problem(path: str, error: Exception) -> None:
    raise AssertionError(f"{path}: {error}")
