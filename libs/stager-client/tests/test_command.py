"""The command `stager`, line by line, against a real gRPC server."""

from __future__ import annotations

import json
import os
import pty
import select
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click.testing
import grpc
import pytest
from memory_stager import PASSWORD, TOKEN, USER, Fault, MemoryStager
from stager_client import StagerClient
from stager_client.cli import main
from stager_client.cli.exit_codes import ExitCode

Run = Callable[..., click.testing.Result]
STAGER = str(Path(sys.executable).with_name("stager"))


@pytest.fixture
def environment(address: str, tmp_path: Path) -> dict[str, str]:
    """What the command finds in its environment: where the stager is, and a login."""
    return {"STAGER_ADDRESS": address, "STAGER_USER": USER, "STAGER_PASSWORD": PASSWORD, "HOME": str(tmp_path)}


@pytest.fixture
def run_line(environment: dict[str, str], stager: MemoryStager) -> Run:
    """Run a line as it would be typed and check its exit code; a failure shows all that was written and called."""

    def run(
        line: str, code: int = 0, *, stdin: str | None = None, env: dict[str, str] | None = None
    ) -> click.testing.Result:
        words = shlex.split(line)
        assert words[0] == "stager"
        result = click.testing.CliRunner().invoke(
            main, words[1:], input=stdin, env=environment | (env or {}), catch_exceptions=False
        )
        if result.exit_code != code:
            pytest.fail(
                f"{line}\nended with {result.exit_code}, not {code}\n"
                f"stdout:\n{result.stdout}\nstderr:\n{result.stderr}\n"
                f"calls: {dict(stager.calls)}"
            )
        return result

    return run


@pytest.fixture
def document(tmp_path: Path, task: dict[str, Any]) -> Path:
    """The task in a file."""
    file = tmp_path / "task.json"
    file.write_text(json.dumps(task))
    return file


def test_submit(run_line: Run, stager: MemoryStager, document: Path) -> None:
    """The task document goes in as it is, and its password arrives sealed."""
    assert run_line(f"stager submit {document}").stdout == "submitted job-1 DICOM series\n"
    assert stager.passwords == {"job-1": "S3cret-päss"}
    job = json.loads(run_line(f"stager submit {document} --json --priority low").stdout)
    assert (job["id"], job["state"], job["priority"]) == ("job-2", "pending", "low")
    assert job["task"]["srcURL"] == "/project/3010000.01/raw"
    assert "drPass" not in job["task"]


@pytest.mark.parametrize("wrap", [lambda task: [task, task], lambda task: {"jobs": [task, task]}])
def test_submit_many_from_stdin(
    run_line: Run, stager: MemoryStager, task: dict[str, Any], wrap: Callable[[Any], Any]
) -> None:
    """An array, bare or under `jobs`, from standard input."""
    result = run_line("stager submit - --json", stdin=json.dumps(wrap(task)))
    assert [each["job"]["id"] for each in json.loads(result.stdout)["results"]] == list(stager.jobs)
    assert len(stager.jobs) == 2


def test_bad_document_prints_every_fault(run_line: Run, stager: MemoryStager) -> None:
    """What the client finds and what the stager finds come together, and no job is made."""
    bad = json.dumps({"title": 5, "srcUrl": "/a", "srcURL": "/a/../b", "timeout": -1, "drUser": "j", "drPas": "S3cret"})
    result = run_line("stager submit -", ExitCode.INVALID, stdin=bad)
    lines = [line.split(":")[0].strip() for line in result.stderr.splitlines()[1:]]
    assert sorted(lines) == sorted(["title", "srcUrl", "drPas", "srcURL", "dstURL", "stagerUser", "timeout"])
    assert "S3cret" not in result.output
    faults = json.loads(run_line("stager submit - --json", ExitCode.INVALID, stdin=bad).stderr)["error"]["violations"]
    assert len(faults) == 7
    assert stager.jobs == {}


def test_one_bad_task_among_many(run_line: Run, stager: MemoryStager, task: dict[str, Any]) -> None:
    """Nothing is submitted, so that nothing is submitted twice once it is put right."""
    bad = [task, task | {"title": ""}, {"tilte": "x"}]
    result = run_line("stager submit -", ExitCode.INVALID, stdin=json.dumps(bad))
    assert "task 2: title: is required" in result.stderr
    assert "task 3: tilte: is no key of a task; did you mean title?" in result.stderr
    assert stager.jobs == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"title": "a", "title": "b"}', "\x00", "3"])
