"""What people read: in all languages, with nothing missing and nothing left over."""

from __future__ import annotations

import json
import re
from pathlib import Path

import lucide
import pytest
from stager_ui.failures import _KINDS
from stager_ui.formats import duration_text, size_text
from stager_ui.texts import CATALOGUES

PACKAGE = Path(__file__).parents[1] / "src/stager_ui"
BUILT = (
    "blocked.",
    "fault.",
    "field.",
    "refused.",
    "why.",
    "effect.",
    "failure.",
    "state.",
    "transfer.",
    "type.",
    "preview.title_",
    "jobs.done_",
    "order.",
    "theme.",
)
"""Keys that are put together from these and a value."""
FORMS = ("_one", "_other")


def own(language: str) -> dict[str, str]:
    """A language's file."""
    texts: dict[str, str] = json.loads((PACKAGE / f"texts/{language}.json").read_text())
    return texts


def stem(key: str) -> str:
    """A key without its form."""
    return re.sub("_(one|other)$", "", key)


def asked_for() -> set[str]:
    """The keys that stand in templates, modules and scripts."""
    found = set()
    for path in PACKAGE.rglob("*"):
        if path.suffix in {".html", ".py", ".js"}:
            prefix = "js." if path.suffix == ".js" else ""
            found |= {prefix + key for key in re.findall(r"""\bt\(\s*["'`]([a-z_.]+)["'`]""", path.read_text())}
    return found


def test_every_key_has_a_text() -> None:
    """No page fails for want of one."""
    texts = {stem(key) for key in own("en")}
    missing = {key for key in asked_for() if stem(key) not in texts and not key.endswith((".", "_"))}
    assert not missing


def test_no_text_is_left_over() -> None:
    """What nobody asks for isn't kept."""
    used = {stem(key) for key in asked_for()}
    actions = {f"js.{action}_{part}" for action in ("stop", "restart", "delete") for part in ("title", "text", "yes")}
    built = tuple(f"{prefix}{start}" for prefix in ("", "js.") for start in BUILT)
    left = {key for key in own("en") if stem(key) not in used | actions and not key.startswith(built)}
    in_scripts = (PACKAGE / "static/js").rglob("*.js")
    words = " ".join(path.read_text() for path in in_scripts)
    assert not {key for key in left if f'"{key.removeprefix("js.")}"' not in words}


@pytest.mark.parametrize("language", sorted(set(CATALOGUES) - {"en"}))
def test_languages_say_the_same(language: str) -> None:
    """Each has every text, with the same places in it."""
    english, other = own("en"), own(language)
    assert english.keys() == other.keys()
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) >= set(re.findall(r"\{\w+\}", other[key])), key


def test_every_failure_has_words() -> None:
    """A person is told what each kind means."""
    for _, code in _KINDS.values():
        assert own("en")[f"failure.{code}"]


def test_every_icon_exists() -> None:
    """All names that templates give to icon()."""
    names = set()
    for path in (PACKAGE / "templates").rglob("*.html"):
        for call in re.findall(r"icon\(([^()]*(?:\([^()]*\)[^()]*)*)\)", path.read_text()):
            names |= set(re.findall(r'"([a-z0-9-]+)"', call))
    names -= {"upload", "folder", "file", "link", ""}
    assert names
    for name in names:
        lucide._load_icon(name)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_499, "999 kB"), (999_500, "1.0 MB"), (2_340_000_000, "2.3 GB"),
     (45e12, "45 TB")],
)  # fmt: skip
def test_sizes(size: float, text: str) -> None:
    """Decimal units, three digits at the most."""
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (3600, "1 h"), (7500, "2 h 5 min"),
     (86_400, "1 d"), (273_600, "3 d 4 h")],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    """The two largest units."""
    assert duration_text(seconds) == text
