"""Sizes and durations for people."""

from __future__ import annotations

from typing import Final

UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")


def size_text(size: float, decimal: str = ".") -> str:
    """Bytes in decimal units with three digits at the most: `0 B`, `999 B`, `1.2 GB`, `45 GB`."""
    value = float(size)
    unit = 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value /= 1000
        unit += 1
    digits = f"{value:.1f}" if unit and value < 9.95 else f"{value:.0f}"
    return f"{digits.replace('.', decimal)} {UNITS[unit]}"


def duration_text(seconds: float) -> str:
    """A length of time in its two largest units: `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    for large, small, names in ((60, 1, ("min", "s")), (3600, 60, ("h", "min")), (86400, 3600, ("d", "h"))):
        if whole < large * (60 if large == 60 else 24 if large == 3600 else 10**9):
            rest = whole % large // small
            return f"{whole // large} {names[0]}" + (f" {rest} {names[1]}" if rest else "")
    raise AssertionError("every duration is shorter than the last bound")
