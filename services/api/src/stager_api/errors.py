"""What use cases refuse, in their own words; `catalog` says how each is told to a caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stager_api.reasons import Fault, Reason


class ApiError(Exception):
    """The base of all errors of this service.

    `reason` names it for programs: what the class says, unless the error says something more exact.
    """

    reason = Reason.INTERNAL

    def __init__(self, message: str, reason: Reason | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason


class UnauthenticatedError(ApiError):
    """The caller could not be told who they are. The text says why and is for the log only.

    `genuine` says that what was shown was real once, such as a token that has expired: nobody was guessing.
    """

    reason = Reason.UNAUTHENTICATED

    def __init__(self, why: str, *, genuine: bool = False) -> None:
        super().__init__(why)
        self.genuine = genuine


class NotPermittedError(ApiError):
    """The caller is known, and may not do this."""

    reason = Reason.NOT_PERMITTED


class NotFoundError(ApiError):
    """There is nothing of this name, as far as the caller may know."""

    reason = Reason.NOT_FOUND


class PreconditionError(ApiError):
    """The request is fine, and can't be done as things are."""

    reason = Reason.NOT_POSSIBLE_HERE


class ExhaustedError(ApiError):
    """A limit is reached; later it may work."""

    reason = Reason.BUSY


class UnavailableError(ApiError):
    """Something that this service depends on doesn't answer."""

    reason = Reason.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault of a request: the JSON key, its name for programs, and what is wrong with it and would be right."""

    field: str
    reason: Fault
    description: str


class InvalidRequestError(ApiError):
    """The request breaks rules; `violations` are all of them, at least one."""

    reason = Reason.INVALID_REQUEST

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.description}" for fault in violations))
        self.violations = tuple(violations)
