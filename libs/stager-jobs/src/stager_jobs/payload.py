"""A task as it stands in Redis: versioned JSON, in which the credential has no place.

Whoever can write to Redis can write anything there, so nothing read back is trusted: types, sizes and paths are
checked again, and a fault is one clear error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from stager_jobs.errors import DamagedRecordError
from stager_jobs.job import Task

VERSION = 1
ENTRY = "stager_worker.entry.transfer"
"""The function's name in RQ's record: the only one that a worker runs."""

_TEXTS: Mapping[str, int] = {
    "title": 800, "dr_user": 1000, "src_url": 4096, "dst_url": 4096, "stager_user": 256, "stager_email": 1016,
}  # fmt: skip
_SECONDS = ("timeout", "timeout_noprogress")
_LONGEST = 2**31 - 1


def encode_task(task: Task) -> dict[str, Any]:
    """The task without its credential, as JSON-ready values."""
    values = asdict(task)
    del values["dr_pass"]
    return {"version": VERSION, **values}


def decode_task(payload: object) -> Task:
    """The task that `encode_task` wrote; `dr_pass` is empty.

    Raises:
        DamagedRecordError: It is no such payload; the message names the key, never the value.
    """
    if not isinstance(payload, dict):
        raise DamagedRecordError("the job's payload is no JSON object")
    if payload.get("version") != VERSION:
        raise DamagedRecordError(f"the job's payload is of another version than {VERSION}")
    expected = {"version", *_TEXTS, *_SECONDS}
    if payload.keys() != expected:
        wrong = sorted(str(key)[:40] for key in payload.keys() ^ expected)
        raise DamagedRecordError(f"the job's payload lacks or adds keys: {', '.join(wrong[:10])}")
    texts = {key: _text(payload[key], key, limit) for key, limit in _TEXTS.items()}
    numbers = {key: _seconds(payload[key], key) for key in _SECONDS}
    return Task(**texts, timeout=numbers["timeout"], timeout_noprogress=numbers["timeout_noprogress"])


def decode_data(data: bytes) -> Task:
    """The task in RQ's `data` field: a JSON array of function name, instance, positional and named arguments.

    Raises:
        DamagedRecordError: It is none, or names another function than a transfer.
    """
    try:
        call = json.loads(data)
    except (ValueError, RecursionError):
        raise DamagedRecordError("the job's data is no JSON") from None
    if not isinstance(call, list) or len(call) != 4:
        raise DamagedRecordError("the job's data is no call of a function")
    function, instance, args, kwargs = call
    if function != ENTRY:
        raise DamagedRecordError("the job names a function that is no transfer")
    if instance is not None or args != [] or not isinstance(kwargs, dict) or kwargs.keys() != {"payload"}:
        raise DamagedRecordError("the job's arguments are none of a transfer")
    return decode_task(kwargs["payload"])


def fingerprint(task: Task) -> str:
    """Tells tasks apart, whatever credential is sealed in them: sealing the same password twice gives two texts."""
    text = json.dumps(encode_task(task), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _text(value: object, key: str, limit: int) -> str:
    if not isinstance(value, str):
        raise DamagedRecordError(f"the job's {key} is no text")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise DamagedRecordError(f"the job's {key} is no Unicode text") from None
    if size > limit:
        raise DamagedRecordError(f"the job's {key} is longer than {limit} bytes")
    if "\0" in value:
        raise DamagedRecordError(f"the job's {key} holds a NUL")
    return value


def _seconds(value: object, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LONGEST:
        raise DamagedRecordError(f"the job's {key} is no number of seconds")
    return value
