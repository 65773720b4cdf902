"""What slots tell their pool's keeper for its metrics: a line for each attempt that ended, through a pipe.

A line is shorter than what a pipe takes in one piece, so that lines of several slots never mix. A slot doesn't wait
for the keeper: where the pipe is full, a line is lost, and the metrics lack an attempt.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that ended."""

    queue: str
    verdict: str
    error_class: str
    """Empty if nothing went wrong."""
    code: str
    seconds: float
    seconds_in_line: float
    direction: str
    bytes_transferred: int
    files_transferred: int
    files_skipped: int
    files_failed: int


class TallyPipe:
    """Made before the slots and the keeper are started, and shared by all of them."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)

    def tell(self, ended: Ended) -> None:
        """Send a line."""
        with suppress(BlockingIOError):
            os.write(self._write, json.dumps(asdict(ended)).encode() + b"\n")

    def listen(self) -> Iterator[Ended]:
        """Each line, as it comes; never ends."""
        with os.fdopen(os.dup(self._read), "rb") as lines:
            for line in lines:
                yield Ended(**json.loads(line))
