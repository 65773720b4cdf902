"""Put the fragments of changelog.d together.

Usage: python scripts/changelog.py                show what the next release has
       python scripts/changelog.py --check        say what is wrong with the fragments
       python scripts/changelog.py --release      move them into CHANGELOG.md, under the version in VERSION
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRAGMENTS = ROOT / "changelog.d"
CHANGELOG = ROOT / "CHANGELOG.md"
KINDS = ("added", "changed", "deprecated", "removed", "fixed", "security")
HEADING = "## Unreleased\n"
_NAME = re.compile(rf"[a-z0-9-]+\.({'|'.join(KINDS)})\.md")


def fragments() -> list[Path]:
    """Every fragment."""
    return sorted(path for path in FRAGMENTS.iterdir() if path.name != "README.md")


def faults() -> Iterator[str]:
    """What is wrong with the fragments, or with the place where they go."""
    for path in fragments():
        if not _NAME.fullmatch(path.name):
            yield f"{path.relative_to(ROOT)}: the name is not SUBJECT.KIND.md with KIND one of {', '.join(KINDS)}"
        elif not path.read_text().strip() or "\n\n" in path.read_text().strip():
            yield f"{path.relative_to(ROOT)}: one paragraph is wanted"
    if HEADING not in CHANGELOG.read_text():
        yield f"{CHANGELOG.name}: the heading {HEADING.strip()!r} is missing"


def text() -> str:
    """All of them, by kind."""
    parts = []
    for kind in KINDS:
        items = [path.read_text().strip() for path in fragments() if path.name.endswith(f".{kind}.md")]
        if items:
            parts.append(
                f"### {kind.capitalize()}\n" + "".join(f"- {item.replace(chr(10), chr(10) + '  ')}\n" for item in items)
            )
    return "\n".join(parts)


def release() -> None:
    """Move them into the changelog."""
    version, today = (ROOT / "VERSION").read_text().strip(), datetime.now(UTC).date()
    content = CHANGELOG.read_text()
    CHANGELOG.write_text(content.replace(HEADING, f"{HEADING}\n## {version} - {today}\n\n{text()}", 1))
    for path in fragments():
        path.unlink()


def main() -> int:
    """Do what is asked for."""
    found = list(faults())
    for fault in found:
        print(fault)
    if found:
        return 1
    if "--release" in sys.argv[1:]:
        release()
    elif "--check" not in sys.argv[1:]:
        print(text(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
