"""The unfinished file of a download, in folders that others may write to."""

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from s_isync.backends.local import LocalTree
from s_isync.errors import TransientError
from s_isync.names import part_name
from s_isync.tree import Incoming, Writer

_ME, _OTHER = 65534, 65533
_DATA = b"confidential"
_BIG = 32 * 1024 * 1024

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="changes identity, which takes root"),
]


@contextmanager
def _as(user: int, umask: int = 0o022) -> Iterator[None]:
    before = os.umask(umask)
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(user)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
        os.umask(before)


@pytest.fixture(params=[0o777, 0o1777], ids=["shared", "sticky"])
def folder(request: pytest.FixtureRequest, tmp_path_of_all: Path) -> Path:
    """A folder that everybody may write to; in a sticky one nobody may remove what is another's."""
    shared = tmp_path_of_all / "shared"
    shared.mkdir()
    shared.chmod(request.param)
    return shared


def _open(folder: Path, data: bytes = _DATA, mode: int | None = None, checksum: str | None = None) -> Writer:
    return LocalTree().open_writer(f"{folder}/f", Incoming(len(data), 10**18, None, checksum=checksum, mode=mode))


def _bring(folder: Path, data: bytes = _DATA, mode: int | None = None, checksum: str | None = None) -> None:
    writer = _open(folder, data, mode, checksum)
    writer.write_at(0, data)
    writer.commit("sha2:")


def _file(path: Path, mode: int) -> None:
    path.write_bytes(b"left by another user")
    path.chmod(mode)


def _link(path: Path, _mode: int) -> None:
    (path.parent / "elsewhere").write_bytes(b"theirs")
    path.hardlink_to(path.parent / "elsewhere")


@pytest.mark.parametrize(
    "plant",
    [
        _file,
        _link,
        lambda path, _mode: path.symlink_to("elsewhere"),
        lambda path, _mode: os.mkfifo(path),
        lambda path, _mode: path.mkdir(),
    ],
    ids=["file", "hard link", "link", "fifo", "folder"],
)
@pytest.mark.parametrize("mode", [0o666, 0o644, 0o600])
def test_what_another_user_has_put_there_neither_gets_the_bytes_nor_stops_them(
    folder: Path, plant: Callable[[Path, int], None], mode: int
) -> None:
    """The file is its user's own, as open to others as any new one, and holds what came."""
    with _as(_OTHER, umask=0):
        plant(folder / part_name("f"), mode)
    with _as(_ME, umask=0o077):
        _bring(folder)
    found = (folder / "f").stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (_ME, 0o600)
    assert (folder / "f").read_bytes() == _DATA
    if (folder / "elsewhere").exists():
        assert (folder / "elsewhere").read_bytes() == b"theirs"
    left = {name for name in os.listdir(folder) if name.startswith(".s-isync-part.")}  # noqa: PTH208 - dot files, too
    assert left <= {part_name("f")}


def test_what_another_user_is_writing_is_left_alone(folder: Path) -> None:
    """Two users bring a file of one name at once: both come through, and the second has it."""
    with _as(_OTHER):
        theirs = _open(folder)
    with _as(_ME):
        _bring(folder)
    with _as(_OTHER):
        theirs.write_at(0, b"CONFIDENTIAL")
        if folder.stat().st_mode & stat.S_ISVTX:
            theirs.abort(keep=False)
        else:
            theirs.commit("sha2:")
    sticky = folder.stat().st_mode & stat.S_ISVTX
    assert (folder / "f").read_bytes() == (_DATA if sticky else b"CONFIDENTIAL")
    assert os.listdir(folder) == ["f"]  # noqa: PTH208 - dot files, too


def test_a_second_transfer_by_the_same_user_is_kept_out(folder: Path) -> None:
    """Whatever permissions either has."""
    with _as(_ME):
        first = _open(folder)
        for mode in (None, 0o600):
            with pytest.raises(TransientError, match="another transfer"):
                _open(folder, mode=mode)
        first.abort(keep=False)
        _bring(folder)


def test_what_was_left_of_a_file_that_is_only_read_is_made_anew(folder: Path) -> None:
    """An ordinary user may not open it for writing, and may remove it."""
    with _as(_ME):
        _file(folder / part_name("f"), 0o444)
        _bring(folder)
    assert (folder / "f").read_bytes() == _DATA
    assert os.listdir(folder) == ["f"]  # noqa: PTH208 - dot files, too


def test_a_cut_download_over_a_file_that_is_only_read_can_be_gone_on_with(folder: Path) -> None:
    """What is left of it may be written to; at the end it is only read, and nothing else sticks to it."""
    data = os.urandom(_BIG) + b"rest"
    with _as(_ME):
        _file(folder / "f", 0o444)
        cut = _open(folder, data, checksum="sha2:x")
        cut.write_at(0, data[:_BIG])
        cut.abort(keep=True)
        again = _open(folder, data, checksum="sha2:x")
        assert again.start == _BIG
        again.write_at(_BIG, data[_BIG:])
        again.commit("sha2:x")
    assert (folder / "f").read_bytes() == data
    assert stat.S_IMODE((folder / "f").stat().st_mode) == 0o444
    assert os.listxattr(folder / "f") == []


def test_what_shall_be_read_by_its_user_alone_is_never_read_by_others(folder: Path) -> None:
    """Neither while it comes nor through what an earlier run has left more open."""
    part = folder / part_name("f")
    with _as(_ME):
        writer = _open(folder, mode=0o640)
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
        writer.write_at(0, _DATA)
        writer.commit("sha2:")
        assert stat.S_IMODE((folder / "f").stat().st_mode) == 0o640
        _file(part, 0o644)
    reading = os.open(part, os.O_RDONLY)
    with _as(_ME):
        _bring(folder, mode=0o600)
    assert os.read(reading, 100) == b"left by another user"
    os.close(reading)


def test_an_unfinished_file_that_was_exchanged_does_not_get_the_final_name(folder: Path) -> None:
    """What stands in its place is not what came."""
    with _as(_ME):
        writer = _open(folder)
        writer.write_at(0, _DATA)
        (folder / part_name("f")).rename(folder / "away")
        _file(folder / part_name("f"), 0o644)
        with pytest.raises(TransientError, match="in the place"):
            writer.commit("sha2:")
    assert not (folder / "f").exists()


def test_where_every_file_seems_to_be_another_users_nothing_heaps_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on some mounts: what one run leaves is gone with the next."""
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    for _ in range(2):
        writer = _open(folder, bytes(_BIG), checksum="sha2:x")
        writer.write_at(0, bytes(_BIG))
        writer.abort(keep=True)
        assert os.listdir(folder) == [part_name("f")]  # noqa: PTH208 - dot files, too
    _bring(folder)
    assert os.listdir(folder) == ["f"]  # noqa: PTH208 - dot files, too


def test_a_file_system_without_locks_will_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One's own file is gone on with; whether another user writes theirs can't be told, so it stays."""

    def no_locks(_fd: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with _as(_OTHER):
        _file(folder / part_name("f"), 0o666)
    with _as(_ME):
        _bring(folder)
    assert (folder / "f").read_bytes() == _DATA
    assert (folder / part_name("f")).read_bytes() == b"left by another user"
