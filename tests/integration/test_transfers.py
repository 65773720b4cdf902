"""Transfers from the command line to the zone and back, each as its own user."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from conftest import Stack

pytestmark = pytest.mark.xdist_group("stack")

as_root = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="becomes other users, which takes root")]


def fill(stack: Stack, folder: Path, owner: str) -> dict[str, bytes]:
    """Put a few files into a folder, and give them to its owner."""
    contents = {"a": b"a", "empty": b"", "sub/it's": b"x" * 100_000, "sub/-rf": b"rf"}
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    for path in [folder, *folder.rglob("*")]:
        stack.give(path, owner, 0o700 if path.is_dir() else 0o600)
    return contents


def contents_of(folder: Path) -> dict[str, bytes]:
    """Every file in a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("person", ["alice", "bob"])
def test_files_go_up_and_come_down_as_their_user(stack: Stack, person: str) -> None:
    """What a person sends is theirs in the zone, and what comes back is the local user's, byte for byte."""
    owner = stack.user if person == "alice" else stack.other
    source = stack.folder(f"source-{person}", owner)
    contents = fill(stack, source, owner)
    collection = f"{stack.home(person)}/data"
    up = stack.wait(stack.submit(stack.task(source, f"i:{collection}", person=person)))
    assert up["state"] == "completed", up
    assert up["progress"]["filesTransferred"] == len(contents)
    assert stack.zone.stat(person, f"{collection}/sub/it's")
    assert stack.zone.stat("bob" if person == "alice" else "alice", f"{collection}/a") is None
    back = stack.folder(f"back-{person}", owner)
    down = stack.wait(stack.submit(stack.task(f"i:{collection}", back, person=person)))
    assert down["state"] == "completed", down
    assert contents_of(back) == contents
    assert {path.owner() for path in back.rglob("*")} == {owner}


@pytest.mark.parametrize("way", [pytest.param("group", marks=as_root), pytest.param("other", marks=as_root)])
def test_what_a_user_may_read_is_read_and_nothing_else(stack: Stack, way: str) -> None:
    """A file readable through a supplementary group goes up; another user's is refused, named, and the rest done."""
    source = stack.folder(f"mixed-{way}", stack.user)
    (source / "own").write_bytes(b"own")
    stack.give(source / "own", stack.user, 0o600)
    (source / "more").write_bytes(b"more")
    stack.give(source / "more", stack.other, 0o640, stack.group if way == "group" else "")
    collection = f"{stack.home('alice')}/mixed-{way}"
    job = stack.wait(stack.submit(stack.task(source, f"i:{collection}")))
    assert stack.zone.stat("alice", f"{collection}/own")
    if way == "group":
        assert job["state"] == "completed", job
        assert stack.zone.stat("alice", f"{collection}/more")
    else:
        assert (job["state"], job["lastError"]["code"]) == ("failed", "partial")
        assert "more" in job["lastError"]["message"]
        assert stack.zone.stat("alice", f"{collection}/more") is None


@pytest.mark.parametrize("through_a_link", [False, True])
def test_data_moves_from_and_to_the_allowed_folders_only(stack: Stack, *, through_a_link: bool) -> None:
    """What everybody may read, and where everybody may write, is refused all the same; once, and for good."""
    source, home = stack.folder(f"roots-{through_a_link}", stack.user), stack.home("alice")
    places = [Path("/etc"), Path("/tmp")]  # noqa: S108 - that is the point
    if through_a_link:
        for place in places:
            (source / place.name).symlink_to(place)
        places = [source / place.name for place in places]
    tasks = [stack.task(places[0], f"i:{home}/etc"), stack.task(f"i:{home}", places[1] / "stager-was-here")]
    for task in tasks:
        ended = stack.wait(stack.submit(task))
        assert (ended["state"], len(ended["attempts"])) == ("failed", 1)
        assert "outside of the folders" in str(ended)
    assert not Path("/tmp/stager-was-here").exists()  # noqa: S108 - as above


def test_a_wrong_password_fails_at_once(stack: Stack) -> None:
    """Login refused: one attempt, no retry, and a message that holds no password."""
    source = stack.folder("refused", stack.user)
    fill(stack, source, stack.user)
    job = stack.wait(stack.submit(stack.task(source, f"i:{stack.home('alice')}/x") | {"drPass": "wrong-password"}))
    assert (job["state"], len(job["attempts"])) == ("failed", 1)
    assert job["lastError"]["code"] == "login_refused"
    assert "wrong-password" not in str(job)


