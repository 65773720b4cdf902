"""How far an attempt is, and what went wrong in it, as they stand in Redis."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from stager_jobs.job import FileFault, Progress

_SHOWN_PATHS = 16
_LONGEST_PATH = 4096
_LONGEST_MESSAGE = 500


def encode_progress(progress: Progress) -> str:
    """The counts; each attempt keeps its own."""
    return json.dumps(
        {
            "files": [progress.files_total, progress.files_transferred, progress.files_skipped, progress.files_failed],
            "bytes": [progress.bytes_total, progress.bytes_transferred, progress.bytes_skipped],
            "final": progress.totals_final,
            "rate": progress.bytes_per_second,
            "left": progress.seconds_left,
        }
    )


def encode_current(progress: Progress) -> str:
    """The paths under way, which only the newest attempt has."""
    return json.dumps([path[:1000] for path in progress.current[:_SHOWN_PATHS]])


def decode_progress(counts: bytes, current: bytes = b"") -> Progress:
    """What the other two wrote; zeros for nothing.

    Raises:
        ValueError, KeyError, IndexError, TypeError: It is none.
    """
    if not counts:
        return Progress()
    values = json.loads(counts)
    files = [int(number) for number in values["files"]]
    sizes = [int(number) for number in values["bytes"]]
    left = values["left"]
    progress = Progress(
        files_total=files[0],
        files_transferred=files[1],
        files_skipped=files[2],
        files_failed=files[3],
        bytes_total=sizes[0],
        bytes_transferred=sizes[1],
        bytes_skipped=sizes[2],
        totals_final=bool(values["final"]),
        bytes_per_second=_finite(values["rate"]),
        seconds_left=None if left is None else _finite(left),
    )
    paths = json.loads(current) if current else []
    return replace(progress, current=tuple(clean_text(path, _LONGEST_PATH) for path in paths[:_SHOWN_PATHS]))


def _finite(value: object) -> float:
    number = float(value) if isinstance(value, int | float) else 0.0
    return number if math.isfinite(number) else 0.0


def encode_fault(fault: FileFault) -> str:
    """A fault, cut to a size of which a thousand do no harm."""
    return json.dumps([fault.path[:_LONGEST_PATH], fault.code[:100], fault.message[:_LONGEST_MESSAGE]])


def decode_fault(value: bytes) -> FileFault | None:
    """What `encode_fault` wrote; None for anything else."""
    try:
        path, code, message = json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return None
    return FileFault(clean_text(path, _LONGEST_PATH), clean_text(code, 100), clean_text(message, _LONGEST_MESSAGE))


def clean_text(value: object, longest: int) -> str:
    """Text out of JSON that anybody may have written: cut, and without what no UTF-8 can hold."""
    return value[:longest].encode(errors="replace").decode() if isinstance(value, str) else ""
