"""A task document given to the command, and all that is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from stager_client.client import StagerClient
from stager_client.errors import InvalidRequestError, NotAllowedError, StagerError, Violation
from stager_client.task_document import ReadTask, read_tasks

MAX_BYTES: Final = 64 * 1024 * 1024


def read_document(name: str) -> list[ReadTask]:
    """Read a file, or standard input if it is called `-`; raises InvalidRequestError if it holds no tasks."""
    try:
        if name == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidRequestError(f"{name}: can't be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise InvalidRequestError(f"{name}: more than {MAX_BYTES} bytes")
    try:
        return read_tasks(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"{name}: not UTF-8, at byte {error.start}") from None  # it carries the content
    except InvalidRequestError as error:
        raise InvalidRequestError(f"{name}: {error}") from None


def judge(client: StagerClient, tasks: Sequence[ReadTask]) -> None:
    """Make sure that nothing is wrong with any of the tasks, here or by the stager's rules.

    Raises:
        InvalidRequestError: With every fault of every task.
        StagerError: The stager would refuse the first such task for another reason, or couldn't be asked.
    """
    violations: list[Violation] = []
    other: StagerError | None = None
    outcomes: Sequence[StagerError | None]
    try:
        outcomes = client.validate_many([read.task for read in tasks])
    except StagerError as error:
        outcomes = [error] * len(tasks)
    for number, (read, outcome) in enumerate(zip(tasks, outcomes, strict=True), start=1):
        violations += [_placed(fault, number, tasks) for fault in read.faults]
        if outcome is None:
            continue
        if isinstance(outcome, InvalidRequestError):
            known = {fault.field for fault in read.faults}
            violations += [_placed(fault, number, tasks) for fault in outcome.violations if fault.field not in known]
            if not (outcome.violations or read.faults):
                violations.append(_placed(Violation("", str(outcome)), number, tasks))
        elif not (read.faults and isinstance(outcome, NotAllowedError)):  # which may come of what couldn't be read
            other = other or outcome
    if violations:
        note = f"; the stager couldn't be asked for more: {other}" if other is not None else ""
        raise InvalidRequestError(
            f"nothing was submitted, {len(violations)} fault{'s' * (len(violations) > 1)}{note}", violations=violations
        )
    if other is not None:
        raise other


def _placed(violation: Violation, number: int, tasks: Sequence[ReadTask]) -> Violation:
    """Say which task it is, where there are several."""
    return (
        violation
        if len(tasks) == 1
        else Violation(f"task {number}: {violation.field}".rstrip(": "), violation.description)
    )