def test_a_service_account_needs_no_password(stack: Stack) -> None:
    """A streamer's task without drPass runs with the account that stands in worker.yml."""
    source = stack.folder("streamed", stack.user)
    contents = fill(stack, source, stack.user)
    account = stack.services.sandbox["service_account"]["name"]
    told = stack.stager("project", "3010000.02", "--json")
    assert told.returncode == 0, told.stderr
    collection = stack.services.sandbox["projects"]["3010000.02"]
    assert collection in told.stdout
    task = stack.task(source, f"i:{collection}/raw") | {"drUser": account}
    del task["drPass"]
    job = stack.wait(stack.submit(task))
    assert job["state"] == "completed", job
    assert stack.zone.stat(account, f"{collection}/raw/a")
    assert job["progress"]["filesTotal"] == len(contents)


@pytest.mark.parametrize(
    ("number", "code", "says"), [("3010000.01", 0, "DAC_3010000.01_173"), ("3010000.03", 6, "2"), ("1", 5, "1")]
)
def test_projects_are_resolved_by_gateway_and_form(stack: Stack, number: str, code: int, says: str) -> None:
    """One collection is told, two are an error with their number, none is not found."""
    told = stack.stager("project", number)
    assert told.returncode == code, told.stderr
    assert says in told.stdout + told.stderr


def test_a_bad_document_is_told_every_fault(stack: Stack) -> None:
    """`stager submit` prints all that is wrong at once, submits nothing and exits with 3."""
    bad: dict[str, Any] = {
        "title": "",
        "srcURL": "relative/path",
        "dstURL": "/also/local/../x",
        "drUser": "",
        "stagerUser": "-x",
        "stagerEmail": "no address",
        "timeout": -1,
        "timeout_noprogress": "soon",
        "unknown": 1,
    }
    document = stack.place.private / "bad.json"
    document.write_text(json.dumps(bad))
    before = stack.stager("list", "--json").stdout
    done = stack.stager("submit", document)
    assert done.returncode == 3
    missing = [key for key in bad if key not in done.stderr]
    assert not missing, done.stderr
    assert stack.stager("list", "--json").stdout == before


@pytest.mark.parametrize("victim", ["worker", "slot"])
def test_a_killed_workers_job_is_completed_by_another(stack: Stack, victim: str) -> None:
    """Kill -9 in the middle of a transfer: no writer is left behind, and the job ends completed and right."""
    source = stack.folder(f"big-{victim}", stack.user)
    big = source / "big"
    with big.open("wb") as file:
        for number in range(300):
            file.write(number.to_bytes(4, "big") * 262_144)
    stack.give(big, stack.user, 0o600)
    collection = f"{stack.home('alice')}/big-{victim}"
    job_id = stack.submit(stack.task(source, f"i:{collection}"))
    stack.wait_until(job_id, lambda job: job["progress"]["bytesTransferred"] > 0 or job["state"] == "completed")
    transfer = next(item for item in psutil.process_iter(["cmdline"]) if job_id in (item.info["cmdline"] or []))
    slot = transfer.parent()
    assert slot
    worker = slot.parent()
    assert worker
    assert worker.pid in {child.pid for child in stack.services.children}
    for process in [worker, *worker.children()] if victim == "worker" else [slot]:
        process.send_signal(signal.SIGKILL)
    if victim == "worker":
        stack.services.children[:] = [child for child in stack.services.children if child.pid != worker.pid]
    psutil.wait_procs([transfer], timeout=40)
    assert not transfer.is_running() or transfer.status() == psutil.STATUS_ZOMBIE
    job = stack.wait(job_id)
    assert job["state"] == "completed", job
    assert len(job["attempts"]) == 2
    entry = stack.zone.stat("alice", f"{collection}/big")
    assert entry
    assert (entry.size, entry.status) == (big.stat().st_size, 1)
    stored = stack.zone.physical_path("alice", f"{collection}/big")
    assert stored
    assert stored.read_bytes() == big.read_bytes()
