"""Which gRPC status, and which text, a caller gets for each error. A test proves that none is missing."""

from __future__ import annotations

from dataclasses import dataclass

from grpc import StatusCode
from stager_jobs import errors as store

from stager_api import errors
from stager_api.errors import ApiError, Violation
from stager_api.reasons import Reason


@dataclass(frozen=True, slots=True)
class Entry:
    """A status code and the public text; None: the error's own text, which is written for callers.

    `reason` is for errors of elsewhere; those of this service have one of their own.
    """

    code: StatusCode
    text: str | None = None
    reason: Reason = Reason.INTERNAL


CATALOG: dict[type[Exception], Entry] = {
    errors.UnauthenticatedError: Entry(
        StatusCode.UNAUTHENTICATED, "no valid login: send metadata `authorization` with Basic or Bearer credentials"
    ),
    errors.NotPermittedError: Entry(StatusCode.PERMISSION_DENIED),
    errors.NotFoundError: Entry(StatusCode.NOT_FOUND),
    errors.PreconditionError: Entry(StatusCode.FAILED_PRECONDITION),
    errors.ExhaustedError: Entry(StatusCode.RESOURCE_EXHAUSTED),
    errors.UnavailableError: Entry(StatusCode.UNAVAILABLE),
    errors.InvalidRequestError: Entry(StatusCode.INVALID_ARGUMENT),
    store.StoreUnavailableError: Entry(
        StatusCode.UNAVAILABLE, "the queue can't be reached now; try again later", Reason.QUEUE_UNAVAILABLE
    ),
    store.JobNotFoundError: Entry(StatusCode.NOT_FOUND, "there is no such job", Reason.NO_SUCH_JOB),
    # Whose it is can't be told from a damaged record, so nobody learns of it; the log says more.
    store.DamagedRecordError: Entry(StatusCode.NOT_FOUND, "there is no such job", Reason.NO_SUCH_JOB),
    store.WrongStateError: Entry(StatusCode.FAILED_PRECONDITION, reason=Reason.WRONG_STATE),
    store.RequestIdTakenError: Entry(
        StatusCode.ALREADY_EXISTS, "this request_id was used for another task", Reason.REQUEST_ID_TAKEN
    ),
    store.TooManyWaitingError: Entry(StatusCode.RESOURCE_EXHAUSTED, reason=Reason.TOO_MANY_WAITING),
    store.CredentialMissingError: Entry(
        StatusCode.FAILED_PRECONDITION,
        "the job's password was wiped when it ended: give a fresh one in drPass, sealed with the stager's key",
        Reason.CREDENTIAL_MISSING,
    ),
}
"""By class; the entry of the nearest base class holds for a class that isn't here."""

UNEXPECTED = Entry(
    StatusCode.INTERNAL, "something went wrong in the service; its log says what, see request {request_id}"
)
"""For errors that nobody foresaw: each is a fault of this program."""


@dataclass(frozen=True, slots=True)
class PublicError:
    """What a caller is told."""

    code: StatusCode
    message: str
    reason: Reason
    violations: tuple[Violation, ...] = ()
    numbered: bool = False
    """The message has a place for the call's id."""


def entry_of(kind: type[BaseException]) -> Entry:
    """The catalog's entry for a class of errors."""
    return next((CATALOG[base] for base in kind.__mro__ if base in CATALOG), UNEXPECTED)


def public_error(error: BaseException) -> PublicError:
    """What a caller may know of an error."""
    entry = entry_of(type(error))
    violations = error.violations if isinstance(error, errors.InvalidRequestError) else ()
    reason = error.reason if isinstance(error, ApiError) else entry.reason
    text = str(error) if entry.text is None else entry.text
    return PublicError(entry.code, text, reason, violations, numbered=entry is UNEXPECTED)
