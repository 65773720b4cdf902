"""Doing the same to several jobs: one that can't be done doesn't hold up the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stager_client.cli.exit_codes import ExitCode, of_error
from stager_client.cli.json_form import error_json
from stager_client.cli.session import Session
from stager_client.errors import StagerError


def for_each(session: Session, ids: Sequence[str], act: Callable[[str], tuple[dict[str, Any], str]]) -> ExitCode:
    """Do something to each job and tell the outcomes.

    Args:
        session: The command's.
        ids: The jobs.
        act: Does it; returns the outcome as JSON and as text.

    Returns:
        OK, or the exit code of the first error.
    """
    code = ExitCode.OK
    for job_id in ids:
        try:
            session.show(*act(job_id))
        except StagerError as error:
            code = code or of_error(error)
            if session.as_json:
                session.show({"id": job_id, "error": error_json(error)}, "")
            else:
                session.complain(error, about=job_id if len(ids) > 1 else "")
    return code
