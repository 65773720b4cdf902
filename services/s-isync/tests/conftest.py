"""Fixtures that several test files share."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from plain_zone import settings_of
from s_isync.backends.local import LocalTree
from s_isync.backends.memory import MemoryTree
from s_isync.errors import Problem
from s_isync.exit_codes import ExitCode
from s_isync.locations import Location, parse_location
from s_isync.reporter import End, FileResult, Outcome, Progress, Reporter, Start
from s_isync.retry import Retry
from s_isync.rules import SyncRules
from s_isync.stopping import StopFlag
from s_isync.sync import Sync
from s_isync.tree import Tree
from s_isync.zone_settings import ZoneSettings, from_environment_keys
from stager_sandbox.zone import Zone


@dataclass
class Recorder:
    """A listener that keeps what it is told."""

    files: list[FileResult] = field(default_factory=list)
    folders: dict[str, str] = field(default_factory=dict)
    errors: list[Problem] = field(default_factory=list)
    ended: End | None = None
    working: list[float | None] = field(default_factory=list)

    def start(self, start: Start) -> None:
        """Nothing to keep."""

    def progress(self, progress: Progress) -> None:
        """Keep what a server's own work is given."""
        self.working.append(progress.working_seconds)

    def file(self, result: FileResult) -> None:
        """Keep it."""
        self.files.append(result)

    def folder(self, path: str, outcome: Outcome) -> None:
        """Keep it."""
        self.folders[path] = outcome.value

    def error(self, problem: Problem) -> None:
        """Keep it."""
        self.errors.append(problem)

    def end(self, end: End) -> None:
        """Keep it."""
        self.ended = end

    def outcomes(self) -> dict[str, str]:
        """What became of each path."""
        return {result.path: result.outcome.value for result in self.files}

    def paths(self, outcome: Outcome) -> list[str]:
        """The paths of one outcome, sorted."""
        return sorted(result.path for result in self.files if result.outcome is outcome)


@dataclass
class Run:
    """What a run has come to."""

    code: ExitCode
    seen: Recorder
    threads: int
    """Of its workers, that have not ended."""

    @property
    def end(self) -> End:
        """The last word."""
        assert self.seen.ended is not None
        return self.seen.ended


RunSync = Callable[..., Run]


@pytest.fixture
def run_sync() -> RunSync:
    """Run a sync from one tree to another and give what it came to."""

    def run(
        source: Tree,
        source_path: str,
        destination: Tree,
        destination_path: str,
        rules: SyncRules | None = None,
        stop: StopFlag | None = None,
    ) -> Run:
        recorder, flag = Recorder(), stop or StopFlag()
        reporter = Reporter([recorder], lambda _: None)
        reporter.start(Start(None, source_path, destination_path, dry_run=False))
        chosen = rules or SyncRules(connections=4, retry=Retry(1, 0.01))
        Sync(source, destination, chosen, reporter, flag).run(location(source_path), location(destination_path))
        code = reporter.end(flag.exit_code, flag.problem)
        left = [thread for thread in threading.enumerate() if thread.name.startswith("worker-")]
        return Run(code, recorder, len(left))

    return run


def location(path: str) -> Location:
    """A place in whichever tree it is meant for."""
    return parse_location(path)


@pytest.fixture(scope="module")
def server() -> Iterator[ZoneSettings]:
    """A zone of the sandbox, or the one that the JSON file named by S_ISYNC_TEST_ZONE describes (with `password`)."""
    if document := os.environ.get("S_ISYNC_TEST_ZONE"):
        yield from_environment_keys(json.loads(Path(document).read_text()), document)
        return
    with Zone({"alice": "secret"}) as running:
        yield settings_of(running)


@pytest.fixture(scope="module")
def zone_of_faults() -> Iterator[Zone]:
    """A zone that fails when told, and has limits when told."""
    with Zone({"alice": "secret"}) as running:
        yield running


@pytest.fixture
def settings_of_faults(zone_of_faults: Zone) -> Iterator[ZoneSettings]:
    """How to reach it; without faults and limits before and afterwards."""
    zone_of_faults.faults.clear()
    yield settings_of(zone_of_faults)
    zone_of_faults.faults.clear()


@pytest.fixture
def zone() -> MemoryTree:
    """An empty tree with a SHA-256 catalogue and a home for the test."""
    tree = MemoryTree("sha2")
    tree.make_folder("/zone/home")
    return tree


@pytest.fixture
def local() -> LocalTree:
    """The file system."""
    return LocalTree()


@pytest.fixture
def tmp_path_of_all(tmp_path: Path) -> Path:
    """As `tmp_path`, for other users to read, too."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & 0o055 != 0o055:
            folder.chmod(0o755)
    return tmp_path


@pytest.fixture
def sample_files() -> dict[str, bytes]:
    """The files of `sample`."""
    return dict(SAMPLE)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A folder with nested files, an empty one, an empty folder and names that need care."""
    root = tmp_path / "sample"
    for name, data in SAMPLE.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (root / "empty folder").mkdir()
    return root


SAMPLE = {
    "a.txt": b"a",
    "a/b.txt": b"bb" * 1000,
    "a/c/deep.bin": bytes(range(256)) * 40,
    "a-b/x": b"x",
    "nothing": b"",
    'it\'s & <odd> "name" 100%_.txt': b"odd",
    " spaces ": b"s",
    "ünïcödé/台灣": b"u",
    "-dash": b"d",
    ".hidden": b"h",
}
