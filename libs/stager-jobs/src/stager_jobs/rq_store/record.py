"""RQ's record of a job, a hash, as this package's `Job`; and a new job as such a record.

RQ's own fields say what everybody may know (rq-dashboard shows them), `stager_...` fields the rest. The credential
is a field of its own, so that it can be wiped and no view of the record shows it.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from redis import Redis
from rq.job import Job as RqJob
from rq.job import JobStatus
from rq.serializers import JSONSerializer

from stager_jobs.errors import DamagedRecordError
from stager_jobs.job import Attempt, ErrorClass, Job, JobError, NewJob, Priority, State
from stager_jobs.payload import ENTRY, decode_data, encode_task, fingerprint
from stager_jobs.rq_store.keys import state_of, text
from stager_jobs.rq_store.progress_text import clean_text, decode_progress
from stager_jobs.rules import Rules

Record = Mapping[str, bytes]
_DATA_LIMIT = 64 * 1024
_SHOWN_ATTEMPTS = 50
_MOST_ATTEMPTS = 1_000_000
_LONGEST_NAME = 1000
_LONGEST_MESSAGE = 2000


def new_record(job_id: str, new: NewJob, rules: Rules, redis: Redis) -> list[bytes | str | float]:
    """Field, value, ... of a job that waits in its queue."""
    owner = new.task.stager_user
    rq_job = RqJob.create(
        ENTRY,
        kwargs={"payload": encode_task(new.task)},
        connection=redis,
        id=job_id,
        origin=new.priority.value,
        # rq-dashboard shows it unescaped, so no text of a caller's goes in.
        description=f"transfer of {re.sub(r'[^A-Za-z0-9_.@-]', '_', owner)}",
        timeout=-1,
        result_ttl=rules.keep_completed,
        failure_ttl=rules.keep_failed,
        status=JobStatus.QUEUED,
        serializer=JSONSerializer,
    )
    fields: dict[str, Any] = rq_job.to_dict() | {
        "stager_owner": owner,
        "stager_principal": new.principal,
        "stager_fingerprint": fingerprint(new.task),
        "stager_attempts": 0,
        "stager_retries_left": len(rules.retry_delays),
        "stager_sealed": int(bool(new.task.dr_pass)),
    }
    texts = {"stager_request": new.request_id, "stager_trace": new.trace, "stager_credential": new.task.dr_pass}
    fields |= {name: value for name, value in texts.items() if value}
    fields["status"] = JobStatus.QUEUED.value
    return [part for pair in fields.items() for part in pair]


def parse_record(fields: Mapping[Any, Any] | Sequence[Any]) -> Record:
    """A reply of HGETALL, as the client or as a script gives it, with its names as text."""
    pairs = fields.items() if isinstance(fields, Mapping) else zip(fields[::2], fields[1::2], strict=True)
    return {text(name): value for name, value in pairs}


def job_of(job_id: str, record: Record) -> Job:
    """The job that a record holds, without its credential.

    Raises:
        DamagedRecordError: Something in it is not what this package writes.
    """
    try:
        return _job_of(job_id, record)
    except DamagedRecordError as error:
        raise DamagedRecordError(f"the record of job {job_id} is damaged: {error}") from None
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError, OSError) as error:
        raise DamagedRecordError(f"the record of job {job_id} is damaged: {type(error).__name__}") from None


def _job_of(job_id: str, record: Record) -> Job:
    task = decode_data(_inflate(record["data"]))
    count = _count(record, "stager_attempts")
    attempts = _attempts(record, count)
    state = state_of(_text(record, "status"), attempted=count > 0)
    waits = state in {State.PENDING, State.SCHEDULED, State.RETRY}
    owner = _text(record, "stager_owner")
    if owner != task.stager_user:
        raise DamagedRecordError("its owner is not its task's")
    return Job(
        id=job_id,
        task=task,
        owner=owner,
        principal=_text(record, "stager_principal")[:_LONGEST_NAME],
        state=state,
        priority=Priority(_text(record, "origin")),
        created=_time(record, "stager_created") or datetime.fromtimestamp(0, UTC),
        next_process=_time(record, "stager_next"),
        started=attempts[-1].started if attempts else None,
        last_failed=_time(record, "stager_failed"),
        ended=_time(record, "stager_ended") if state in {State.COMPLETED, State.FAILED, State.STOPPED} else None,
        attempts=attempts,
        max_attempts=count + _count(record, "stager_retries_left") + int(waits and state is not State.ACTIVE),
        last_error=_error(record.get("stager_error")),
        progress=decode_progress(record.get("stager_progress", b""), record.get("stager_current", b"")),
    )


def encode_error(error: JobError | None) -> str:
    """An error as it stands in a record; empty if there is none."""
    if error is None:
        return ""
    long = len(error.message) > _LONGEST_MESSAGE
    message = error.message[: _LONGEST_MESSAGE - 1] + "…" if long else error.message
    return json.dumps({"class": error.error_class.value, "code": error.code[:100], "message": message})


WORKER_LOST = encode_error(
    JobError(
        ErrorClass.TRANSIENT,
        "worker_lost",
        "The worker that ran the job is gone; another one goes on with what is missing.",
    )
)


def _attempts(record: Record, last: int) -> tuple[Attempt, ...]:
    found = []
    for number in range(max(1, last - _SHOWN_ATTEMPTS + 1), last + 1):
        name = f"stager_attempt_{number}"
        started = _time(record, f"{name}_started")
        if started:
            error = _error(record.get(f"{name}_error"))
            progress = decode_progress(record.get(f"{name}_progress", b""))
            found.append(Attempt(number, started, _time(record, f"{name}_ended"), error, progress))
    return tuple(found)


def _error(value: bytes | None) -> JobError | None:
    if not value:
        return None
    values = json.loads(value)
    code, message = clean_text(values["code"], 100), clean_text(values["message"], _LONGEST_MESSAGE)
    return JobError(ErrorClass(values["class"]), code, message)


def _count(record: Record, name: str) -> int:
    count = int(_text(record, name)[:20] or 0)
    if not 0 <= count < _MOST_ATTEMPTS:
        raise DamagedRecordError("no job had so many attempts")
    return count


def _text(record: Record, name: str) -> str:
    return record.get(name, b"").decode()


def _time(record: Record, name: str) -> datetime | None:
    seconds = _text(record, name)
    return datetime.fromtimestamp(float(seconds), UTC) if seconds else None


def _inflate(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, _DATA_LIMIT)
    except zlib.error:
        raise DamagedRecordError("the job's data is not compressed as RQ does it") from None
    if unpacker.unconsumed_tail:
        raise DamagedRecordError(f"the job's data is longer than {_DATA_LIMIT} bytes")
    return plain
