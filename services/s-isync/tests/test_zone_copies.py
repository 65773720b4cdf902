"""From a zone to the same zone: its server copies, and nothing passes through here."""

from collections.abc import Callable, Iterator
from pathlib import Path
from ssl import SSLContext
from typing import Any
from uuid import uuid4

import pytest
from s_isync.backends.irods import ZoneTree
from s_isync.backends.irods_health import Health
from s_isync.backends.local import LocalTree
from s_isync.exit_codes import ExitCode
from s_isync.reporter import Outcome
from s_isync.rules import SyncRules
from s_isync.zone_settings import ZoneSettings

RunSync = Callable[..., Any]


@pytest.fixture
def tree(server: ZoneSettings) -> Iterator[ZoneTree]:
    """The zone."""
    opened = ZoneTree(server)
    yield opened
    opened.close()


@pytest.fixture
def home(tree: ZoneTree) -> str:
    """An empty collection."""
    path = f"/{tree.sessions.settings.zone}/home/{tree.sessions.settings.user}/{uuid4()}"
    tree.make_folder(path)
    return path


def test_a_tree_is_copied_kept_up_to_date_and_verified(
    run_sync: RunSync, tree: ZoneTree, home: str, sample: Path, sample_files: dict[str, bytes], tmp_path: Path
) -> None:
    """New objects, changed ones, times; a second run moves nothing."""
    (sample / "big").write_bytes(b"0123456789" * 900_000)
    run_sync(LocalTree(), str(sample), tree, f"{home}/a")
    first = run_sync(tree, f"{home}/a", tree, f"{home}/b")
    assert first.code is ExitCode.COMPLETE
    assert len(first.seen.paths(Outcome.TRANSFERRED)) == len(sample_files) + 1
    assert all((result.checksum or "").startswith("sha2:") for result in first.seen.files)
    (sample / "a.txt").write_bytes(b"A")
    run_sync(LocalTree(), str(sample), tree, f"{home}/a")
    second = run_sync(tree, f"{home}/a", tree, f"{home}/b")
    assert second.seen.paths(Outcome.TRANSFERRED) == ["a.txt"]
    third = run_sync(tree, f"{home}/a", tree, f"{home}/b")
    assert (third.code, third.end.totals.bytes_transferred) == (ExitCode.COMPLETE, 0)
    one, other = (list(tree.scan(f"{home}/{side}", lambda *_: None)) for side in "ab")
    assert one == other  # times and checksums, too, and no kept copies
    back = run_sync(tree, f"{home}/b", LocalTree(), str(tmp_path / "back"))
    assert back.code is ExitCode.COMPLETE
    assert (tmp_path / "back/a.txt").read_bytes() == b"A"


def test_one_object_lands_by_the_directory_rules(run_sync: RunSync, tree: ZoneTree, home: str, tmp_path: Path) -> None:
    """Under another name, beside itself."""
    (tmp_path / "f").write_bytes(b"f")
    run_sync(LocalTree(), str(tmp_path / "f"), tree, home)
    assert run_sync(tree, f"{home}/f", tree, f"{home}/g").code is ExitCode.COMPLETE
    assert [entry.path for entry in tree.scan(home, lambda *_: None)] == ["f", "g"]


def test_metadata_is_given_to_what_is_stored(
    run_sync: RunSync, tree: ZoneTree, server: ZoneSettings, home: str, tmp_path: Path
) -> None:
    """Small, big and copied objects; an overwrite replaces the value."""
    from irods.session import iRODSSession

    source = tmp_path / "s"
    source.mkdir()
    (source / "small").write_bytes(b"s")
    (source / "big").write_bytes(bytes(5_000_000))
    rules = SyncRules(metadata=(("subject", "7", "n"), ("site", "it's & more", "")))
    run_sync(LocalTree(), str(source), tree, f"{home}/a", rules)
    (source / "small").write_bytes(b"S")
    run_sync(LocalTree(), str(source), tree, f"{home}/a", rules)
    run_sync(tree, f"{home}/a", tree, f"{home}/b", rules)
    with iRODSSession(
        host=server.host, port=server.port, user=server.user, password=server.password, zone=server.zone
    ) as session:
        for path in ("a/small", "a/big", "b/small"):
            found = session.data_objects.get(f"{home}/{path}").metadata.items()
            assert sorted((item.name, item.value, item.units or "") for item in found) == [
                ("site", "it's & more", ""),
                ("subject", "7", "n"),
            ]


def test_connections_are_recycled(
    run_sync: RunSync, tree: ZoneTree, home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a number of requests a thread says goodbye and logs in anew; nothing is lost by it."""
    from s_isync.backends.irods_connection import ZoneConnection

    monkeypatch.setattr("s_isync.backends.irods_sessions._RECYCLE_AFTER", 40)
    opened = 0
    real = ZoneConnection.__init__

    def counted(
        self: ZoneConnection, settings: ZoneSettings, context: SSLContext | None, timeout: float, health: Health
    ) -> None:
        nonlocal opened
        opened += 1
        real(self, settings, context, timeout, health)

    monkeypatch.setattr(ZoneConnection, "__init__", counted)
    (tmp_path / "s").mkdir()
    for number in range(60):
        (tmp_path / f"s/{number}").write_bytes(b"x")
    run = run_sync(LocalTree(), str(tmp_path / "s"), tree, f"{home}/x", SyncRules(connections=1))
    assert run.code is ExitCode.COMPLETE
    assert opened >= 6
