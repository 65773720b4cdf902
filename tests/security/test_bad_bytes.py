"""What must hold for any bytes, for each part that reads what others wrote; the same rules as `make fuzz` tries.

Some 6,000 inputs, besides the 14,000 that go through the running service (services/api/tests/test_bad_input.py).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import targets
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from stager_api.directories import as_user
from stager_client import InvalidRequestError
from stager_client.task_document import KEYS, read_tasks

MANY = settings(max_examples=1000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
FEW = settings(MANY, max_examples=500)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
EVENT_KEYS = [
    "event", "files_total", "files_failed", "bytes_total", "totals_final", "bytes_per_second", "seconds_left",
    "working_seconds", "current", "path", "outcome", "bytes", "checksum", "error", "failures", "code", "message",
]  # fmt: skip
event_lines = st.dictionaries(
    st.sampled_from(EVENT_KEYS),
    json_values | st.sampled_from(["progress", "file", "error", "end", 1e999, -1, 2**70, "x" * 9000, "\ud800"]),
    max_size=10,
).map(lambda values: json.dumps(values).encode())
streams = st.lists(event_lines | st.binary(max_size=60), max_size=8).map(b"\n".join) | st.binary(max_size=500)


@MANY
@given(streams)
@example(b"\x05" + b"x" * 200_000)
@example(b"[" * 60_000)
@example(b'{"event":"end","files_total":' + b"9" * 5000 + b"}")
def test_events_of_s_isync(data: bytes) -> None:
    """In any pieces the same events, bounded, and fit to be stored."""
    targets.isync_events(data)


@MANY
@given(event_lines)
def test_one_event(data: bytes) -> None:
    """Numbers in bounds, texts cut and encodable, whatever JSON says."""
    targets.one_line(data)


@FEW
@given(st.binary(max_size=100) | st.text(max_size=60).map(lambda text: f"sealed:v1:one:{text}".encode()))
@example(b"sealed:v1:one:" + b"A" * 5000)
@example("sealed:v1:one:é".encode())
@example(b"sealed:v0:one:AAAA")
def test_sealed_passwords(data: bytes) -> None:
    """What was sealed opens for its owner and account; nothing else opens, and errors don't quote it."""
    targets.sealed_text(data)


PAYLOAD_KEYS = ["version", "title", "dr_user", "src_url", "dst_url", "stager_user", "stager_email", "timeout", "x"]
payloads = st.dictionaries(st.sampled_from(PAYLOAD_KEYS), json_values)
functions = st.sampled_from(["stager_worker.entry.transfer", "os.system", ""])
calls = st.tuples(functions, json_values, json_values, payloads)


@MANY
@given(st.binary(max_size=200) | json_values.map(json.dumps).map(str.encode) | calls.map(json.dumps).map(str.encode))
@example(b"[" * 100_000)
@example(b'["os.system", null, ["id"], {}]')
def test_data_of_jobs(data: bytes) -> None:
    """A transfer just as it was written, or a clear refusal; no other function."""
    targets.job_payload(data)


documents = st.dictionaries(st.sampled_from([*KEYS, "srcUrl", "jobs", "", "drpass"]), json_values, max_size=9)


@MANY
@given(documents.map(json.dumps) | st.lists(documents).map(json.dumps) | json_values.map(json.dumps) | st.text())
@example("[" * 100_000)
@example('{"title": 1e400, "timeout": 99999999999}')
@example('{"title": "a", "title": "b"}')
@example('{"timeout": NaN}')
def test_task_documents(text: str) -> None:
    """Read, with every fault named, or refused; an unknown key is never passed over."""
    try:
        read = read_tasks(text)
    except InvalidRequestError:
        return
    given_tasks = json.loads(text)
    given_tasks = given_tasks.get("jobs", given_tasks) if isinstance(given_tasks, dict) else given_tasks
    given_tasks = given_tasks if isinstance(given_tasks, list) else [given_tasks]
    for task, document in zip(read, given_tasks, strict=True):
        unknown = set(document) - set(KEYS) if isinstance(document, dict) else {""}
        assert unknown <= {fault.field for fault in task.faults}


def test_a_broken_document_keeps_its_password_to_itself() -> None:
    """The error is printed; what stood in the document isn't."""
    for text in ('{"drPass": "M4rked", ', '{"drPass": ["M4rked"]}', '{"drPass": "M4rked", "drPass": "M4rked"}'):
        try:
            said = "".join(str(fault) for read in read_tasks(text) for fault in read.faults)
        except InvalidRequestError as error:
            said = f"{error} {error.__cause__} {error.__context__ if not error.__suppress_context__ else ''}"
        assert "M4rked" not in said


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An allowed root with links that lead out of it, and a place outside whose name it only begins with."""
    top = tmp_path_factory.mktemp("tree")
    for folder in ("root/a/b", "root/é", "root/-rf", "outside/secret", "root-and-more"):
        (top / folder).mkdir(parents=True)
    for file in ("root/f", "root/a/f", "outside/OUTSIDE", "outside/secret/OUTSIDE", "root-and-more/OUTSIDE"):
        (top / file).write_bytes(b"12345")
    for link, target in (
        ("root/out", "../outside"), ("root/a/abs", str(top / "outside")), ("root/file", "../outside/OUTSIDE"),
        ("root/loop", "loop"), ("root/a/self", "."), ("root/up", ".."), ("root/proc", "/proc/self/root"),
        ("root/more", "../root-and-more"),
    ):  # fmt: skip
        (top / link).symlink_to(target)
    return top


NAMES = ["a", "b", "é", "-rf", "f", "out", "abs", "file", "loop", "self", "up", "proc", "more", "..", ".", "", "secret",
         "root", "outside", "root-and-more", "x" * 300, "\udcff"]  # fmt: skip
Action = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize("action", ["list", "measure", "space"])
def test_no_path_leads_out_of_the_roots(tree: Path, action: str) -> None:
    """Through any links, dots and names: what is told is below the root, or nothing is told."""
    run = {"list": as_user.listing, "measure": as_user.measurement, "space": as_user.space}[action]
    root = str(tree / "root")

    @FEW
    @given(st.lists(st.sampled_from(NAMES), max_size=6), st.sampled_from(["", "/", "/root"]))
    def check(parts: list[str], head: str) -> None:
        path = str(tree) + head + "/" + "/".join(parts)
        request = {"path": path, "paths": [path], "roots": [root], "hidden": True, "size": 100, "after": ""}
        try:
            answers = list(run(request))
        except OSError:
            return
        inside = (os.path.realpath(path) + "/").startswith(root + "/")
        assert not [entry for answer in answers for entry in answer.get("entries", ()) if entry["name"] == "OUTSIDE"]
        if not inside and action != "space":  # of what isn't there, the nearest directory that is may be inside
            assert answers[0].get("error") or answers[0]["measured"][0]["problem"]
        if action == "measure" and inside:
            assert answers[-1]["measured"][0]["bytes"] in {0, 5, 10}

    check()
