"""The stack with the sandbox, as somebody meets it who tries it out."""

from __future__ import annotations

import filecmp
import os
import re
import time
from pathlib import Path

import httpx
import pytest
from container_stack import ENGINE, SECONDS, SERVICES, Stack, run

COLLECTION = "irods:/nl.ru.donders/di/dccn/DAC_3010000.01_173"
ALICE = 2001
CAPABILITIES = {"worker": {5, 6, 7}, "api": {6, 7}}
"""CAP_KILL is 5, CAP_SETGID 6, CAP_SETUID 7."""


def files(folder: Path) -> dict[str, Path]:
    """All files of a folder by their paths in it."""
    return {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}


def test_a_data_set_goes_up_and_comes_back(stack: Stack) -> None:
    """Every byte returns, as files of the user who asked, and the user is told by mail."""
    project = stack.folder / "project/3010000.01"
    up = stack.move("/project/3010000.01/raw", f"{COLLECTION}/raw")
    assert up["state"] == "completed", (up, stack.said("worker"))
    down = stack.move(f"{COLLECTION}/raw", "/project/3010000.01/back")
    assert down["state"] == "completed", (down, stack.said("worker"))
    sent, returned = files(project / "raw"), files(project / "back")
    assert len(sent) > 300
    assert sent.keys() == returned.keys()
    assert all(filecmp.cmp(path, returned[name], shallow=False) for name, path in sent.items())
    assert {path.stat().st_uid for path in returned.values()} == {ALICE}
    mails = [path.read_text() for path in (stack.folder / "sandbox/mail").glob("*alice*.eml")]
    assert len([mail for mail in mails if up["id"] in mail]) == 1


def test_the_project_storage_is_listed_as_the_user(stack: Stack) -> None:
    """Alice sees her folder; bob, who may not enter it, does not."""
    assert "raw" in stack.stager("ls", "--of", "alice", "/project/3010000.01").stdout
    refused = stack.stager("ls", "--of", "bob", "/project/3010000.01")
    assert refused.returncode == 4, refused


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_no_more_rights_than_it_needs(stack: Stack, service: str) -> None:
    """A root file system that can't be written, no way to new privileges, and two or three capabilities at most."""
    state = dict(line.split(":\t", 1) for line in stack.inside(service, "cat", "/proc/1/status").splitlines())
    bits = int(state["CapBnd"], 16)
    assert {bit for bit in range(64) if bits >> bit & 1} == CAPABILITIES.get(service, set())
    assert int(state["CapEff"], 16) == bits
    assert state["NoNewPrivs"].strip() == "1"
    assert (state["Uid"].split()[0] == "0") == (service in CAPABILITIES)
    assert (
        run(ENGINE, "inspect", "--format", "{{.HostConfig.ReadonlyRootfs}}", stack.container(service)).stdout.strip()
        == "true"
    )
    refused = stack.inside(service, "sh", "-c", "touch /opt/x 2>&1 || true")
    assert "Read-only file system" in refused or "Permission denied" in refused


def test_somebody_signs_in(stack: Stack) -> None:
    """From the web application to the OpenID provider and back, as a browser on this machine does."""
    with httpx.Client(follow_redirects=True, timeout=30) as browser:
        page = browser.get(f"http://127.0.0.1:{stack.ports['ui']}/login?next=/")
        if 'name="password"' not in page.text:
            link = re.search(r'href="(/login[^"]*)"', page.text)
            assert link, page.text
            page = browser.get(f"http://127.0.0.1:{stack.ports['ui']}{link[1].replace('&amp;', '&')}")
        form = re.search(r'name="form" value="([^"]+)"', page.text)
        assert form, page.text
        answer = browser.post(
            str(page.url), data={"form": form[1], "name": "alice", "password": stack.password("alice")}
        )
        assert answer.status_code == 200
        assert answer.url.port == stack.ports["ui"]
        assert "alice" in answer.text.lower()


