"""As whom a transfer runs, and what it finds around it. Needs root: the users are real ones of this machine."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from stager_credentials import Keyring
from stager_credentials.key_directory import add_key
from stager_jobs.job import Job, State
from stager_jobs.rq_store import RqJobInspector
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Mark
from stager_jobs.rules import Rules
from stager_worker.accounts import find_account
from stager_worker.errors import TransferRefusedError
from stager_worker.processor import Processor
from stager_worker.settings import WorkerSettings
from stager_worker.stopping import Stopping

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="becomes other users, which takes root")]

GROUP = f"stgrtest{os.getpid()}"  # another run of these tests may be under way on this machine
USER = f"stgrjan{os.getpid()}"


@pytest.fixture(scope="module")
def user() -> Iterator[pwd.struct_passwd]:
    """A user with a supplementary group, removed again."""
    subprocess.run(["groupadd", "-f", GROUP], check=True)
    subprocess.run(["useradd", "-M", "-d", f"/home/{USER}", "-G", GROUP, USER], check=True)
    yield pwd.getpwnam(USER)
    _remove_user(USER)
    subprocess.run(["groupdel", GROUP], check=True)


@pytest.fixture
def seen(
    redis: Redis,
    settings: WorkerSettings,
    submit: Callable[..., Job],
    inspector: RqJobInspector,
    user: pwd.struct_passwd,
    folder: Path,
) -> dict[str, Any]:
    """What a transfer of the user's sees of itself."""
    job = submit("identity", folder / "seen", stager_user=user.pw_name)
    claims = Claims(redis, Rules(), "w1", Mark())
    claim = claims.claim(QUEUES)
    assert claim
    os.environ["STAGER_TEST_MARK"] = "of the worker's"
    os.umask(0)
    Processor(settings, None, Stopping(), lambda _ended: None).run(claim, claims.lease(claim))
    os.umask(0o022)
    assert inspector.get(job.id).state is State.COMPLETED, inspector.get(job.id).last_error
    found: dict[str, Any] = json.loads((folder / "seen").read_text())
    return found | {"stat": (folder / "seen").stat()}


def test_it_is_the_user_and_nobody_else(seen: dict[str, Any], user: pwd.struct_passwd) -> None:
    """All three uids and gids are the user's, with the supplementary groups and no others."""
    assert seen["uid"] == [user.pw_uid] * 3
    assert seen["gid"] == [user.pw_gid] * 3
    assert sorted(seen["groups"]) == sorted(os.getgrouplist(USER, user.pw_gid))
    assert (seen["stat"].st_uid, seen["stat"].st_gid) == (user.pw_uid, user.pw_gid)


def test_it_finds_nothing_of_the_worker(seen: dict[str, Any], user: pwd.struct_passwd) -> None:
    """No environment, no descriptors but stdio, the pipe's number reused by the listing, and the lock; no secrets."""
    assert seen["environment"] == {
        "HOME": user.pw_dir,
        "USER": USER,
        "LOGNAME": USER,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONNOUSERSITE": "1",
        "PYTHONSAFEPATH": "1",
    }
    assert len(seen["fds"]) <= 6
    assert seen["writable"] == []
    assert seen["cwd"] == "/"
    assert seen["sid"] is True
    assert "service-pw" not in " ".join(seen["arguments"])
    assert seen["connection"]["password"] == "service-pw"


def test_it_is_held_to_the_roots(seen: dict[str, Any], user: pwd.struct_passwd) -> None:
    """Those of the settings, the user's home among them; and no path is taken for an option."""
    options, paths = seen["arguments"][1:-3], seen["arguments"][-3:]
    held = [option for option in options if option.startswith("--within")]
    assert held == ["--within=/project", "--within=/project_cephfs", f"--within={user.pw_dir}"]
    assert paths[:2] == ["--", "/identity/data"]


@pytest.mark.parametrize("home", ["", "/", "//", "relative"])
def test_a_home_that_is_everything_is_no_root(settings: WorkerSettings, home: str) -> None:
    """An account without a home, or with the whole machine for one, has none."""
    assert list(settings.roots_of(home)) == ["/project", "/project_cephfs"]


def test_it_can_gain_nothing(seen: dict[str, Any]) -> None:
    """No new privileges, no capabilities, and its files are closed to others."""
    status = dict(line.split(":\t", 1) for line in seen["status"].splitlines() if ":\t" in line)
    assert status["NoNewPrivs"] == "1"
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert seen["stat"].st_mode & 0o777 == 0o640


