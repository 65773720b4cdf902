"""What a caller of the SDK may meet; never an exception of the transport library.

The classes say how an error behaves: `transient` ones may pass by themselves (the SDK has tried a few times by then),
the others need somebody to change something.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

UNSEALABLE: Final = "UNSEALABLE"
"""The reason of a violation that the client itself finds: what is given as a password can't be sealed."""


@dataclass(frozen=True)
class Violation:
    """One fault of a task.

    Attributes:
        field: The JSON key, such as `srcURL`; empty where the fault is the whole's.
        description: What is wrong with it and what would be right.
        reason: A name for programs, such as `TOO_LONG`; empty where the stager gives none.
    """

    field: str
    description: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.description}" if self.field else self.description


class StagerError(Exception):
    """The base of all errors of this package.

    Attributes:
        code: A name for programs, the same for every error of a class.
        transient: It may pass by itself.
        attempts: How often the call was tried; more than 1 means that an earlier try may have taken effect.
        violations: Every fault of the task, where the task is what was wrong.
        reason: The stager's own name for why, such as `TOO_MANY_WAITING`; empty where it gives none.
    """

    code: ClassVar[str] = "failed"
    transient: ClassVar[bool] = False

    def __init__(
        self, message: str, *, violations: Sequence[Violation] = (), attempts: int = 1, reason: str = ""
    ) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.violations = tuple(violations)
        self.reason = reason


class ConfigurationError(StagerError):
    """The client's own settings can't be used: an address, a login, a CA file."""

    code = "configuration"


class InvalidRequestError(StagerError):
    """Something in the request is wrong; for a task, `violations` has every fault."""

    code = "invalid"


class NotSignedInError(StagerError):
    """The stager doesn't know who calls: no login, or not the right one."""

    code = "not_signed_in"


class NotAllowedError(StagerError):
    """The caller may not do this: act as that user, use that account, read that directory."""

    code = "not_allowed"


class NotFoundError(StagerError):
    """There is no such job, directory or project, or it isn't the caller's."""

    code = "not_found"


class WrongStateError(StagerError):
    """Not possible as things stand, such as stopping a job that has ended."""

    code = "wrong_state"


class RequestIdTakenError(StagerError):
    """The request id belongs to a submit of another task."""

    code = "request_id_taken"


class TooManyError(StagerError):
    """The stager takes no more for now: too many waiting jobs or calls, or too large a message."""

    code = "too_many"


class UnavailableError(StagerError):
    """The stager, or something that it needs, can't be reached."""

    code = "unavailable"
    transient = True


class TimedOutError(UnavailableError):
    """The stager didn't answer in time; whether the request took effect is not known."""

    code = "timed_out"


class ServerFaultError(StagerError):
    """The stager failed in a way that the contract doesn't know; its administrators can tell why."""

    code = "server_fault"
