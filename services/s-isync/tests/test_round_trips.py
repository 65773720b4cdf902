"""Random trees go to a zone and come back the same."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from s_isync.backends.irods import ZoneTree
from s_isync.backends.local import LocalTree
from s_isync.backends.memory import MemoryTree
from s_isync.errors import ErrorClass
from s_isync.exit_codes import ExitCode
from s_isync.rules import SyncRules
from s_isync.zone_settings import ZoneSettings

RunSync = Callable[..., Any]

_ODD = "'\"`&<>%_|\\*?[]{}();:!#$~^ +=,.-\t\n\r\x01\x7fäøß台ñ🙂"
_NAMES = (
    st.text(st.sampled_from("ab" + _ODD), min_size=1, max_size=12)
    .filter(lambda name: name not in {".", ".."} and not name.startswith(".s-isync-"))
    .filter(lambda name: "||" not in name and "&&" not in name)  # behind an apostrophe these are refused
    .map(lambda name: name[:40])
)
_FILES = st.binary(max_size=3000)
_TREES = st.recursive(
    st.dictionaries(_NAMES, _FILES, max_size=4),
    lambda inner: st.dictionaries(_NAMES, st.one_of(_FILES, inner), max_size=4),
    max_leaves=12,
)
_Tree = dict[str, Any]


@pytest.fixture(scope="module")
def zone_tree(server: ZoneSettings) -> Iterator[ZoneTree]:
    """The zone."""
    opened = ZoneTree(server)
    yield opened
    opened.close()


def _grow(root: Path, tree: _Tree) -> None:
    root.mkdir()
    for name, content in tree.items():
        if isinstance(content, bytes):
            (root / name).write_bytes(content)
            os.utime(root / name, (1_600_000_000, 1_600_000_000 + len(content)))
        else:
            _grow(root / name, content)


def _seen(root: Path) -> dict[str, tuple[bytes, int] | None]:
    return {
        str(path.relative_to(root)): (path.read_bytes(), int(path.stat().st_mtime)) if path.is_file() else None
        for path in root.rglob("*")
    }


@given(tree=_TREES, bundle=st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tree_comes_back_as_it_was(run_sync: RunSync, zone_tree: ZoneTree, tree: _Tree, bundle: bool) -> None:
    """Names, bytes, times in seconds, empty files and folders; then nothing is left to do, either way."""
    session = zone_tree.sessions.settings
    home = f"/{session.zone}/home/{session.user}/{uuid4()}"
    with tempfile.TemporaryDirectory() as scratch:
        source, back = Path(scratch) / "source", Path(scratch) / "back"
        _grow(source, tree)
        up = run_sync(LocalTree(), str(source), zone_tree, home, SyncRules(bundle=bundle, connections=3))
        assert up.code is ExitCode.COMPLETE, up.end.failures
        down = run_sync(zone_tree, home, LocalTree(), str(back))
        assert down.code is ExitCode.COMPLETE, down.end.failures
        assert _seen(back) == _seen(source)
        for run in (
            run_sync(LocalTree(), str(source), zone_tree, home),
            run_sync(zone_tree, home, LocalTree(), str(back)),
        ):
            assert run.code is ExitCode.COMPLETE
            assert run.end.totals.bytes_transferred == 0
            assert run.end.totals.files_skipped == run.end.totals.files_total


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="reads as somebody else, so it needs root")
@given(tree=_TREES, data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_cannot_be_read_is_told_and_the_rest_is_moved(run_sync: RunSync, tree: _Tree, data: st.DataObject) -> None:
    """Unreadable files and folders, links: each is told once, the run is partial only where something is missing."""
    zone = MemoryTree("sha2")  # a real one would run with this process's identity
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        source = Path(scratch) / "source"
        _grow(source, tree)
        everything = sorted(source.rglob("*"))
        shut = [path for path in everything if data.draw(st.integers(0, 3)) == 0]
        whole = _seen(source)
        (source / "a link").symlink_to("/etc/hostname")
        for path in reversed(shut):
            path.chmod(0)
        os.seteuid(65534)
        try:
            run = run_sync(LocalTree(), str(source), zone, "/x", SyncRules(connections=3))
        finally:
            os.seteuid(0)
        hidden = {str(path.relative_to(source)) for path in shut}
        lost = {name for name in whole if any(name == path or name.startswith(f"{path}/") for path in hidden)}
        assert run.code is (ExitCode.PARTIAL if lost else ExitCode.COMPLETE)
        stored = {entry.path for entry in zone.scan("/x", lambda *_: None)}
        assert {name for name, content in whole.items() if content is not None} - lost <= stored
        assert not {name for name in lost if whole[name] is not None} & stored
        assert [e.path for e in run.seen.errors if e.error_class is ErrorClass.SKIPPED] == ["a link"]
        for path in shut:
            path.chmod(0o700)
