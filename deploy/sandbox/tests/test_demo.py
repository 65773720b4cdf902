"""The demo's own parts; the whole of it is tried in tests/integration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from stager_sandbox.demo.errors import DemoError
from stager_sandbox.demo.place import Place
from stager_sandbox.demo.sample_data import make_sample_data
from stager_sandbox.demo.task import readme_task
from stager_sandbox.demo.verify import verify_download, verify_upload
from stager_sandbox.zone import Zone

HOME = "/nl.ru.donders/home/alice"


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """A small folder that was sent."""
    folder = tmp_path / "sent"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_bytes(b"a")
    (folder / "sub" / "empty").touch()
    return folder


@pytest.fixture
def zone(sent: Path) -> Iterator[Zone]:
    """A zone in which it has arrived."""
    with Zone({"alice": "alicepw"}) as running:
        running.files.make_collection("alice", f"{HOME}/sub")
        for name in ("a", "sub/empty"):
            with running.files.write("alice", f"{HOME}/{name}") as upload:
                upload.write((sent / name).read_bytes())
            running.files.checksum("alice", f"{HOME}/{name}")
        yield running


def test_sample_data_is_what_it_is_said_to_be(tmp_path: Path) -> None:
    """Some 300 files, real DICOM among them, one of 200 MB, an empty one, odd names; the same at the next time."""
    make_sample_data(tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    sizes = sorted(path.stat().st_size for path in files)
    assert 300 <= len(files) <= 400
    assert (sizes[0], sizes[-1]) == (0, 200_000_352)
    assert any(path.read_bytes()[128:132] == b"DICM" for path in (tmp_path / "dicom").rglob("CT_small.dcm"))
    assert any(path.name == "-rf" for path in files)


def test_an_upload_that_arrived_is_verified(sent: Path, zone: Zone) -> None:
    """Equal checksums on both sides are counted."""
    tally = verify_upload(sent, zone.files, "alice", HOME)
    assert (tally.files, tally.size) == (2, 1)


@pytest.mark.parametrize("damage", ["changed", "missing", "unexpected", "stale", "without checksum"])
def test_a_faulty_upload_is_found(sent: Path, zone: Zone, damage: str) -> None:
    """A file that differs, is missing or too many, isn't good or has no checksum in the zone ends the demo."""
    if damage == "changed":
        (sent / "a").write_bytes(b"b")
    elif damage == "missing":
        zone.files.remove("alice", f"{HOME}/sub/empty")
    elif damage == "unexpected":
        (sent / "sub" / "empty").unlink()
    elif damage == "stale":
        zone.files.write("alice", f"{HOME}/a").abort()
    else:
        with zone.files.write("alice", f"{HOME}/a") as upload:
            upload.write(b"a")
    with pytest.raises(DemoError, match="differ in 1 files"):
        verify_upload(sent, zone.files, "alice", HOME)


@pytest.mark.parametrize("damage", ["changed", "missing", "unexpected"])
def test_a_faulty_download_is_found(sent: Path, tmp_path: Path, damage: str) -> None:
    """A file that differs, is missing or too many ends the demo; equal folders are counted."""
    back = tmp_path / "back"
    (back / "sub").mkdir(parents=True)
    (back / "a").write_bytes(b"a")
    (back / "sub" / "empty").touch()
    assert verify_download(sent, back).files == 2
    if damage == "changed":
        (back / "a").write_bytes(b"b")
    elif damage == "missing":
        (back / "sub" / "empty").unlink()
    else:
        (back / "more").touch()
    with pytest.raises(DemoError, match="differ in 1 files"):
        verify_download(sent, back)


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    """The demo removes nothing that it didn't make, and shares its folder with no other demo."""
    (tmp_path / "private").mkdir()
    with pytest.raises(DemoError, match="isn't the demo's"), Place(tmp_path).held():
        pass
    assert (tmp_path / "private").exists()
    fresh = tmp_path / "fresh"
    with Place(fresh).held(), pytest.raises(DemoError, match="runs in"), Place(fresh).held():
        pass


def test_the_task_is_the_readmes() -> None:
    """The README's document has the nine keys of a task."""
    document = readme_task(Path(__file__).parents[3] / "README.md")
    keys = "title srcURL dstURL drUser drPass stagerUser stagerEmail timeout timeout_noprogress"
    assert sorted(document) == sorted(keys.split()), json.dumps(document)
