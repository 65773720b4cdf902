"""Measure and GetFreeSpace: what a transfer would look at, counted as the user, and the room there is."""

from __future__ import annotations

import os
import pwd
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_harness import (
    JAN,
    OPEN,
    PIET,
    SECONDS,
    Api,
    RedisServer,
    Users,
    code,
    needs_root,
    refused,
    start_api,
    violations,
)
from grpc import StatusCode
from stager.v1 import directory_service_pb2 as pb


@pytest.fixture
def project(users: Users) -> Iterator[Path]:
    """A folder of jan's under an allowed root."""
    made = subprocess.run(["mktemp", "-d", f"{OPEN}/measure.XXXXXX"], check=True, capture_output=True, text=True)
    folder = Path(made.stdout.strip())
    folder.chmod(0o755)
    owner = pwd.getpwnam(users.jan)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    yield folder
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def measure(api: Api, *paths: object, metadata: list[tuple[str, str]] = JAN, **more: str) -> pb.MeasureResponse:
    """The last that is told."""
    request = pb.MeasureRequest(paths=[str(path) for path in paths], **more)
    return list(api.directories.Measure(request, metadata=metadata, timeout=SECONDS))[-1]


def test_files_and_bytes_are_counted(running_api: Api, project: Path) -> None:
    """Nested, hidden and empty ones too; links and pipes are left out and lead nowhere; a file is one file."""
    (project / "a" / "b").mkdir(parents=True)
    (project / "a" / "b" / "one").write_bytes(b"x" * 1000)
    (project / "a" / ".two").write_bytes(b"x" * 234)
    (project / "empty").touch()
    (project / "loop").symlink_to(project)
    os.mkfifo(project / "pipe")
    answer = measure(running_api, project, project / "a" / "b" / "one", project / "loop")
    assert answer.final
    whole = {"files": 3, "bytes": 1234, "directories": 2, "left_out": 2}
    assert list(answer.measured) == [
        pb.Measured(path=str(project), **whole),
        pb.Measured(path=str(project / "a" / "b" / "one"), files=1, bytes=1000),
        pb.Measured(path=str(project / "loop"), **whole),  # the source itself may be a link
    ]


def test_what_is_wrong_with_a_path_stands_beside_it(running_api: Api, project: Path) -> None:
    """The others are counted all the same."""
    (project / "out").symlink_to("/etc")
    (project / "f").write_bytes(b"123")
    os.mkfifo(project / "pipe")
    answer = measure(running_api, project / "none", project / "out", "/etc/passwd", project / "pipe", project / "f")
    assert answer.final
    assert [one.problem for one in answer.measured] == [
        pb.MEASURE_PROBLEM_NOT_FOUND,
        pb.MEASURE_PROBLEM_OUTSIDE,
        pb.MEASURE_PROBLEM_OUTSIDE,
        pb.MEASURE_PROBLEM_UNREADABLE,
        pb.MEASURE_PROBLEM_UNSPECIFIED,
    ]
    assert answer.measured[4].bytes == 3


@needs_root
@pytest.mark.root
def test_what_the_user_cant_read_is_told(running_api: Api, project: Path, users: Users) -> None:
    """Counted as the user who asks: closed folders and files are unreadable, a closed root is denied."""
    for name in ("open", "closed", "closed/in"):
        (project / name).mkdir()
    (project / "open" / "mine").write_bytes(b"12345")
    (project / "open" / "mine").chmod(0o600)
    (project / "closed").chmod(0o700)
    owner = pwd.getpwnam(users.jan)
    for path in (project / "closed", project / "open" / "mine"):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    [own] = measure(running_api, project).measured
    assert (own.files, own.directories, own.unreadable) == (1, 3, 0)
    [other, closed] = measure(running_api, project, project / "closed", metadata=PIET).measured
    assert (other.files, other.directories, other.unreadable) == (1, 2, 2)
    assert closed.problem == pb.MEASURE_PROBLEM_DENIED


@pytest.mark.parametrize(
    ("paths", "field"),
    [([], "paths"), ([OPEN] * 101, "paths"), ([OPEN, "rel"], "paths[1]"), (["/a/../b"], "paths[0]")],
)
def test_bad_requests_name_the_path(running_api: Api, paths: list[str], field: str) -> None:
    """INVALID_ARGUMENT."""
    stream = running_api.directories.Measure(pb.MeasureRequest(paths=paths), metadata=JAN, timeout=SECONDS)
    assert set(violations(refused(lambda: next(stream)))) == {field}


def test_others_are_not_measured_for(running_api: Api, users: Users) -> None:
    """The owner rule, as for a listing."""
    for metadata, expected in ((JAN, StatusCode.PERMISSION_DENIED), ([], StatusCode.UNAUTHENTICATED)):
        request = pb.MeasureRequest(paths=[OPEN], stager_user=users.piet)
        stream = running_api.directories.Measure(request, metadata=metadata, timeout=SECONDS)
        assert code(lambda s=stream: list(s)) is expected


def test_time_runs_out_without_a_final_message(
    tmp_path: Path, settings: dict[str, Any], redis_server: RedisServer, project: Path
) -> None:
    """What was counted so far is told now and then; whoever hangs up leaves no child behind."""
    many = project / "many"
    many.mkdir()
    for number in range(150):
        (many / f"d{number}").mkdir()
        for name in range(100):
            (many / f"d{number}" / f"f{name}").touch()
    changed = {**settings, "directories": {"roots": [OPEN], "measure_seconds": 1.2}, "limits": {"measurements": 1}}
    api = start_api(tmp_path, changed, redis_server.url)
    try:
        paths = [str(many)] * 100
        stream = api.directories.Measure(pb.MeasureRequest(paths=paths), metadata=JAN, timeout=SECONDS)
        first = next(stream)
        assert not first.final
        second = api.directories.Measure(pb.MeasureRequest(paths=[OPEN]), metadata=JAN, timeout=SECONDS)
        assert code(lambda: next(second)) is StatusCode.RESOURCE_EXHAUSTED
        rest = list(stream)
        assert not rest or not rest[-1].final
        again = api.directories.Measure(pb.MeasureRequest(paths=paths), metadata=JAN, timeout=SECONDS)
        next(again)
        again.cancel()
        deadline = time.monotonic() + SECONDS
        while _children(api.process.pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        [whole] = list(api.directories.Measure(pb.MeasureRequest(paths=[str(many)]), metadata=JAN, timeout=SECONDS))[
            -1
        ].measured
        assert whole.files == 15_000
    finally:
        assert api.stop() == 0


def _children(pid: int) -> list[str]:
    found = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=False)
    return found.stdout.split()


def test_free_space_is_that_of_the_nearest_directory(running_api: Api, project: Path) -> None:
    """As the file system tells it to the user, also for a folder that a download has yet to make."""
    found = os.statvfs(project)
    for path in (project, project / "new" / "er"):
        answer = running_api.directories.GetFreeSpace(
            pb.GetFreeSpaceRequest(path=str(path)), metadata=JAN, timeout=SECONDS
        )
        assert answer.total_bytes == found.f_blocks * found.f_frsize
        assert abs(answer.free_bytes - found.f_bavail * found.f_frsize) < 2**30
    for path, expected in (("/etc", StatusCode.PERMISSION_DENIED), ("rel", StatusCode.INVALID_ARGUMENT)):
        request = pb.GetFreeSpaceRequest(path=path)
        assert (
            code(lambda r=request: running_api.directories.GetFreeSpace(r, metadata=JAN, timeout=SECONDS)) is expected
        )
