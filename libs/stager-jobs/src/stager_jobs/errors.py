"""What can go wrong when one asks something of the job store."""

from __future__ import annotations


class JobStoreError(Exception):
    """The base of all errors of this package."""


class StoreUnavailableError(JobStoreError):
    """Redis can't be reached or doesn't answer in time; whether the request took effect is not known."""


class JobNotFoundError(JobStoreError):
    """There is no such job, or not any more."""


class WrongStateError(JobStoreError):
    """The job's state doesn't allow what was asked; the message says which state it is in."""


class RequestIdTakenError(JobStoreError):
    """The request id was used by the same principal for another task."""


class TooManyWaitingError(JobStoreError):
    """The owner has as many waiting jobs as one may have; the job was not taken."""


class CredentialMissingError(JobStoreError):
    """A restart needs a fresh credential: the old one was wiped when the job ended."""


class DamagedRecordError(JobStoreError):
    """What stands in Redis about a job is not what this package writes; an admin may have to delete it."""
