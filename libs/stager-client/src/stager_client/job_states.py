"""States, priorities and outcomes by the short names that people type and read."""

from __future__ import annotations

from typing import Final

from stager.v1 import job_pb2, job_service_pb2

from stager_client.errors import InvalidRequestError

ENDED: Final = frozenset({job_pb2.JOB_STATE_COMPLETED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_STOPPED})
"""States that a job doesn't leave by itself."""

_STATE: Final = "JOB_STATE_"
_PRIORITY: Final = "PRIORITY_"
STATE_NAMES: Final = tuple(
    name.removeprefix(_STATE).lower() for name, number in job_pb2.JobState.items() if number != 0
)
PRIORITY_NAMES: Final = tuple(
    name.removeprefix(_PRIORITY).lower() for name, number in job_pb2.Priority.items() if number != 0
)
_OUTCOME: Final = "FILE_OUTCOME_"
OUTCOME_NAMES: Final = tuple(
    name.removeprefix(_OUTCOME).lower() for name, number in job_service_pb2.FileOutcome.items() if number != 0
)


def has_ended(job: job_pb2.Job) -> bool:
    """Whether the job has completed, failed for good or been stopped."""
    return job.state in ENDED


def state_name(state: int) -> str:
    """Return a state's short name, such as `completed`; for one that this client doesn't know, its number."""
    known = job_pb2.JobState.values()
    return job_pb2.JobState.Name(state).removeprefix(_STATE).lower() if state in known else f"state {state}"  # type: ignore[arg-type]  # checked


def parse_state(name: str) -> job_pb2.JobState.ValueType:
    """Return the state of a short name; raises InvalidRequestError if there is none."""
    if name not in STATE_NAMES:
        raise InvalidRequestError(f"{name!r} is no state; there are {', '.join(STATE_NAMES)}")
    return job_pb2.JobState.Value(_STATE + name.upper())


def parse_priority(name: str | None) -> job_pb2.Priority.ValueType:
    """Return the priority of a short name, or what stands for the default; raises as `parse_state` does."""
    if name is None:
        return job_pb2.PRIORITY_UNSPECIFIED
    if name not in PRIORITY_NAMES:
        raise InvalidRequestError(f"{name!r} is no priority; there are {', '.join(PRIORITY_NAMES)}")
    return job_pb2.Priority.Value(_PRIORITY + name.upper())


def outcome_name(outcome: int) -> str:
    """Return the short name of what became of a file, such as `skipped`; for an unknown one, its number."""
    known = job_service_pb2.FileOutcome.values()
    if outcome not in known:
        return f"outcome {outcome}"
    return job_service_pb2.FileOutcome.Name(outcome).removeprefix(_OUTCOME).lower()  # type: ignore[arg-type]  # checked


def parse_outcome(name: str) -> job_service_pb2.FileOutcome.ValueType:
    """Return the outcome of a short name; raises InvalidRequestError if there is none."""
    if name not in OUTCOME_NAMES:
        raise InvalidRequestError(f"{name!r} is no outcome; there are {', '.join(OUTCOME_NAMES)}")
    return job_service_pb2.FileOutcome.Value(_OUTCOME + name.upper())