def test_administrators_log_in(stack: Stack) -> None:
    """rq-dashboard opens with the password that was made, and not without."""
    address = f"http://127.0.0.1:{stack.ports['admin']}/rq/"
    password = (stack.folder / "secrets/admin-password").read_text().strip()
    assert httpx.get(address, timeout=30).status_code == 401
    assert httpx.get(address, auth=("admin", password), timeout=30).status_code == 200


def test_no_secret_stands_in_a_log(stack: Stack) -> None:
    """What the containers print holds none of the passwords."""
    secrets = [stack.password("alice"), (stack.folder / "secrets/admin-password").read_text().strip()]
    secrets += re.findall(r"redis://\w+:([^@]+)@", (stack.folder / "secrets/worker.env").read_text())
    for service in (*SERVICES, "sandbox"):
        said = run(ENGINE, "logs", stack.container(service))
        assert not [secret for secret in secrets if secret in said.stdout + said.stderr], service


def test_an_update_of_the_worker_loses_no_job(stack: Stack) -> None:
    """Stopped in the middle of a job with others in line, it hands the job on; its successor goes on, and ends all."""
    many = stack.folder / "project/3010000.01/many"
    many.mkdir()
    for number in range(4000):
        (many / f"{number}.dat").write_bytes(b"%d" % number * 500)
    for path in [many, *many.iterdir()]:
        os.chown(path, ALICE, ALICE)
    long = stack.submit("/project/3010000.01/many", f"{COLLECTION}/many")
    others = [stack.submit("/project/3010000.01/raw/odd names", f"{COLLECTION}/odd-{number}") for number in range(3)]
    deadline = time.monotonic() + SECONDS
    while int(stack.job(long).get("progress", {}).get("filesTransferred", 0)) < 100:
        assert time.monotonic() < deadline, (stack.job(long), stack.said("worker"))
        time.sleep(0.1)
    before = run(ENGINE, "inspect", "--format", "{{.Id}}", stack.container("worker")).stdout
    stack.compose("up", "-d", "--no-build", "--no-deps", "--force-recreate", "worker")
    assert run(ENGINE, "inspect", "--format", "{{.Id}}", stack.container("worker")).stdout != before
    for job_id in (long, *others):
        stack.stager("watch", job_id)
    ended = [stack.job(job_id) for job_id in (long, *others)]
    assert {job["state"] for job in ended} == {"completed"}, ended
    progress = {name: int(count) for name, count in ended[0]["progress"].items() if name.startswith("files")}
    assert progress["filesSkipped"] >= 100, progress
    assert progress["filesSkipped"] + progress["filesTransferred"] == 4000


def test_jobs_outlive_a_power_cut_of_redis(stack: Stack) -> None:
    """A job that was acknowledged is there after Redis was killed and has come back."""
    job = stack.move("/project/3010000.01/raw/odd names", f"{COLLECTION}/kept")
    run(ENGINE, "kill", "--signal", "KILL", stack.container("redis"))
    run(ENGINE, "start", stack.container("redis"))
    stack.wait_healthy()
    assert stack.job(job["id"])["state"] == "completed"


def test_a_backup_brings_lost_jobs_back(stack: Stack, tmp_path: Path) -> None:
    """What was saved is there again after it was deleted; the file is its owner's alone."""
    job = stack.move("/project/3010000.01/raw/odd names", f"{COLLECTION}/saved")
    saved = tmp_path / "redis.tar"
    run("deploy/backup.sh", "save", stack.container("redis"), saved)
    assert saved.stat().st_mode & 0o077 == 0
    stack.wait_healthy()
    assert stack.stager("delete", job["id"]).returncode == 0
    assert stack.stager("get", job["id"]).returncode == 5
    run("deploy/backup.sh", "restore", stack.container("redis"), saved)
    stack.wait_healthy()
    assert stack.job(job["id"])["state"] == "completed"
