"""Python SDK of the stager and the stager command."""

from stager.v1.job_pb2 import Job, JobState, Progress, Task

from stager_client.aio import AsyncStagerClient
from stager_client.client import StagerClient
from stager_client.configuration import find_settings
from stager_client.errors import (
    ConfigurationError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    RequestIdTakenError,
    ServerFaultError,
    StagerError,
    TimedOutError,
    TooManyError,
    UnavailableError,
    Violation,
    WrongStateError,
)
from stager_client.job_states import has_ended, outcome_name, state_name
from stager_client.operations import Page
from stager_client.retry import Retry
from stager_client.settings import ClientSettings
from stager_client.watching import JobEvent

__all__ = [
    "AsyncStagerClient",
    "ClientSettings",
    "ConfigurationError",
    "InvalidRequestError",
    "Job",
    "JobEvent",
    "JobState",
    "NotAllowedError",
    "NotFoundError",
    "NotSignedInError",
    "Page",
    "Progress",
    "RequestIdTakenError",
    "Retry",
    "ServerFaultError",
    "StagerClient",
    "StagerError",
    "Task",
    "TimedOutError",
    "TooManyError",
    "UnavailableError",
    "Violation",
    "WrongStateError",
    "find_settings",
    "has_ended",
    "outcome_name",
    "state_name",
]
