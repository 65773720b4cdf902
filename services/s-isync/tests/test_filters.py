"""Which names take part."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from s_isync.backends.local import LocalTree
from s_isync.backends.memory import MemoryTree
from s_isync.exit_codes import ExitCode
from s_isync.filters import Filter, listed, rule
from s_isync.rules import SyncRules

RunSync = Callable[..., Any]
_HOME = "/zone/home"


@pytest.mark.parametrize(
    ("pattern", "path", "folder", "matches"),
    [
        ("*.tmp", "a/b/x.tmp", False, True),
        ("*.tmp", "a/x.tmp/y", False, False),
        ("/a", "a", False, True),
        ("/a", "b/a", False, False),
        ("a/b", "x/a/b", False, True),
        ("a*c", "a/c", False, False),
        ("a/**/c", "a/x/y/c", False, True),
        ("a/**/c", "a/c", False, False),
        ("**/c", "c", False, True),
        ("/**/c", "c", False, False),
        ("**c", "a/bc", False, True),
        ("sub/***", "sub", True, True),
        ("sub/***", "a/sub/x/y", False, True),
        ("sub/***", "sub", False, False),
        ("[[:digit:]a]", "7", False, True),
        ("[[:digit:]a]", "b", False, False),
        ("[]x]", "]", False, True),
        ("[a-c]", "b", False, True),
        ("[!a]", "/", False, False),
        ("[^/]*.t", "a/b.t", False, True),
        ("[ab", "a", False, False),
        ("[[:nonsense:]]", "n", False, False),
        (r"a\b", r"a\b", False, True),
        (r"a\b*", "ab", False, True),
        ("a/**", "a/x/y", False, True),
        ("sub/", "sub", True, True),
        ("sub/", "sub", False, False),
        ("file[0-9]", "file7", False, True),
        ("file[!0-9]", "file7", False, False),
        ("what?", "what/", False, False),
        (r"\*", "*", False, True),
        ("a.b", "axb", False, False),
        ("line*", "line\nbreak", False, True),
    ],
)
def test_patterns(pattern: str, path: str, folder: bool, matches: bool) -> None:
    """As rsync reads them."""
    chosen = Filter((rule(pattern, include=False),))
    assert chosen.wants(path, folder=folder) is not matches


def test_the_first_pattern_that_matches_decides() -> None:
    """An include before an exclude makes an exception."""
    rules = (rule("*.keep", include=True), rule("*", include=False))
    assert Filter(rules).wants("a.keep", folder=False)
    assert not Filter(rules).wants("a", folder=False)
    assert Filter().wants("a", folder=False)


@pytest.mark.parametrize("pattern", ["", "/", "//"])
def test_a_pattern_that_names_nothing_is_refused(pattern: str) -> None:
    """With a sentence."""
    with pytest.raises(ValueError, match="names nothing"):
        rule(pattern, include=True)


def test_a_listed_path_that_does_not_exist_is_an_error(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """It makes the run partial and is named; what a pattern leaves out is no error, and neither is a comment."""
    for name in ("s/here", "s/#here", "s/out/there.tmp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    names = ["here", "#here", "gone", "out/there.tmp", "out/gone", "# what a person notes"]
    chosen = listed(names, (rule("*.tmp", include=False),))
    run = run_sync(local, str(tmp_path / "s"), zone, f"{_HOME}/x", SyncRules(filter=chosen))
    assert run.code is ExitCode.PARTIAL
    assert sorted(problem.path for problem in run.seen.errors) == ["gone", "out/gone"]
    assert sorted(zone.files(f"{_HOME}/x")) == ["#here", "here"]


def test_patterns_hold_for_a_single_file_too(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """As with rsync, a file that is named and excluded stays where it is."""
    (tmp_path / "a.tmp").write_bytes(b"x")
    chosen = Filter((rule("*.tmp", include=False),))
    run = run_sync(local, str(tmp_path / "a.tmp"), zone, _HOME, SyncRules(filter=chosen))
    assert (run.code, zone.files(_HOME)) == (ExitCode.COMPLETE, {})


def test_listed_paths_take_part_with_what_is_below_and_above_them() -> None:
    """Other names don't, and none leads out of the source."""
    chosen = listed(["a/b", "./c/"])
    assert chosen.wants("a", folder=True)
    assert chosen.wants("a/b/deep/er", folder=False)
    assert chosen.wants("c", folder=True)
    assert not chosen.wants("a", folder=False)
    assert not chosen.wants("a/x", folder=False)
    assert not chosen.wants("d", folder=True)
    for bad in ("../x", "/etc/passwd"):
        with pytest.raises(ValueError, match="relative"):
            listed([bad])


def test_what_is_left_out_is_neither_copied_nor_deleted_nor_looked_into(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path
) -> None:
    """Both sides pass through the same filter, up and down."""
    for name in ("keep/a", "keep/b.tmp", "skip/c"):
        (tmp_path / "s" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "s" / name).write_bytes(b"x")
    zone.put(f"{_HOME}/x/skip/old", b"old")
    zone.put(f"{_HOME}/x/keep/old.tmp", b"old")
    zone.put(f"{_HOME}/x/keep/gone", b"old")
    chosen = Filter((rule("*.tmp", include=False), rule("/skip/", include=False)))
    run = run_sync(local, str(tmp_path / "s"), zone, f"{_HOME}/x", SyncRules(filter=chosen, delete=True))
    assert run.code is ExitCode.COMPLETE
    assert sorted(zone.files(f"{_HOME}/x")) == ["keep/a", "keep/old.tmp", "skip/old"]
    down = run_sync(zone, f"{_HOME}/x", local, str(tmp_path / "back"), SyncRules(filter=chosen))
    assert down.seen.outcomes() == {"keep/a": "transferred"}
    assert not (tmp_path / "back/skip").exists()
