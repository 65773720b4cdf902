"""The threads that do the work: where few can be started, and where work goes wrong in a way that nobody foresaw."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from s_isync.backends.local import LocalTree
from s_isync.backends.memory import MemoryTree
from s_isync.errors import ErrorClass
from s_isync.exit_codes import ExitCode
from s_isync.reporter import FileResult, Outcome, Reporter
from s_isync.stopping import StopFlag
from s_isync.workers import Workers

RunSync = Callable[..., Any]
_HOME = "/zone/home"


def _let_start(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Have no more workers start than `most`, as under a limit of processes."""
    start, started = threading.Thread.start, []

    def limited(thread: threading.Thread) -> None:
        if thread.name.startswith("worker"):
            if len(started) >= most:
                raise RuntimeError("can't start new thread")
            started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)


@pytest.mark.parametrize("most", [1, 3])
def test_a_run_goes_on_with_the_threads_that_can_be_started(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Whether the limit is met by the scan, or by a worker that has just taken a file."""
    (tmp_path / "s").mkdir()
    for number in range(300):
        (tmp_path / f"s/{number}").write_bytes(b"x")
    _let_start(monkeypatch, most)
    run = run_sync(local, str(tmp_path / "s"), zone, f"{_HOME}/x")
    assert run.code is ExitCode.COMPLETE
    assert len(zone.files(f"{_HOME}/x")) == 300


def test_a_worker_that_can_start_no_other_one_keeps_the_file_that_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is done, and the wait for all of them comes to an end."""
    done: list[int] = []
    stop = StopFlag()
    workers = Workers(8, stop, lambda: None, lambda: None, lambda: False)
    _let_start(monkeypatch, 1)
    for number in range(5):
        workers.submit(lambda number=number: (time.sleep(0.05), done.append(number)), big=False)  # type: ignore[misc]
    ended = threading.Thread(target=workers.finish, name="finish", daemon=True)
    ended.start()
    ended.join(10)
    assert not ended.is_alive()
    assert done == [0, 1, 2, 3, 4]
    assert not stop.stopped


def test_without_any_thread_the_run_ends_as_internal(
    run_sync: RunSync, local: LocalTree, zone: MemoryTree, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is worth another try later."""
    _let_start(monkeypatch, 0)
    run = run_sync(local, str(sample), zone, f"{_HOME}/x")
    assert run.code is ExitCode.INTERNAL
    assert run.end.problem.error_class is ErrorClass.TRANSIENT


def test_a_task_that_raises_ends_the_run() -> None:
    """As a fault of s-isync itself, and what waits is dropped."""
    stop = StopFlag()
    workers = Workers(1, stop, lambda: None, lambda: None, lambda: False)

    def fail() -> None:
        raise UnicodeEncodeError("latin-1", "台", 0, 1, "ordinal not in range")

    workers.submit(fail, big=False)
    assert workers.finish(10)
    assert stop.exit_code is ExitCode.INTERNAL
    assert stop.problem is not None
    assert (stop.problem.code, stop.problem.error_class) == ("internal", ErrorClass.TRANSIENT)


@pytest.mark.parametrize("outcome", [None, Outcome.TRANSFERRED, Outcome.SKIPPED, Outcome.PLANNED, Outcome.DELETED])
def test_a_run_is_complete_only_if_every_file_has_its_fate(outcome: Outcome | None) -> None:
    """One of two that nobody has told of is not at the destination, for all that is known."""
    reporter = Reporter([], lambda _: None)
    for path in ("a", "b"):
        reporter.found(1)
        if outcome is not None and path == "b":
            reporter.file(FileResult(path, outcome, 1))
    assert reporter.end(None, None) is ExitCode.INTERNAL
    reporter.file(FileResult("a", Outcome.TRANSFERRED, 1))
    told = outcome not in {None, Outcome.DELETED}
    assert reporter.end(None, None) is (ExitCode.COMPLETE if told else ExitCode.INTERNAL)
