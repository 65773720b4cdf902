"""DirectoryService: the user's own rights decide, and what is told is what is there."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_harness import JAN, OPEN, PIET, ROOT, SECONDS, Api, Users, code, login, needs_root, refused, violations
from grpc import StatusCode
from stager.v1 import directory_service_pb2 as pb
from stager_api.access import Access
from stager_api.accounts import Account, find_account
from stager_api.directories import child
from stager_api.directories.child import run_child
from stager_api.directories.storage import Storage
from stager_api.principal import Kind, Principal


@pytest.fixture
def project(users: Users) -> Iterator[Path]:
    """A folder of jan's under an allowed root, that everybody may search on the way."""
    made = subprocess.run(["mktemp", "-d", f"{OPEN}/project.XXXXXX"], check=True, capture_output=True, text=True)
    folder = Path(made.stdout.strip())
    folder.chmod(0o755)
    owner = pwd.getpwnam(users.jan)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    yield folder
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def listing(
    api: Api, path: object, metadata: list[tuple[str, str]] = JAN, **more: object
) -> pb.DirectoryServiceListResponse:
    """A page of a directory."""
    return api.directories.List(
        pb.DirectoryServiceListRequest(path=str(path), **more), metadata=metadata, timeout=SECONDS
    )


def test_every_kind_of_entry_is_told(running_api: Api, project: Path) -> None:
    """Types, sizes, times and link targets; in the order of names; dot files on request only."""
    (project / "b.nii").write_bytes(b"x" * 1234)
    os.utime(project / "b.nii", ns=(0, 1_700_000_000_123_456_789))
    (project / "a dir").mkdir()
    (project / "link").symlink_to("/nowhere/at all")
    os.mkfifo(project / "pipe")
    (project / ".hidden").touch()
    entries = listing(running_api, project).entries
    assert [(entry.name, entry.type, entry.size) for entry in entries] == [
        ("a dir", pb.ENTRY_TYPE_DIRECTORY, 0),
        ("b.nii", pb.ENTRY_TYPE_FILE, 1234),
        ("link", pb.ENTRY_TYPE_SYMLINK, 0),
        ("pipe", pb.ENTRY_TYPE_OTHER, 0),
    ]
    assert entries[1].modified_at.ToNanoseconds() == 1_700_000_000_123_456_789
    assert entries[2].symlink_target == "/nowhere/at all"
    assert ".hidden" in [entry.name for entry in listing(running_api, project, include_hidden=True).entries]


@pytest.mark.parametrize("name", ["'; rm -rf $HOME; '", "-l", "a\nb", "e\u0301\u00e9 \U0001f9e0", "`id`", " "])
def test_odd_names_come_back_as_they_are(running_api: Api, project: Path, name: str) -> None:
    """Also as the directory that is listed; nothing is run and nothing parsed."""
    (project / name).mkdir()
    (project / name / "in it").touch()
    assert [entry.name for entry in listing(running_api, project, include_hidden=True).entries] == [name]
    assert [entry.name for entry in listing(running_api, project / name).entries] == ["in it"]


def test_names_that_are_no_text_are_marked(running_api: Api, project: Path) -> None:
    """They are shown, and can't be used in a path."""
    Path(os.fsdecode(os.fsencode(project) + b"/\xff\xfe")).touch()
    [entry] = listing(running_api, project).entries
    assert (entry.name, entry.undecodable) == ("\\xff\\xfe", True)


def test_pages_hold_every_name_once(running_api: Api, project: Path) -> None:
    """Page by page, whatever the size, without one missing or twice."""
    names = sorted(f"file {number}" for number in range(2500))
    for name in names:
        (project / name).touch()
    found, token = [], ""
    while True:
        page = listing(running_api, project, page_size=700, page_token=token)
        found += [entry.name for entry in page.entries]
        token = page.next_page_token
        if not token:
            break
    assert found == names
    assert len(listing(running_api, project).entries) == 1000


def test_a_page_never_outgrows_a_message(running_api: Api, project: Path) -> None:
    """Long names and link targets end a page early."""
    for number in range(1000):
        (project / f"{number:05}{'x' * 200}").symlink_to("y" * 4000)
    page = listing(running_api, project, page_size=10_000)
    assert page.ByteSize() < 3_000_000
    assert page.next_page_token
    assert 100 < len(page.entries) < 1000


