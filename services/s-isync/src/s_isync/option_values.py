"""Values of options that are more than words and numbers."""

import argparse
import os
import re
import sys
from pathlib import Path

from s_isync.tree import Avu

_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kKmMgG]?)")
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def rate(text: str) -> int:
    """Bytes a second: `500000`, `20M`."""
    found = _RATE.fullmatch(text)
    value = int(float(found[1]) * _UNITS[found[2].lower()]) if found else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no rate; write it as 500k or 20M, bytes a second")
    return value


def avu(text: str) -> Avu:
    """`attribute;value` or `attribute;value;unit`."""
    parts = text.split(";")
    if len(parts) not in {2, 3} or not parts[0] or not parts[1]:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no metadata; write it as attribute;value or attribute;value;unit"
        )
    return parts[0], parts[1], parts[2] if len(parts) == 3 else ""


def read_list(name: str) -> list[str]:
    """The lines of a file, or, if it holds NUL characters, what stands between them; `-` is standard input."""
    raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    return [os.fsdecode(line) for line in raw.split(b"\0" if b"\0" in raw else b"\n") if line]


def default_place() -> Path:
    """Where hashes of local files are kept: below the user's cache directory."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - no home is no error
    return Path(base) / "s-isync" / "hashes.sqlite"
