"""From a choice to tasks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stager_ui.entries import Entry, EntryType
from stager_ui.paths import BadPathError, checked_folder, checked_name, join
from stager_ui.plan import MAX_TITLE, Choice, Direction, Effect, plan

FILE, FOLDER, LINK = EntryType.FILE, EntryType.FOLDER, EntryType.LINK


def choose(*names: str, direction: str = "upload") -> Choice:
    """A choice in /p, to go to /z/c."""
    return Choice.checked(direction, "/p", "/z/c", names)


def test_urls() -> None:
    """The repository's side has its scheme, and each name keeps its name."""
    assert choose("a b").source_url("a b") == "/p/a b"
    assert choose("a b").destination_url("a b") == "irods:/z/c/a b"
    back = choose("x", direction="download")
    assert (back.source_url("x"), back.destination_url("x")) == ("irods:/p/x", "/z/c/x")


@pytest.mark.parametrize(
    ("here", "there", "effect", "reason"),
    [
        (Entry("x", FILE, 1), None, Effect.NEW, ""),
        (Entry("x", FOLDER), None, Effect.NEW, ""),
        (Entry("x", FOLDER), Entry("x", FOLDER), Effect.MERGE, ""),
        (Entry("x", FILE, 1), Entry("x", FILE, 1), Effect.SAME_SIZE, ""),
        (Entry("x", FILE, 1), Entry("x", FILE, 2), Effect.REPLACE, ""),
        (Entry("x", FOLDER), Entry("x", FILE, 1), Effect.BLOCKED, "file_in_the_way"),
        (Entry("x", FILE, 1), Entry("x", FOLDER), Effect.BLOCKED, "folder_in_the_way"),
        (Entry("x", LINK), None, Effect.BLOCKED, "link"),
        (Entry("x", EntryType.OTHER), None, Effect.BLOCKED, "other"),
        (Entry("x", FILE, 1, undecodable=True), None, Effect.BLOCKED, "undecodable"),
        (None, None, Effect.BLOCKED, "gone"),
    ],
)
def test_effects(here: Entry | None, there: Entry | None, effect: Effect, reason: str) -> None:
    """What would happen follows from what stands on both sides."""
    (line,) = plan(choose("x"), [here] if here else [], [there] if there else [])
    assert (line.effect, line.reason) == (effect, reason)


@pytest.mark.parametrize("name", ["a\tb", "a\nb", "a\x7f", "a\u2028b"])
def test_control_characters(name: str) -> None:
    """What the API would refuse is left out before, and said."""
    (line,) = plan(choose(name), [Entry(name, FILE, 1)], [])
    assert (line.effect, line.reason) == (Effect.BLOCKED, "control")
    (line,) = plan(Choice.checked("upload", "/p", f"/z/{name}", ["x"]), [Entry("x", FILE, 1)], [])
    assert line.reason == "control"


def test_what_to_know_stands_first() -> None:
    """Among a thousand lines, those that can't go and those that replace something are seen at once."""
    here = [Entry(name, FILE, 1) for name in "abcd"] + [Entry("link", LINK)]
    there = [Entry("a", FILE, 1), Entry("c", FILE, 2, modified=7)]
    lines = plan(choose("a", "b", "c", "d", "link"), here, there)
    assert [line.name for line in lines] == ["link", "c", "a", "b", "d"]
    assert lines[1].there == there[1]


@pytest.mark.parametrize("names", [[], ["x"] * 1001, [""], [".."], ["a/b"], ["a\0"], [None], ["\ud800"], ["x" * 256]])
def test_no_choice(names: list[object]) -> None:
    """What is no list of names makes no plan."""
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kinds
        Choice.checked("upload", "/p", "/z", names)


@given(st.text(min_size=1, max_size=255))
def test_titles(name: str) -> None:
    """Every name that can be chosen gives a title that the API takes."""
    try:
        title = choose(name).title(name)
    except ValueError:
        return
    assert 0 < len(title) <= MAX_TITLE
    assert all(character.isprintable() or character.isspace() for character in title if ord(character) < 0x20)


@given(st.text())
def test_folders(text: str) -> None:
    """A path is taken in one form only, from which nothing leads out."""
    try:
        folder = checked_folder(text)
    except BadPathError:
        return
    assert folder == "/" or (folder.startswith("/") and not folder.endswith("/"))
    assert ".." not in folder.split("/")
    assert checked_folder(folder) == folder


@given(st.text())
def test_names(text: str) -> None:
    """A name in a folder is a direct child of it."""
    try:
        name = checked_name(text)
    except BadPathError:
        return
    assert join("/a", name).rpartition("/") == ("/a", "/", name)


def test_direction_is_one() -> None:
    """Nothing goes sideways."""
    with pytest.raises(ValueError, match="sideways"):
        Choice.checked("sideways", "/p", "/z", ["x"])
    assert choose("x").direction is Direction.UPLOAD
