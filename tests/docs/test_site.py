"""The documentation site: built strictly, of nothing but itself, with links that lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from code_blocks import ROOT, code_spans, pages

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LOADING = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
_FOREIGN = re.compile(r"""(?:@import|url\()\s*["']?(?:https?:)?//""")
_PATH = re.compile(r"(?:protos|libs|services|deploy|tests|scripts|docs|fuzz|requirements)/[\w./-]*\w")


class Loads(HTMLParser):
    """Collects what a browser fetches for a page by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag's address, if it is one that loads something."""
        given = dict(attrs)
        if tag == "link" and given.get("rel") in {"canonical", "prev", "next", "alternate"}:
            return
        if address := given.get(_LOADING.get(tag, "")):
            self.found.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does."""
    target = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [Path(sys.executable).parent / "mkdocs", "build", "--quiet", "--site-dir", target],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return target


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    """Every script, style and picture of every page is part of the site."""
    built = list(site.rglob("*.html"))
    assert len(built) > 15
    for page in built:
        loads = Loads()
        loads.feed(page.read_text())
        assert loads.found
        for address in loads.found:
            parts = urlsplit(address)
            assert (parts.scheme, parts.netloc) == ("", ""), f"{page}: {address}"
            base = site if parts.path.startswith("/") else page.parent
            target = base / unquote(parts.path).lstrip("/")
            assert target.exists(), f"{page}: {address}"
    for style in site.rglob("*.css"):
        assert not _FOREIGN.search(style.read_text()), style


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as links know them."""
    titles = [re.sub(r"[^\w\s-]", "", title.lower()).strip() for title in _HEADING.findall(page.read_text())]
    return {re.sub(r"[\s]+", "-", title) for title in titles}


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page: str) -> None:
    """Each relative link of a page or README leads to a file, and to a heading that is in it."""
    for address in _LINK.findall((ROOT / page).read_text()):
        parts = urlsplit(address)
        if parts.scheme:
            continue
        target = (ROOT / page).parent / unquote(parts.path) if parts.path else ROOT / page
        assert target.exists(), f"{page}: {address}"
        if parts.fragment:
            assert parts.fragment in anchors(target), f"{page}: {address}"


def test_pages_of_the_site_link_to_pages_only() -> None:
    """The site holds the pages alone, so that a link to another file of the repository would be dead in it."""
    for page in (ROOT / "docs").rglob("*.md"):
        for address in _LINK.findall(page.read_text()):
            if not urlsplit(address).scheme and urlsplit(address).path:
                target = (page.parent / urlsplit(address).path).resolve()
                assert target.is_relative_to(ROOT / "docs"), f"{page}: {address}"


def test_files_that_are_named_are_there() -> None:
    """Whatever looks like a path, from the repository's root or a package's, is one; or what a run makes."""
    known = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(known, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    everything = "".join(f"/{path}/\n" for path in listed)
    named = {
        (str(span), found[0]) for span in code_spans() if (found := _PATH.match(span.text)) and "*" not in span.text
    }
    missing = {(place, path) for place, path in named if f"/{path}/" not in everything}
    made = subprocess.run(
        ["git", "check-ignore", *{f"{path}/" for _, path in missing}],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    assert len(named) > 50
    assert {(place, path) for place, path in missing if f"{path}/" not in made} == set()


def test_every_key_of_redis_is_in_the_architecture() -> None:
    """What the code stores under names of its own stands in the table."""
    told = (ROOT / "docs/architecture.md").read_text()
    sources = [*(ROOT / "libs").rglob("src/**/*.py"), *(ROOT / "libs").rglob("src/**/*.lua")]
    named = {name for source in sources for name in re.findall(r"""["'](stager:[a-z:]+)""", source.read_text())}
    assert len(named) > 8
    assert {name for name in named if name not in told} == set()


def test_modules_that_the_architecture_names_are_there() -> None:
    """Each name in the table of layers is a module or a folder of its package."""
    for line in (ROOT / "docs/architecture.md").read_text().splitlines():
        found = re.match(r"\| `(s_isync|stager_\w+)` \| (.*→.*)", line)
        if not found:
            continue
        (folder,) = [path for path in ROOT.glob(f"*/*/src/{found[1]}") if path.is_dir()]
        known = {path.stem for path in folder.rglob("*") if path.suffix in {".py", ""}}
        assert [name for name in re.findall(r"`(\w+)`", found[2]) if name not in known] == [], found[1]