def test_no_document(run_line: Run, stager: MemoryStager, text: str) -> None:
    """What is no document is said in a line, and the stager isn't bothered."""
    assert run_line("stager submit -", ExitCode.INVALID, stdin=text).stderr.count("\n") == 1
    assert stager.calls.total() == 0


def test_document_that_is_not_there(run_line: Run, tmp_path: Path) -> None:
    """A missing file, a folder, and bytes that are no text."""
    assert "No such file" in run_line(f"stager submit {tmp_path}/none.json", ExitCode.INVALID).stderr
    assert "directory" in run_line(f"stager submit {tmp_path}", ExitCode.INVALID).stderr
    (tmp_path / "bytes").write_bytes(b'{"drPass": "\xff"}')
    assert "UTF-8" in run_line(f"stager submit {tmp_path}/bytes", ExitCode.INVALID).stderr


def test_faults_are_told_without_a_stager(run_line: Run) -> None:
    """Where the stager can't be asked, the faults found here are printed all the same."""
    env = {"STAGER_ADDRESS": "127.0.0.1:1"}
    result = run_line("stager submit -", ExitCode.INVALID, stdin='{"tilte": "x", "drPass": "p"}', env=env)
    assert "tilte" in result.stderr
    assert "couldn't be asked" in result.stderr


def test_check(run_line: Run, stager: MemoryStager, document: Path) -> None:
    """Checking makes no job."""
    run_line(f"stager submit --check {document}")
    run_line("stager submit --check -", ExitCode.INVALID, stdin="{}")
    assert stager.jobs == {}


def test_request_id(run_line: Run, stager: MemoryStager, task: dict[str, Any]) -> None:
    """The same text makes no second job."""
    del task["drPass"]
    for _ in range(2):
        run_line("stager submit - --request-id scan-17", stdin=json.dumps(task))
    assert len(stager.jobs) == 1


def test_list_get_stop_restart_delete(run_line: Run, stager: MemoryStager, document: Path, tmp_path: Path) -> None:
    """The life of a job by hand."""
    run_line(f"stager submit {document}")
    assert run_line("stager list").stdout.splitlines()[1].startswith("job-1  pending")
    assert "No jobs" in run_line("stager list --state failed").stdout
    assert "/project/3010000.01/raw" in run_line("stager get job-1").stdout
    assert json.loads(run_line("stager get job-1 --json").stdout)["maxAttempts"] == 5
    assert run_line("stager stop job-1").stdout == "stopped job-1\n"
    assert "password" in run_line("stager restart job-1", ExitCode.WRONG_STATE).stderr
    (tmp_path / "pw").write_text("fresh\n")
    run_line(f"stager restart job-1 --drpass-file {tmp_path}/pw")
    assert stager.passwords["job-1"] == "fresh"
    run_line("stager stop job-1")
    run_line("stager restart job-1", env={"STAGER_DRPASS": "other"})
    assert stager.passwords["job-1"] == "other"
    assert run_line("stager delete job-1").stdout == "deleted job-1\n"
    run_line("stager get job-1", ExitCode.NOT_FOUND)


def test_several_jobs_at_once(run_line: Run, stager: MemoryStager, document: Path) -> None:
    """One that can't be done doesn't hold up the others, and shows in the exit code."""
    run_line(f"stager submit {document}")
    run_line(f"stager submit {document}")
    result = run_line("stager delete job-1 nope job-2", ExitCode.NOT_FOUND)
    assert result.stdout == "deleted job-1\ndeleted job-2\n"
    lines = run_line("stager stop a b --json", ExitCode.NOT_FOUND).stdout.splitlines()
    assert [json.loads(line)["error"]["code"] for line in lines] == ["not_found", "not_found"]
    assert stager.jobs == {}


def test_list_is_json(run_line: Run, client: StagerClient, task: dict[str, Any]) -> None:
    """Numbers are numbers, states short, times RFC 3339; the limit holds over pages."""
    del task["drPass"]
    client.submit_many([task] * 300)
    jobs = json.loads(run_line("stager list --json --limit 250").stdout)["jobs"]
    assert len(jobs) == 250
    assert jobs[0]["id"] == "job-300"
    assert jobs[0]["task"]["timeout"] == 86400
    assert jobs[0]["createdAt"].endswith("Z")