def test_it_is_held_within_limits(seen: dict[str, Any]) -> None:
    """No core file, which would hold the password; memory and open files that don't take the machine along."""
    assert seen["limits"] == {"core": [0, 0], "files": [4096, 4096], "memory": [8 * 2**30] * 2}


def test_nothing_runs_where_the_kernel_grants_no_protection(
    redis: Redis,
    settings: WorkerSettings,
    submit: Callable[..., Job],
    inspector: RqJobInspector,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A kernel that knows no `no new privileges`, or refuses it, is no reason to go on without."""
    monkeypatch.setattr("stager_worker.prctl._PR_SET_NO_NEW_PRIVS", 9999)
    job = submit("identity", folder / "seen")
    claims = Claims(redis, Rules(), "w1", Mark())
    claim = claims.claim(QUEUES)
    assert claim
    Processor(settings, None, Stopping(), lambda _ended: None).run(claim, claims.lease(claim))
    assert not (folder / "seen").exists()
    assert inspector.get(job.id).state is State.RETRY


def test_system_accounts_are_refused(settings: WorkerSettings) -> None:
    """Root by name in system_users only; others with a small uid not at all."""
    assert find_account("root", settings).uid == 0
    with pytest.raises(TransferRefusedError, match="system account"):
        find_account("daemon", settings)
    with pytest.raises(TransferRefusedError, match="system account"):
        find_account("root", settings.model_copy(update={"system_users": ()}))
    with pytest.raises(TransferRefusedError, match="system account"):
        find_account("nobody", settings)


@pytest.mark.parametrize("uid", [2**31, 2**32 - 2])
def test_large_uids_are_themselves(
    redis: Redis, settings: WorkerSettings, submit: Callable[..., Job], folder: Path, uid: int
) -> None:
    """Fault 9: a uid that was cut to 31 bits was somebody else's."""
    name = f"stgrbig{os.getpid()}"
    subprocess.run(["groupadd", "-f", "-g", str(uid), name], check=True)
    subprocess.run(["useradd", "-M", "-N", "-l", "-u", str(uid), "-g", str(uid), name], check=True)
    try:
        submit("identity", folder / "seen", stager_user=name)
        claims = Claims(redis, Rules(), "w1", Mark())
        claim = claims.claim(QUEUES)
        assert claim
        Processor(settings, None, Stopping(), lambda _ended: None).run(claim, claims.lease(claim))
        found = json.loads((folder / "seen").read_text())
        assert (found["uid"], found["gid"], found["groups"]) == ([uid] * 3, [uid] * 3, [uid])
    finally:
        _remove_user(name)
        subprocess.run(["groupdel", name], check=False, capture_output=True)


def test_sealed_credentials_open_for_their_job_only(
    redis: Redis,
    settings: WorkerSettings,
    submit: Callable[..., Job],
    inspector: RqJobInspector,
    user: pwd.struct_passwd,
    folder: Path,
    tmp_path: Path,
) -> None:
    """The password reaches s-isync; the same sealed text in another user's job is refused."""
    key_id = add_key(tmp_path / "keys")
    keyring = Keyring.load(tmp_path / "keys")
    sealed = keyring.sealing_key(key_id).seal("jan's own", owner=USER, dr_user="jan@ru.nl")
    claims = Claims(redis, Rules(), "w1", Mark())
    found = []
    for number, owner in enumerate([USER, "root"]):
        job = submit("identity", folder / f"s{number}", stager_user=owner, dr_user="jan@ru.nl", dr_pass=sealed)
        claim = claims.claim(QUEUES)
        assert claim
        Processor(settings, keyring, Stopping(), lambda _ended: None).run(claim, claims.lease(claim))
        found.append(inspector.get(job.id))
    assert found[0].state is State.COMPLETED
    assert json.loads((folder / "s0").read_text())["connection"]["password"] == "jan's own"
    assert found[1].last_error
    assert found[1].last_error.code == "credential"
    assert not [key for key in redis.scan_iter("rq:job:*") if redis.hexists(key, "stager_credential")]
    assert user.pw_uid != 0


def _remove_user(name: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        done = subprocess.run(["userdel", name], check=False, capture_output=True, text=True)
        if done.returncode != 8:  # a process of theirs is still ending
            break
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.1)
    assert done.returncode == 0, done.stderr
