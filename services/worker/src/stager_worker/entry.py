"""The function that stands in every job's record in Redis, by this dotted name: `stager_worker.entry.transfer`.

`stager-worker` knows it by name and calls nothing that a record names; this is what another program finds that does.
"""

from __future__ import annotations

from typing import NoReturn


def transfer(payload: object) -> NoReturn:
    """What a stock RQ worker would call.

    Raises:
        RuntimeError: Always: a transfer needs a worker that holds the keys and may become its user.
    """
    del payload
    raise RuntimeError("transfers run in stager-worker only; this queue is none for another RQ worker")
