"""Zones whose checksums are of another scheme than the client's settings say."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from s_isync.backends.irods import ZoneTree
from s_isync.backends.irods_big_writer import BigZoneWriter
from s_isync.backends.local import LocalTree
from s_isync.exit_codes import ExitCode
from s_isync.operations.ranged_copy import RANGE_SIZE
from s_isync.reporter import Outcome
from s_isync.retry import Retry
from s_isync.rules import SyncRules
from s_isync.zone_settings import ZoneSettings
from stager_sandbox.zone import Zone

RunSync = Callable[..., Any]


@pytest.fixture
def md5_zone() -> Iterator[Zone]:
    """One whose server computes MD5."""
    with Zone({"alice": "secret"}, checksum_scheme="md5") as running:
        yield running


def _tree(zone: Zone) -> ZoneTree:
    return ZoneTree(
        ZoneSettings(zone.host, zone.port, zone.zone_name, "alice", "secret", client_server_policy="CS_NEG_REFUSE")
    )


@pytest.mark.parametrize("existing", [False, True], ids=["new", "overwrite"])
def test_big_files_are_verified_in_the_scheme_that_the_zone_shows(
    run_sync: RunSync, md5_zone: Zone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, existing: bool
) -> None:
    """Nobody has told the client: the first file is sent twice, the others once; then nothing is left to do."""
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
    run = run_sync(LocalTree(), str(source), tree, home, SyncRules(connections=1, retry=Retry(1, 0.01)))
    assert run.code is ExitCode.COMPLETE
    assert commits == 4
    assert all(len(result.checksum or "") == 32 for result in run.seen.files)
    again = run_sync(LocalTree(), str(source), tree, home)
    tree.close()
    assert again.seen.paths(Outcome.SKIPPED) == ["a", "b", "c"]