@needs_root
@pytest.mark.root
def test_the_users_own_rights_decide(running_api: Api, project: Path, users: Users) -> None:
    """Fault 10 of the originals: an unreadable directory is PERMISSION_DENIED, not an empty one."""
    project.chmod(0o700)
    (project / "mine").touch()
    assert [entry.name for entry in listing(running_api, project).entries] == ["mine"]
    assert code(lambda: listing(running_api, project, PIET)) is StatusCode.PERMISSION_DENIED
    assert code(lambda: listing(running_api, project / "mine", PIET)) is StatusCode.PERMISSION_DENIED
    assert code(lambda: listing(running_api, project, JAN, stager_user=users.piet)) is StatusCode.PERMISSION_DENIED


@needs_root
@pytest.mark.root
def test_supplementary_groups_count(running_api: Api, project: Path, users: Users) -> None:
    """Fault 9: who is in a directory's group by /etc/group may read it."""
    subprocess.run(["chown", f"root:{users.group}", str(project)], check=True)
    project.chmod(0o750)
    (project / "ours").touch()
    assert [entry.name for entry in listing(running_api, project).entries] == ["ours"]
    assert code(lambda: listing(running_api, project, PIET)) is StatusCode.PERMISSION_DENIED


def test_links_lead_nowhere_outside_of_the_roots(running_api: Api, project: Path) -> None:
    """A link to an allowed place is followed, one that leads out is refused, however the path is written."""
    (project / "inside").mkdir()
    (project / "inside" / "here").touch()
    (project / "in").symlink_to("inside")
    (project / "out").symlink_to("/etc")
    assert [entry.name for entry in listing(running_api, project / "in").entries] == ["here"]
    for path in (project / "out", "/etc", "/", f"{project}/out/", f"{OPEN}x"):
        assert code(lambda p=path: listing(running_api, p)) in {StatusCode.PERMISSION_DENIED, StatusCode.NOT_FOUND}


def test_home_is_a_root_of_its_own(running_api: Api, users: Users) -> None:
    """`~` among the roots allows the user's home."""
    home = pwd.getpwnam(users.jan).pw_dir
    assert ".bashrc" in [entry.name for entry in listing(running_api, home, include_hidden=True).entries] or not ROOT


@pytest.mark.parametrize("path", ["", "relative", f"{OPEN}/../etc", f"{OPEN}/\0", "/" + "x" * 5000])
def test_bad_paths_are_invalid(running_api: Api, path: str) -> None:
    """The violation names the field."""
    assert "path" in violations(refused(lambda: listing(running_api, path)))


def test_missing_and_files_are_told_apart(running_api: Api, project: Path) -> None:
    """No such directory is NOT_FOUND, a file is no directory."""
    (project / "file").touch()
    assert code(lambda: listing(running_api, project / "missing")) is StatusCode.NOT_FOUND
    assert violations(refused(lambda: listing(running_api, project / "file"))) == {"path": "is not a directory"}
    os.mkfifo(project / "pipe")
    assert violations(refused(lambda: listing(running_api, project / "pipe"))) == {"path": "is not a directory"}


def test_sizes_and_tokens_are_checked(running_api: Api) -> None:
    """Both have their violation."""
    assert set(violations(refused(lambda: listing(running_api, OPEN, page_size=10_001)))) == {"page_size"}
    assert set(violations(refused(lambda: listing(running_api, OPEN, page_token="%")))) == {"page_token"}
    assert set(violations(refused(lambda: listing(running_api, OPEN, login("everybody"))))) == {"stager_user"}


@pytest.mark.skipif(ROOT, reason="root can be anybody")
def test_without_root_other_users_are_refused_clearly(running_api: Api, users: Users) -> None:
    """FAILED_PRECONDITION, with the reason."""
    error = refused(lambda: listing(running_api, OPEN, login("everybody"), stager_user=users.piet))
    assert error.code() is StatusCode.FAILED_PRECONDITION
    assert "doesn't run as root" in (error.details() or "")


