"""Ask for known weaknesses of everything that is locked; leave it out, with a word, where nobody can be asked.

    python scripts/audit.py

Exit code 0: none is known, or it could not be asked. 1: there are some; each is printed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

LOCKS = Path(__file__).resolve().parent.parent / "requirements"
SECONDS = 90

ACCEPTED: dict[str, str] = {}
"""Weaknesses by name that don't matter here, each with the reason."""


def weaknesses(lock: Path) -> list[str] | None:
    """What is known about a lock's versions, a line each; None: of some nobody could be asked."""
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", lock, "--require-hashes", "--disable-pip", "--format",
        "json", "--progress-spinner", "off",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    if any("skip_reason" in item for item in found):  # pip-audit calls that "no known vulnerabilities"
        return None
    lines = []
    for item in found:
        for weakness in item.get("vulns", ()):
            if weakness["id"] not in ACCEPTED:
                mended = ", ".join(weakness["fix_versions"]) or "nowhere yet"
                lines.append(f"{lock.name}: {item['name']} {item['version']}: {weakness['id']}, mended in {mended}")
    return lines


def main() -> int:
    """Ask about every lock."""
    locks = sorted(LOCKS.glob("*.txt"))
    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(locks, pool.map(weaknesses, locks), strict=True))
    unasked = [lock.name for lock, answer in answers.items() if answer is None]
    if unasked:
        print(f"audit: left out, since the database of weaknesses can't be reached: {', '.join(unasked)}")
    known = [line for answer in answers.values() for line in answer or ()]
    print("\n".join(known), end="\n" if known else "")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main())
