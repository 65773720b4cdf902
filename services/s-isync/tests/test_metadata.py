"""What is stored has the AVUs that it was to have, or the run says that it hasn't."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from irods.session import iRODSSession
from s_isync.backends.irods import ZoneTree
from s_isync.backends.local import LocalTree
from s_isync.errors import Phase
from s_isync.exit_codes import ExitCode
from s_isync.options import parse_options
from s_isync.retry import Retry
from s_isync.rules import SyncRules
from s_isync.zone_settings import ZoneSettings
from stager_sandbox.zone import Zone

RunSync = Callable[..., Any]
_AVUS = (("k", "1", ""), ("k", "2", "m"), ("other", "3", ""))
_RULES = SyncRules(metadata=_AVUS, retry=Retry(3, 0.01), connections=1)
_WAYS = pytest.mark.parametrize("way", ["small", "big", "copy"])


@pytest.fixture
def tree(settings_of_faults: ZoneSettings) -> Iterator[ZoneTree]:
    """The zone as s-isync sees it."""
    opened = ZoneTree(settings_of_faults)
    yield opened
    opened.close()


@pytest.fixture
def store(run_sync: RunSync, tree: ZoneTree, tmp_path: Path) -> Callable[..., Any]:
    """Bring a file to a path of the zone, one way or the other."""
    file = tmp_path / "f"

    def run(way: str, target: str) -> Any:  # noqa: ANN401 - as the fixture
        if not file.exists():
            file.write_bytes(os.urandom(5_000_000 if way == "big" else 500))
            os.utime(file, (1_500_000_000, 1_500_000_000))
        if way != "copy":
            return run_sync(LocalTree(), str(file), tree, target, _RULES)
        if tree.stat(f"{target}.source") is None:
            run_sync(LocalTree(), str(file), tree, f"{target}.source")
        return run_sync(tree, f"{target}.source", tree, target, _RULES)

    return run


@pytest.fixture
def target(tree: ZoneTree) -> str:
    """A path at which nothing is."""
    return f"/{tree.sessions.settings.zone}/home/alice/{uuid4()}"


def _look(zone: Zone, path: str) -> tuple[list[tuple[str, str, str]], int]:
    with iRODSSession(
        host=zone.host,
        port=zone.port,
        user="alice",
        password="secret",
        zone=zone.zone_name,
    ) as session:
        stored = session.data_objects.get(path)
        avus = [(item.name, item.value, item.units or "") for item in stored.metadata.items()]
        return sorted(avus), int(stored.modify_time.timestamp())


@_WAYS
def test_an_attribute_may_have_several_values(
    zone_of_faults: Zone, tree: ZoneTree, store: Callable[..., Any], target: str, way: str
) -> None:
    """All of those that are asked for, and those alone."""
    assert store(way, target).code is ExitCode.COMPLETE
    assert _look(zone_of_faults, target) == (sorted(_AVUS), 1_500_000_000)
    tree.remove_file(target)
    arguments = ["--metadata", "k;1", "--metadata", "k;1", "--metadata", "k;2;m", "/a", "i:/z/b"]
    assert parse_options(arguments).rules.metadata == _AVUS[:2]


@pytest.mark.parametrize(
    "fault",
    [
        {"on": "MOD_AVU_METADATA", "cut": True, "times": 1},
        {"on": "MOD_AVU_METADATA", "cut": True, "times": 3},
        {"on": "MOD_AVU_METADATA", "lose_reply": True, "skip": 1, "times": 1},
        {"on": "DATA_OBJ_CLOSE", "lose_reply": True, "times": 1},
        {"on": "DATA_OBJECT_MODIFY_INFO", "cut": True, "times": 2},
        {"on": "MOD_AVU_METADATA", "refuse": -806000, "times": 1},
    ],
    ids=["cut", "cut again", "lost", "close lost", "time cut", "refused once"],
)
@_WAYS
def test_a_break_at_the_end_costs_no_metadata(
    zone_of_faults: Zone,
    tree: ZoneTree,
    store: Callable[..., Any],
    target: str,
    way: str,
    fault: dict[str, Any],
) -> None:
    """The bytes are there by then, so a further attempt must not take the object for complete."""
    if way == "copy":  # its source has to be there before anything fails
        store(way, target)
        tree.remove_file(target)
    zone_of_faults.faults.add(**fault)
    run = store(way, target)
    zone_of_faults.faults.clear()
    assert run.code is ExitCode.COMPLETE, run.end.failures
    assert _look(zone_of_faults, target) == (sorted(_AVUS), 1_500_000_000)


@pytest.mark.parametrize("code", [-818000, -130000, -809000])
@_WAYS
def test_metadata_that_the_zone_refuses_fails_its_file(
    zone_of_faults: Zone, tree: ZoneTree, store: Callable[..., Any], target: str, way: str, code: int
) -> None:
    """It doesn't end the run, and the next one finds the file still to be stored rather than equal."""
    if way == "copy":
        store(way, target)
        tree.remove_file(target)
    zone_of_faults.faults.add(on="MOD_AVU_METADATA", refuse=code)
    run = store(way, target)
    zone_of_faults.faults.clear()
    assert run.code is ExitCode.PARTIAL
    (problem,) = run.end.failures
    assert "its metadata could not be set" in problem.message
    assert problem.phase is (Phase.TRANSFER if way == "copy" else Phase.FINALISE)
    assert tree.stat(target) is None
    assert store(way, target).code is ExitCode.COMPLETE
    assert _look(zone_of_faults, target) == (sorted(_AVUS), 1_500_000_000)