def test_ls_and_project(run_line: Run) -> None:
    """A directory with odd names can't steer the terminal; a project gives its collection alone on a line."""
    lines = run_line("stager ls /project/x").stdout.splitlines()
    assert lines[0].endswith("link -> /else\\x1b[31m")
    assert lines[2].endswith("1.1 TB    red\\x1b[31m")
    assert len(json.loads(run_line("stager ls -a --json /project/x").stdout)["entries"]) == 4
    run_line("stager ls /root", ExitCode.NOT_ALLOWED)
    assert run_line("stager project 3010000.01").stdout == "/nl.ru.donders/di/dccn/DAC_3010000.01_173\n"
    run_line("stager project 9", ExitCode.NOT_FOUND)


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, ExitCode.NOT_ALLOWED),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, ExitCode.UNAVAILABLE),
        (grpc.StatusCode.INTERNAL, ExitCode.FAULT),
        (grpc.StatusCode.UNKNOWN, ExitCode.FAULT),
    ],
)
def test_exit_codes(run_line: Run, stager: MemoryStager, code: grpc.StatusCode, exit_code: ExitCode) -> None:
    """Each kind of error has its exit code, a line for a person and an object for a program."""
    stager.faults["Get"] = Fault(code, times=2)
    assert run_line("stager get x", exit_code).stderr.count("\n") == 1
    assert "code" in json.loads(run_line("stager get x --json", exit_code).stderr)["error"]


def test_what_to_do_about_a_refused_login(run_line: Run, stager: MemoryStager) -> None:
    """A person is told where user and password come from, not what the call has to carry."""
    stager.faults["Get"] = Fault(grpc.StatusCode.UNAUTHENTICATED)
    said = run_line("stager get x", ExitCode.NOT_ALLOWED).stderr
    assert "--password-file" in said
    assert "as the test wants it" not in said


def test_of_several_jobs_the_one_is_named(run_line: Run) -> None:
    """Where one of several can't be stopped, it is said which."""
    assert run_line("stager stop a b", ExitCode.NOT_FOUND).stderr.splitlines()[0].startswith("stager: a: ")


def test_wrong_usage(run_line: Run, tmp_path: Path) -> None:
    """Unknown options and unusable settings end with 2."""
    run_line("stager get", ExitCode.USAGE)
    run_line("stager list --state done", ExitCode.USAGE)
    run_line("stager list", ExitCode.USAGE, env={"STAGER_TOKEN": TOKEN})
    run_line(f"stager list --config {tmp_path}/none", ExitCode.USAGE)


def test_options_win(run_line: Run, tmp_path: Path) -> None:
    """A token file on the line replaces the login of the environment."""
    (tmp_path / "token").write_text("wrong\n")
    run_line(f"stager list --token-file {tmp_path}/token", ExitCode.NOT_ALLOWED)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    run_line(f"stager list --token-file {tmp_path}/token")


def _play(stager: MemoryStager, end: str, *, seen_halfway: threading.Event | None = None) -> threading.Thread:
    """Run the next job that comes, in steps, once it is watched; halfway it waits until that was seen."""

    def play() -> None:
        stager.wait_until_told()
        (job_id,) = stager.jobs
        for step in range(5):
            time.sleep(0.1)
            stager.change(job_id, "active", files_total=4, files_transferred=step, totals_final=True)
            stager.change(job_id, "", bytes_total=4000, bytes_transferred=1000 * step)
            if step == 2 and seen_halfway:
                seen_halfway.wait(30)
        if end == "deleted":
            stager.remove(job_id)
        else:
            stager.change(job_id, end)

    thread = threading.Thread(target=play)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("completed", ExitCode.OK),
        ("failed", ExitCode.JOB_FAILED),
        ("stopped", ExitCode.JOB_STOPPED),
        ("deleted", ExitCode.JOB_DELETED),
    ],
)
def test_follow(run_line: Run, stager: MemoryStager, document: Path, end: str, code: ExitCode) -> None:
    """Submitted and followed to the end in plain lines; the exit code tells the end."""
    player = _play(stager, end)
    lines = run_line(f"stager submit --watch {document}", code).stdout.splitlines()
    player.join()
    assert lines[0] == "submitted job-1 DICOM series"
    assert lines[-1].startswith(f"{end} job-1")
    assert len(lines) <= 4  # progress is told every ten seconds only


