"""Who did what: a line for every login that was checked, and for every submit, stop, restart and delete.

Lines go to the logger `stager.audit` whatever the log's level is, with what is bound to the call (`request_id`,
`caller`, `peer`), and `action`, `outcome` (done, refused or failed), `principal`, `job_id`, `owner` and `reason`.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from stager_jobs.errors import JobStoreError, StoreUnavailableError

from stager_api.errors import ApiError, UnavailableError
from stager_api.principal import Principal

LOGGER = "stager.audit"

_log = logging.getLogger(LOGGER)
_FIELDS = ("action", "outcome", "principal", "job_id", "owner", "reason", "tried", "address")


def open_log(path: Path | None, stack: ExitStack) -> None:
    """Write lines from now on, to the file too if one is given, until the stack is closed.

    Raises:
        OSError: The file can't be appended to.
    """
    _log.setLevel(logging.INFO)
    if path is None:
        return
    handler = logging.StreamHandler(
        stack.enter_context(
            os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "a")
        )
    )
    handler.setFormatter(_Line())
    _log.addHandler(handler)
    stack.callback(_log.removeHandler, handler)


def record(action: str, outcome: str, **values: str) -> None:
    """Write a line; empty values are left out."""
    _log.info(
        "%s %s",
        action,
        outcome,
        extra={"action": action, "outcome": outcome, **{name: text for name, text in values.items() if text}},
    )


def refusal(action: str, error: Exception, **values: str) -> None:
    """Write that an action was not done; the reason is the error's class, since its text may quote the request."""
    outcome = "failed" if isinstance(error, StoreUnavailableError | UnavailableError) else "refused"
    record(action, outcome, reason=type(error).__name__, **values)


@contextmanager
def recorded(action: str, caller: Principal, job_id: str) -> Iterator[None]:
    """Write what became of the block: done, or why not."""
    shown = job_id if job_id.isascii() and job_id.isprintable() and len(job_id) <= 128 else "(no id)"
    try:
        yield
    except (ApiError, JobStoreError) as error:
        refusal(action, error, principal=caller.label, job_id=shown)
        raise
    record(action, "done", principal=caller.label, job_id=shown)


class _Line(logging.Formatter):
    """A record of this module as one JSON line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        values = {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps({"time": when, **values}, ensure_ascii=False)