@needs_root
@pytest.mark.root
def test_child_has_the_users_identity_and_nothing_of_ours(
    users: Users, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids, groups, environment, descriptors and umask of the child, read by a program run in its place."""
    monkeypatch.setenv("STAGER_SECRET", "marked")
    inherited = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    spy = b"""
def listing(request):
    status = open('/proc/self/status').read()
    caps = [line.split()[1] for line in status.splitlines() if line.startswith('CapEff')][0]
    yield {'uids': os.getresuid(), 'gids': os.getresgid(), 'groups': os.getgroups(), 'env': sorted(os.environ),
            'fds': len(os.listdir('/proc/self/fd')), 'cwd': os.getcwd(), 'caps': int(caps, 16),
            'session': os.getsid(0) == os.getpid(), 'umask': os.umask(0),
            'limits': [resource.getrlimit(what)[1] for what in (resource.RLIMIT_AS, resource.RLIMIT_CORE)]}

"""
    spy = child._PROGRAM.replace(b"if __name__ ==", spy + b"if __name__ ==")
    monkeypatch.setattr("stager_api.directories.child._PROGRAM", spy)
    account = find_account(users.jan)
    assert account
    seen = run_child(account, {"action": "list"}, 10)
    os.close(inherited)
    assert seen["uids"] == [account.uid] * 3
    assert seen["gids"] == [account.gid] * 3
    assert sorted(seen["groups"]) == sorted(account.groups)
    assert len(account.groups) == 2
    assert set(seen["env"]) <= {"STAGER_LOOK", "LC_CTYPE"}
    assert (seen["fds"], seen["cwd"], seen["caps"], seen["session"], seen["umask"]) == (4, "/", 0, True, 0o077)
    assert seen["limits"] == [2**30, 0]


@needs_root
@pytest.mark.root
@pytest.mark.parametrize("uid", [2**31, 2**32 - 2])
def test_large_uids_are_themselves(uid: int) -> None:
    """Fault 9: a uid that was cut to 31 bits was somebody else's."""
    folder = Path(tempfile.mkdtemp())
    try:
        os.chown(folder, uid, uid)
        request = {
            "action": "list",
            "path": str(folder),
            "roots": [str(folder)],
            "hidden": True,
            "size": 9,
            "after": "",
        }
        assert run_child(Account("big", uid, uid, (uid,), "/"), request, 10) == {"entries": [], "next": ""}
        assert run_child(Account("not", uid - 1, uid - 1, (), "/"), request, 10)["error"] == "denied"
    finally:
        folder.rmdir()


@pytest.mark.parametrize("home", ["", "/", "//", "relative"])
def test_a_home_that_is_everything_is_no_root(home: str) -> None:
    """An account without a home, or with the whole machine for one, has none to look into."""
    account = Account("jan", 4242, 4242, (), home)
    access = Access(lambda _: account)
    jan = Principal("jan", Kind.PERSON)
    assert Storage(access, ("/project", "~")).enter(jan, "jan") == (account, ["/project"])


@pytest.mark.parametrize(
    "program",
    [
        b"import time; time.sleep(60)",
        b"print('x' * 20_000_000)",
        b"print('[]')",
        b"print('{' * 100_000)",
        b"import os; os.kill(os.getpid(), 9)",
        b"import os, time\nos.close(1)\ntime.sleep(60)",
    ],
)
def test_an_answer_that_makes_no_sense_is_unavailable(
    users: Users, monkeypatch: pytest.MonkeyPatch, program: bytes
) -> None:
    """The child may be anything, since the user could have taken it over; it costs neither time nor memory."""
    from stager_api.errors import UnavailableError

    monkeypatch.setattr("stager_api.directories.child._PROGRAM", program)
    account = find_account(users.jan)
    assert account
    with pytest.raises(UnavailableError):
        run_child(account, {}, 1.0)


def test_child_needs_nothing_but_the_standard_library(users: Users) -> None:
    """It is fed to an interpreter without site packages, and starts fast."""
    account = find_account(users.jan)
    assert account
    answer = run_child(
        account, {"action": "list", "path": OPEN, "roots": [OPEN], "hidden": True, "size": 1, "after": ""}, 10
    )
    assert set(answer) == {"entries", "next"}
    assert sys.executable
