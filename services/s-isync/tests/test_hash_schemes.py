"""Zones whose checksums are of another scheme than the client's settings say."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from plain_zone import settings_of
from s_isync.backends.irods import ZoneTree
from s_isync.backends.irods_big_writer import BigZoneWriter
from s_isync.backends.local import LocalTree
from s_isync.checksums import checksum_of, scheme_of
from s_isync.exit_codes import ExitCode
from s_isync.operations.ranged_copy import RANGE_SIZE
from s_isync.reporter import Outcome
from s_isync.retry import Retry
from s_isync.rules import SyncRules
from stager_sandbox.zone import Zone

RunSync = Callable[..., Any]


@pytest.fixture
def md5_zone() -> Iterator[Zone]:
    """One whose server computes MD5."""
    with Zone({"alice": "secret"}, checksum_scheme="md5") as running:
        yield running


def _tree(zone: Zone) -> ZoneTree:
    return ZoneTree(settings_of(zone))


@pytest.mark.parametrize("existing", [False, True], ids=["new", "overwrite"])
def test_big_files_are_verified_in_the_scheme_that_the_zone_shows(
    run_sync: RunSync, md5_zone: Zone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, existing: bool
) -> None:
    """Nobody has told the client: the first file is verified in a scheme of the client's, the others in the zone's."""
    source = tmp_path / "s"
    source.mkdir()
    home = f"/{md5_zone.zone_name}/home/alice/x"
    md5_zone.files.make_collection("alice", home)
    for name in "abc":
        (source / name).write_bytes(os.urandom(RANGE_SIZE + 7))
        if existing:
            with md5_zone.files.write("alice", f"{home}/{name}") as stream:
                stream.write(b"old bytes")
    commits = 0
    real = BigZoneWriter.commit

    def counted(self: BigZoneWriter, checksum: str) -> str | None:
        nonlocal commits
        commits += 1
        return real(self, checksum)

    monkeypatch.setattr(BigZoneWriter, "commit", counted)
    tree = _tree(md5_zone)
    run = run_sync(LocalTree(), str(source), tree, home, SyncRules(connections=1, retry=Retry(0)))
    assert run.code is ExitCode.COMPLETE
    assert commits == 3
    kept = [scheme_of(result.checksum) for result in run.seen.files]
    assert kept == [scheme_of(md5_zone.files.checksum("alice", f"{home}/{name}")) for name in "abc"]
    assert kept == ["sha2", "md5", "md5"]
    again = run_sync(LocalTree(), str(source), tree, home)
    tree.close()
    assert again.seen.paths(Outcome.SKIPPED) == ["a", "b", "c"]


@pytest.mark.parametrize("existing", [False, True], ids=["new", "overwrite"])
def test_a_big_file_that_arrives_damaged_is_found_in_any_scheme(
    run_sync: RunSync, md5_zone: Zone, tmp_path: Path, *, existing: bool
) -> None:
    """Nothing stays of it, or what was there before."""
    (tmp_path / "f").write_bytes(os.urandom(RANGE_SIZE + 7))
    home = f"/{md5_zone.zone_name}/home/alice"
    if existing:
        with md5_zone.files.write("alice", f"{home}/f") as stream:
            stream.write(b"old bytes")
    md5_zone.faults.add(wrong_checksum=True, path=f"{home}/f", times=2)
    tree = _tree(md5_zone)
    run = run_sync(LocalTree(), str(tmp_path / "f"), tree, home, SyncRules(connections=1, retry=Retry(0)))
    tree.close()
    assert [problem.code for problem in run.end.failures] == ["USER_CHKSUM_MISMATCH"]
    found = [(entry.name, entry.size, entry.status) for entry in md5_zone.files.list("alice", home)]
    assert found == ([("f", len(b"old bytes"), 1)] if existing else [])


def test_a_copy_within_a_zone_has_a_checksum_that_compares_with_its_source(run_sync: RunSync, md5_zone: Zone) -> None:
    """The source's is of a scheme that the zone has given up: the copy is verified by it, and not made again."""
    home = f"/{md5_zone.zone_name}/home/alice"
    md5_zone.files.make_collection("alice", f"{home}/a")
    old = checksum_of(b"bytes", "sha2")
    with md5_zone.files.write("alice", f"{home}/a/f") as stream:
        stream.write(b"bytes")
    md5_zone.damage.checksum(f"{home}/a/f", old)
    tree = _tree(md5_zone)
    first, second = (run_sync(tree, f"{home}/a", tree, f"{home}/b") for _ in "12")
    assert [run.seen.outcomes() for run in (first, second)] == [{"f": "transferred"}, {"f": "skipped"}]
    assert md5_zone.files.checksum("alice", f"{home}/a/f") == old
    md5_zone.damage.checksum(f"{home}/a/f", checksum_of(b"others", "sha2"))
    third = run_sync(tree, f"{home}/a", tree, f"{home}/c", SyncRules(retry=Retry(0)))
    tree.close()
    assert [problem.code for problem in third.end.failures] == ["USER_CHKSUM_MISMATCH"]
    assert not list(md5_zone.files.list("alice", f"{home}/c"))