def test_follow_in_json(run_line: Run, stager: MemoryStager, document: Path) -> None:
    """Each change is an object on a line of its own, and nothing else is on stdout."""
    player = _play(stager, "completed")
    lines = run_line(f"stager submit --watch --json {document}").stdout.splitlines()
    player.join()
    events = [json.loads(line) for line in lines]
    assert [event["job"]["state"] for event in (events[0], events[-1])] == ["pending", "completed"]
    assert events[-1]["job"]["progress"]["bytesTransferred"] == 4000


def test_watch_several(run_line: Run, stager: MemoryStager, document: Path) -> None:
    """The worst end of several jobs is the exit code; an id that isn't there is an error."""
    for end in ("completed", "stopped", "failed"):
        run_line(f"stager submit {document}")
        stager.change(f"job-{len(stager.jobs)}", end)
    assert len(run_line("stager watch job-1 job-2 job-3", ExitCode.JOB_FAILED).stdout.splitlines()) == 3
    run_line("stager watch job-1 job-2", ExitCode.JOB_STOPPED)
    run_line("stager watch job-1")
    run_line("stager watch job-1 nope", ExitCode.NOT_FOUND)


def test_bar_on_a_terminal(environment: dict[str, str], stager: MemoryStager, document: Path) -> None:
    """On a terminal there is a bar with files, bytes and, at the end, a line that stays."""
    halfway, seen_halfway = "2/4 files, 2.0 kB/4.0 kB", threading.Event()
    player = _play(stager, "completed", seen_halfway=seen_halfway)
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [STAGER, "submit", "--watch", str(document)],
        stdout=follower,
        stderr=follower,
        stdin=subprocess.DEVNULL,
        env=environment | {"TERM": "xterm", "COLUMNS": "120", "LANG": "C.UTF-8"},
    )
    os.close(follower)
    written = b""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if halfway.encode() in written:
            seen_halfway.set()
        if select.select([leader], [], [], 0.2)[0]:
            try:
                written += os.read(leader, 65536)
            except OSError:
                break
    os.close(leader)
    assert process.wait(30) == 0
    player.join()
    text = written.decode()
    assert "━" in text
    assert halfway in text
    assert "completed job-1 DICOM series: 4 files, 4.0 kB" in text


def test_interrupt_leaves_the_job(environment: dict[str, str], stager: MemoryStager, document: Path) -> None:
    """Ctrl-C ends the watch only, says how to come back, and exits with 130."""
    process = subprocess.Popen(
        ["env", "--default-signal=INT", STAGER, "submit", "--watch", str(document)],  # background jobs ignore it
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout
    assert process.stdout.readline().startswith("submitted job-1")
    assert process.stdout.readline().startswith("pending job-1")  # which the watch has told
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == ExitCode.INTERRUPTED
    assert "stager watch job-1" in error
    assert "Traceback" not in error
    assert stager.calls["Stop"] == 0


def test_lost_stager_while_following(run_line: Run, stager: MemoryStager, document: Path) -> None:
    """A cut line is said, and the job is followed to its end."""
    stager.watch_rounds = 1
    player = _play(stager, "completed")
    out = run_line(f"stager submit --watch {document}").stdout
    player.join()
    assert "trying again" in out
    assert out.splitlines()[-1].startswith("completed")


def test_title_can_not_steer_the_terminal(run_line: Run, task: dict[str, Any]) -> None:
    """Control characters of titles are written out everywhere."""
    evil = task | {"title": "\x1b[2Jgone\u202e\r"}
    out = run_line("stager submit -", stdin=json.dumps(evil)).stdout
    for line in ("stager list", "stager get job-1"):
        out += run_line(line).stdout
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\x1b[2Jgone\\u202e\\r" in out


def test_streamer(environment: dict[str, str], stager: MemoryStager) -> None:
    """The example resolves the collection, submits with the service account, follows and reports."""
    program = Path(__file__).parents[1] / "examples" / "streamer.py"
    player = _play(stager, "completed")
    line = [sys.executable, str(program), "3010000.01", "/project/3010000.01/raw/sub-01"]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60, check=False)
    player.join()
    assert done.returncode == 0, done.stderr
    assert "completed, 4 files" in done.stdout
    (job,) = stager.jobs.values()
    assert job.task.dst_url == "irods:/nl.ru.donders/di/dccn/DAC_3010000.01_173/raw/sub-01"
    assert stager.passwords == {}
    line[2] = "9"
    failed = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert failed.returncode == 1
    assert failed.stderr == "streamer: no collection is known for project 9\n"
