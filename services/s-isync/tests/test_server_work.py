"""What a run says while it waits for work of the server's own."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from s_isync.backends.irods import ZoneTree
from s_isync.backends.local import LocalTree
from s_isync.exit_codes import ExitCode
from s_isync.zone_settings import ZoneSettings
from stager_sandbox.zone import Zone

RunSync = Callable[..., Any]
_SIZE = 6_000_000
_PATIENCE = 20.0  # seconds for any answer


@pytest.mark.parametrize(
    ("call", "within"),
    [("DATA_OBJ_CHKSUM", False), ("DATA_OBJ_CHKSUM", True), ("DATA_OBJ_COPY", True)],
    ids=["checksum of an upload", "checksum of a copy", "copy"],
)
def test_a_watcher_is_told_how_long_a_server_may_be_at_work(
    run_sync: RunSync,
    zone_of_faults: Zone,
    settings_of_faults: ZoneSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    *,
    within: bool,
) -> None:
    """It counts down while no count changes, from what the size of the object allows for."""
    monkeypatch.setattr("s_isync.backends.irods_connection._LONG_WORK", _SIZE)
    (tmp_path / "big").write_bytes(os.urandom(_SIZE))
    tree = ZoneTree(settings_of_faults, _PATIENCE)
    home = f"/{settings_of_faults.zone}/home/alice/{uuid4()}"
    tree.make_folder(home)
    if within:
        assert run_sync(LocalTree(), str(tmp_path / "big"), tree, home).code is ExitCode.COMPLETE
    zone_of_faults.faults.add(on=call, delay=1.5)
    if within:
        run = run_sync(tree, f"{home}/big", tree, f"{home}/copy")
    else:
        run = run_sync(LocalTree(), str(tmp_path / "big"), tree, home)
    tree.close()
    assert run.code is ExitCode.COMPLETE, run.end.failures
    told = [seconds for seconds in run.seen.working if seconds is not None]
    assert len(told) >= 4
    assert told[0] > told[-1]
    assert _PATIENCE < told[0] <= _PATIENCE + 2 * _SIZE / 5_000_000
    assert run.seen.working[-1] is None
