"""Links that change while somebody looks: a thread swaps a folder for a link and back, thousands of times.

Others may write to the folders of a project. A link that one of them puts where a folder was must never lead a listing
out of its roots, nor a transfer into or out of folders that it wasn't given.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from s_isync.backends import beneath
from s_isync.backends.ground import Ground, OutsideError
from s_isync.backends.local import LocalTree
from s_isync.checksums import DEFAULT_SCHEME, checksum_of
from s_isync.errors import TreeError
from s_isync.tree import Incoming
from stager_api.directories import as_user

TRIES = 3000
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE
DATA, SECRET = b"inside", b"SECRET"
INSIDE = checksum_of(DATA, DEFAULT_SCHEME)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A root with a folder in it, the link that takes its place now and then, and what it must not lead to."""
    for folder in ("root/folder", "outside"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "root/folder/f").write_bytes(DATA)
    (tmp_path / "outside/f").write_bytes(SECRET)
    (tmp_path / "outside/OUTSIDE").write_bytes(SECRET)
    (tmp_path / "root/link").symlink_to(tmp_path / "outside")
    return tmp_path


@pytest.fixture
def swapping(place: Path) -> Iterator[Callable[[], int]]:
    """Swaps `root/folder` and `root/link`, in one step, as fast as it can; gives how often it has."""
    folder, link = (os.fsencode(place / "root" / name) for name in ("folder", "link"))
    libc = ctypes.CDLL(None, use_errno=True)
    ended, swaps = threading.Event(), [0]

    def swap() -> None:
        while not ended.is_set():
            if libc.renameat2(_HERE, folder, _HERE, link, _EXCHANGE) == 0:
                swaps[0] += 1

    thread = threading.Thread(target=swap)
    thread.start()
    yield lambda: swaps[0]
    ended.set()
    thread.join()


@pytest.fixture(params=["openat2", "walk"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the kernel's own means, and without, as in a container that forbids them."""
    monkeypatch.setattr(beneath, "_by_kernel", request.param == "openat2")
    return str(request.param)


def test_the_kernel_has_openat2() -> None:
    """Else the tests below would try the walk twice."""
    folder = os.open("/", os.O_PATH)
    os.close(beneath.open_folder(folder, "proc"))
    os.close(folder)
    assert beneath._by_kernel


def test_listings_stay_inside(place: Path, swapping: Callable[[], int]) -> None:
    """What the API tells of a directory is below its roots, or nothing is told."""
    root = str(place / "root")
    told: set[str] = set()
    for number in range(TRIES):
        path = f"{root}/folder" + ("/." if number % 2 else "")
        request: dict[str, Any] = {"path": path, "roots": [root], "hidden": True, "size": 9, "after": ""}
        with suppress(OSError):
            for answer in as_user.listing(request):
                told |= {entry["name"] for entry in answer.get("entries", ())} or {answer.get("error", "")}
    assert told == {"f", "outside"}
    assert swapping() > 100


def test_measurements_stay_inside(place: Path, swapping: Callable[[], int]) -> None:
    """Nothing outside is counted."""
    root = str(place / "root")
    for _ in range(TRIES // 3):
        (answer,) = (found for found in as_user.measurement({"paths": [root], "roots": [root]}) if found["final"])
        assert answer["measured"][0]["bytes"] in {0, len(DATA), 2 * len(DATA)}
    assert swapping() > 100


@pytest.mark.usefixtures("way")
def test_uploads_read_nothing_outside(place: Path, swapping: Callable[[], int]) -> None:
    """A scan lists nothing of it, and no file is read through the link, by any of the ways to read one."""
    tree = LocalTree(ground=Ground(str(place / "root"), within=[str(place / "root")]))
    path = str(place / "root/folder/f")
    read = 0
    for number in range(TRIES):
        with suppress(TreeError):
            if number % 3 == 0:
                found = [item.path for item in tree.scan(str(place / "root"), lambda *_: None)]
                assert not [name for name in found if "OUTSIDE" in name]
            elif number % 3 == 1:
                assert tree.checksum(path, None, lambda _: None) == INSIDE
                read += 1
            elif (standing := tree.stat(path)) is not None:
                reader = tree.open_reader(path, standing)
                assert reader.read_at(0, 100) == DATA
                reader.close()
                read += 1
    tree.close()
    assert read > 10
    assert swapping() > 100


@pytest.mark.usefixtures("way")
def test_downloads_write_nothing_outside(place: Path, swapping: Callable[[], int]) -> None:
    """Files, folders and removals: what the link leads to stays as it was."""
    tree = LocalTree(ground=Ground(str(place / "root"), within=[str(place / "root")]))
    top = str(place / "root/folder")
    written = number = 0
    while number < TRIES or (written <= 10 and number < 100 * TRIES):
        number += 1
        with suppress(TreeError):
            if number % 3 == 0:
                tree.make_folder(f"{top}/made{number}/deeper")
            elif number % 3 == 1:
                tree.remove_file(f"{top}/OUTSIDE")
                tree.remove_folder(f"{top}/made{number - 1}/deeper")
            else:
                writer = tree.open_writer(f"{top}/new{number}", Incoming(3))
                try:
                    writer.write_at(0, b"new")
                    writer.commit("")
                except BaseException:
                    writer.abort(keep=False)
                    raise
                written += 1
    tree.close()
    assert sorted(path.name for path in (place / "outside").iterdir()) == ["OUTSIDE", "f"]
    assert written > 10
    assert swapping() > 100


def test_the_way_to_the_root_is_gone_once(place: Path) -> None:
    """Whoever swaps the root itself changes nothing for a run that has begun; one that begins later is refused."""
    root = place / "root"
    tree = LocalTree(ground=Ground(str(root / "folder"), within=[str(root)]))
    assert tree.stat(str(root / "folder")) is not None
    (root / "folder").rename(root / "spare")
    (root / "link").rename(root / "folder")
    assert [entry.path for entry in tree.scan(str(root / "folder"), lambda *_: None)] == ["f"]
    with pytest.raises(OutsideError):
        LocalTree(ground=Ground(str(root / "folder"), within=[str(root)])).stat(str(root / "folder"))


@pytest.mark.parametrize(
    "given",
    ["outside", "outside/f", "outside/new", "root/link", "root/link/f", "root/file", "root-and-more", "root/up"],
)
@pytest.mark.parametrize("follow_links", [False, True])
def test_what_lies_outside_is_refused(place: Path, given: str, follow_links: bool) -> None:
    """By its name, through links on the way, through a link of its own, by the beginning of a name."""
    (place / "root-and-more").mkdir()
    (place / "root/file").symlink_to("../outside/f")
    (place / "root/up").symlink_to("..")
    path = str(place / given)
    tree = LocalTree(ground=Ground(path, within=[str(place / "root")], follow_links=follow_links))
    with pytest.raises(OutsideError):
        tree.stat(path)


@pytest.mark.parametrize(
    "given", ["root", "root/folder", "root/folder/f", "root/new", "root/a/b/c", "elsewhere/folder"]
)
def test_what_lies_inside_is_taken(place: Path, given: str) -> None:
    """Whether it is there or not, and whatever leads to it."""
    (place / "elsewhere").symlink_to("root")
    path = str(place / given)
    LocalTree(ground=Ground(path, within=[str(place / "root")])).stat(path)
