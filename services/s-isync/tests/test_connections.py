"""A run makes do with the connections that it gets."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from s_isync.backends.irods import ZoneTree
from s_isync.backends.local import LocalTree
from s_isync.errors import NoTurnError
from s_isync.exit_codes import ExitCode
from s_isync.ramp import Advice, Ramp
from s_isync.retry import Retry
from s_isync.rules import SyncRules
from s_isync.stopping import StopFlag
from s_isync.workers import GivenBackError, Workers
from s_isync.zone_settings import ZoneSettings
from stager_sandbox.zone import Zone

RunSync = Callable[..., Any]
_ONCE = SyncRules(connections=8, retry=Retry(0))


@pytest.fixture
def tree(settings_of_faults: ZoneSettings) -> Iterator[ZoneTree]:
    """The zone as s-isync sees it."""
    opened = ZoneTree(settings_of_faults)
    yield opened
    opened.close()


@pytest.fixture
def home(tree: ZoneTree) -> str:
    """Where nothing is yet."""
    return f"/{tree.sessions.settings.zone}/home/alice/{uuid4()}"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder of small files."""
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(60):
        (folder / str(number)).write_bytes(b"x%d" % number)
    return folder


@pytest.mark.parametrize("bundle", [False, True], ids=["one by one", "bundled"])
@pytest.mark.parametrize("most", [1, 2])
def test_fewer_connections_than_threads_are_enough(
    run_sync: RunSync, zone_of_faults: Zone, tree: ZoneTree, home: str, files: Path, most: int, bundle: bool
) -> None:
    """Threads that are refused end, and what they had taken is done by the others, at the first attempt."""
    zone_of_faults.faults.limit(connections=most, latency=0.02)
    rules = SyncRules(connections=8, retry=Retry(0), bundle=bundle)
    up = run_sync(LocalTree(), str(files), tree, home, rules)
    assert (up.code, up.end.totals.files_transferred) == (ExitCode.COMPLETE, 60), up.end.failures
    assert sum(result.path == "7" for result in up.seen.files) == 1
    tree.leave_thread()
    down = run_sync(tree, home, LocalTree(), str(files.with_name("back")), _ONCE)
    assert (down.code, down.end.totals.files_transferred) == (ExitCode.COMPLETE, 60), down.end.failures


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_big_file_needs_no_help(
    run_sync: RunSync, zone_of_faults: Zone, tree: ZoneTree, home: str, tmp_path: Path, direction: str
) -> None:
    """Threads that would help with it, and get no connection, leave it alone."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s/big").write_bytes(os.urandom(70 * 1024 * 1024))
    if direction == "down":
        assert run_sync(LocalTree(), str(tmp_path / "s"), tree, home).code is ExitCode.COMPLETE
    zone_of_faults.faults.limit(connections=1, bandwidth=30_000_000)
    if direction == "down":
        run = run_sync(tree, home, LocalTree(), str(tmp_path / "back"), _ONCE)
    else:
        run = run_sync(LocalTree(), str(tmp_path / "s"), tree, home, _ONCE)
    assert run.code is ExitCode.COMPLETE, run.end.failures


def test_a_broken_connection_that_cannot_be_replaced_leaves_its_file_to_others(
    run_sync: RunSync, zone_of_faults: Zone, tree: ZoneTree, home: str, files: Path
) -> None:
    """Another client takes the place of one that broke in the middle of a file."""
    faults = zone_of_faults.faults
    faults.limit(latency=0.02)
    faults.add(on="DATA_OBJ_OPEN", skip=10, times=1, cut=True)
    faults.add(on="CONNECT", skip=4, refuse=-118000)
    rules = SyncRules(connections=4, retry=Retry(1, 0.01))
    run = run_sync(LocalTree(), str(files), tree, home, rules)
    assert faults.struck() > 1
    assert (run.code, run.end.totals.files_transferred) == (ExitCode.COMPLETE, 60), run.end.failures


def test_a_login_that_is_refused_later_ends_the_run_when_no_connection_is_left(
    run_sync: RunSync, zone_of_faults: Zone, tree: ZoneTree, home: str, files: Path
) -> None:
    """What is there is used to the end; a password that was refused is not tried again and again."""
    faults = zone_of_faults.faults
    tree.make_folder(home)
    tree.pass_on()
    refused = faults.add(on="AUTH*", refuse=-826000)
    assert run_sync(LocalTree(), str(files), tree, home, _ONCE).code is ExitCode.COMPLETE
    met = faults.struck()
    assert 0 < met <= 8  # one for each thread that began before the first was refused
    faults.clear()
    other = ZoneTree(tree.sessions.settings)
    other.make_folder(home)
    other.pass_on()
    faults.add(refused)
    faults.add(on="DATA_OBJ_*", skip=5, cut=True)
    (files / "more").write_bytes(b"more")
    began = time.monotonic()
    run = run_sync(LocalTree(), str(files), other, f"{home}/again", SyncRules(connections=8, retry=Retry(4, 0.01)))
    other.close()
    assert run.code is ExitCode.LOGIN_REFUSED
    assert time.monotonic() - began < 20


def test_too_many_connections_are_told_as_that(
    run_sync: RunSync, zone_of_faults: Zone, tree: ZoneTree, home: str, files: Path
) -> None:
    """The library has no name for the code."""
    zone_of_faults.faults.limit(connections=0)
    run = run_sync(LocalTree(), str(files), tree, home, _ONCE)
    assert run.code is ExitCode.UNREACHABLE
    assert "the zone has too many connections" in run.end.problem.message


def test_a_thread_that_nobody_can_stand_in_for_waits_for_its_turn(
    zone_of_faults: Zone, tree: ZoneTree, home: str
) -> None:
    """One of many is told at once that it gets none."""
    let_go, working = threading.Event(), threading.Event()

    def work() -> None:
        tree.enter_thread()
        tree.make_folder(home)
        working.set()
        let_go.wait(20)
        tree.leave_thread()

    refused: list[NoTurnError] = []

    def come_late() -> None:
        tree.enter_thread()
        try:
            tree.connect()
        except NoTurnError as error:
            refused.append(error)
            let_go.set()

    zone_of_faults.faults.limit(connections=1)
    worker, late = threading.Thread(target=work), threading.Thread(target=come_late)
    worker.start()
    assert working.wait(10)
    late.start()
    assert tree.stat(home) is not None  # when the worker has left
    worker.join()
    late.join()
    assert refused


def _workers(most: int, leave: Callable[[], None] = lambda: None) -> Workers:
    return Workers(most, StopFlag(), lambda: None, leave, lambda: True)


def test_a_task_that_is_given_back_is_done_by_another_thread_before_all_others() -> None:
    """The thread ends; the last one stays, and does it itself."""
    workers, did, names = _workers(2), list[str](), set[str]()
    both = threading.Barrier(2)

    def first() -> None:
        both.wait(10)
        names.add(threading.current_thread().name)
        raise GivenBackError(again)

    def again() -> None:
        did.append("again")
        names.add(threading.current_thread().name)
        if did.count("again") == 1:
            raise GivenBackError(again)

    def other() -> None:
        both.wait(10)
        time.sleep(0.2)
        did.append("other")

    workers.submit(first, big=False)
    workers.submit(other, big=False)
    for _ in range(20):
        workers.submit(lambda: did.append("rest"), big=False)
    assert workers.finish()
    assert did == ["other", "again", "again", *["rest"] * 20]
    assert len(names) == 2


def test_a_thread_without_work_lets_go_of_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it waits for another one's big file, say."""
    monkeypatch.setattr("s_isync.workers._IDLE", 0.05)
    left, over = threading.Event(), threading.Event()
    workers = _workers(2, left.set)
    workers.submit(lambda: over.wait(10) and None, big=False)
    workers.submit(lambda: None, big=False)
    assert left.wait(10)
    over.set()
    assert workers.finish()


def test_after_a_refusal_there_are_no_more_threads_for_a_while() -> None:
    """Then one more at a time, since who took the places may have gone."""
    ramp = Ramp(8)
    assert ramp.advise(100.0, 2, helping=False, distant=True) is Advice.START_ONE
    ramp.refused(100.0, 2)
    assert ramp.advise(129.0, 2, helping=False, distant=True) is Advice.STAY
    assert ramp.advise(131.0, 2, helping=False, distant=True) is Advice.START_ONE
    assert ramp.advise(132.0, 3, helping=False, distant=True) is Advice.STAY
    assert ramp.advise(161.0, 3, helping=False, distant=True) is Advice.START_ONE
