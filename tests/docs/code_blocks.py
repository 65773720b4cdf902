"""The code in every page and README of the repository."""

from __future__ import annotations

import re
import subprocess
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = {"docs/api.md", "docs/commands.md", "docs/configuration.md"}
_FENCED = re.compile(r"^```(?P<language>[a-z]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE_SPAN = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A piece of code in a page.

    Attributes:
        page: The page, relative to the repository.
        line: Where the code begins.
        language: As the page says; empty if it doesn't, and where code is set off by indentation.
        text: The code.
    """

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        """For the names of tests."""
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """Every Markdown file that is part of the repository, or is about to be."""
    known = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(known, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return sorted({page for page in listed if (ROOT / page).exists()})


def blocks(*languages: str) -> list[Block]:
    """All code in these languages."""
    return [block for page in pages() for block in _of_page(page) if block.language in languages]


def _of_page(page: str) -> Iterator[Block]:
    content = (ROOT / page).read_text()
    for found in _FENCED.finditer(content):
        yield Block(page, content.count("\n", 0, found.start("text")) + 1, found["language"], found["text"])
    if page in GENERATED:
        return
    prose = _FENCED.sub(lambda found: "\n" * found[0].count("\n"), content)
    yield from _indented(page, prose.splitlines())


def _indented(page: str, lines: Sequence[str]) -> Iterator[Block]:
    """Code that is set off by four spaces, after an empty line or a heading."""
    number = 0
    while number < len(lines):
        begun = number
        if not lines[number - 1] or lines[number - 1].startswith("#"):
            while number < len(lines) and lines[number].startswith("    "):
                number += 1
        if number > begun:
            yield Block(page, begun + 1, "", textwrap.dedent("\n".join(lines[begun:number])) + "\n")
        number += 1


def code_spans() -> list[Block]:
    """All code within sentences, the line being that of its page."""
    return [
        Block(page, number, "", found[1])
        for page in pages()
        for number, line in enumerate((ROOT / page).read_text().splitlines(), start=1)
        for found in _CODE_SPAN.finditer(line)
    ]
