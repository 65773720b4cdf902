"""The JSON form of tasks: reading it with every fault named, before anything is sent."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stager.v1 import job_pb2

from stager_client.errors import InvalidRequestError, Violation

TEXT_KEYS: Final = {
    "title": "title",
    "drUser": "dr_user",
    "drPass": "dr_pass",
    "srcURL": "src_url",
    "dstURL": "dst_url",
    "stagerUser": "stager_user",
    "stagerEmail": "stager_email",
}
NUMBER_KEYS: Final = {"timeout": "timeout", "timeout_noprogress": "timeout_noprogress"}
KEYS: Final = (*TEXT_KEYS, *NUMBER_KEYS)
_INT32: Final = range(-(2**31), 2**31)


@dataclass(frozen=True)
class ReadTask:
    """A task as far as it could be read.

    Attributes:
        task: All of it that has a known key and the right type.
        faults: What else there was.
    """

    task: job_pb2.Task
    faults: tuple[Violation, ...]


def read_tasks(text: str) -> list[ReadTask]:
    """Read a document: a task, an array of tasks, or an object with nothing but `jobs`, an array of tasks.

    Raises:
        InvalidRequestError: It is no JSON, names a key twice in one object, or holds no task at all.
    """
    try:
        document = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise InvalidRequestError(
            f"not a JSON document: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None  # that exception carries the whole document, with its passwords
    except (RecursionError, ValueError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidRequestError(f"not a task document: {reason}") from None
    if isinstance(document, dict) and "jobs" in document:
        extra = sorted(document.keys() - {"jobs"})
        if extra:
            raise InvalidRequestError(f"beside `jobs` there are other keys: {', '.join(map(repr, extra))}")
        document = document["jobs"]
        if not isinstance(document, list):
            raise InvalidRequestError("`jobs` should be an array of tasks")
    if isinstance(document, list):
        if not document:
            raise InvalidRequestError("the array of tasks is empty")
        return [read_task(item) for item in document]
    if isinstance(document, dict):
        return [read_task(document)]
    raise InvalidRequestError('a task document is an object, an array of objects, or {"jobs": [...]}')


def read_task(document: object) -> ReadTask:
    """Read one task from its parsed JSON form; a key whose value is null counts as absent."""
    task = job_pb2.Task()
    if not isinstance(document, Mapping):
        return ReadTask(task, (Violation("", "a task should be an object"),))
    faults = []
    for key, value in document.items():
        fault = _unknown(key) if key not in KEYS else None if value is None else _set(task, key, value)
        if fault is not None:
            faults.append(Violation(str(key), fault))
    return ReadTask(task, tuple(faults))


def to_task(document: job_pb2.Task | Mapping[str, object]) -> job_pb2.Task:
    """Return a task of its own for a message or a JSON form.

    Raises:
        InvalidRequestError: The JSON form has unknown keys or values of the wrong type; all of them are in it.
    """
    if isinstance(document, job_pb2.Task):
        task = job_pb2.Task()
        task.CopyFrom(document)
        return task
    read = read_task(document)
    if read.faults:
        raise InvalidRequestError("the task is not as it should be", violations=read.faults)
    return read.task


def _set(task: job_pb2.Task, key: str, value: object) -> str | None:
    """Set a key's field; returns what is wrong with the value, if anything is."""
    if key in NUMBER_KEYS:
        if not isinstance(value, int) or isinstance(value, bool):
            return f"should be a whole number of seconds, not {_kind(value)}"
        if value not in _INT32:
            return f"should be a number of seconds up to {_INT32[-1]}"
        setattr(task, NUMBER_KEYS[key], value)
        return None
    if not isinstance(value, str):
        return f"should be text, not {_kind(value)}"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "is not valid Unicode text: it holds half a character (a lone surrogate)"
    setattr(task, TEXT_KEYS[key], value)
    return None


def _unknown(key: object) -> str:
    near = difflib.get_close_matches(str(key).lower(), [known.lower() for known in KEYS], n=1, cutoff=0.75)
    meant = next((known for known in KEYS if near and known.lower() == near[0]), None)
    return (
        f"is no key of a task; did you mean {meant}?" if meant else f"is no key of a task; there are {', '.join(KEYS)}"
    )


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number with a fraction", str: "text", list: "an array"}
    return names.get(type(value), "an object")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"a key stands twice in one object: {', '.join(map(repr, twice))}")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")
