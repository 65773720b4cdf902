"""Errors by behaviour: what may be tried again, what is lost for one file, what ends the run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from s_isync.exit_codes import ExitCode
from s_isync.names import printable


class Scope(StrEnum):
    """Where something went wrong."""

    SOURCE = "source"
    DESTINATION = "destination"
    SESSION = "session"


class Phase(StrEnum):
    """When something went wrong."""

    PREPARE = "prepare"
    TRANSFER = "transfer"
    FINALISE = "finalise"


class ErrorClass(StrEnum):
    """What an error means for a next try."""

    FATAL = "fatal"
    TRANSIENT = "transient"
    SKIPPED = "skipped"


class TreeError(Exception):
    """One operation of a tree failed for good; another file may fare better.

    Args:
        code: the iRODS or errno name, such as `CAT_NO_ACCESS_PERMISSION` or `EACCES`.
        message: a sentence for a person: what happened, to what, what to do.
    """

    error_class = ErrorClass.FATAL

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class TransientError(TreeError):
    """The same operation may succeed when it is tried again."""

    error_class = ErrorClass.TRANSIENT


class NoTurnError(TransientError):
    """The calling thread gets no connection, though others have theirs: what it was to do is for one of them."""

    def __init__(self, message: str) -> None:
        super().__init__("NO_CONNECTION", message)


class ForbiddenError(TreeError):
    """This user has no permission for it."""


class EndOfRunError(TreeError):
    """Nothing more can succeed: the run ends with `exit_code`."""

    def __init__(self, exit_code: ExitCode, message: str, code: str | None = None) -> None:
        super().__init__(code or exit_code.label, message)
        self.exit_code = exit_code
        if exit_code is ExitCode.UNREACHABLE:
            self.error_class = ErrorClass.TRANSIENT


_SESSION = {ExitCode.UNREACHABLE, ExitCode.LOGIN_REFUSED, ExitCode.BAD_CONFIGURATION}


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as events and reports carry it (docs/isync-protocol.md, "An error")."""

    scope: Scope
    phase: Phase
    error_class: ErrorClass
    code: str
    path: str | None
    message: str

    def as_json(self) -> dict[str, object]:
        """The error's JSON object; bytes of the path that are no UTF-8 are written as in `printable`."""
        return {
            "scope": self.scope.value,
            "phase": self.phase.value,
            "class": self.error_class.value,
            "code": self.code,
            "path": None if self.path is None else printable(self.path),
            "message": printable(self.message),
        }


def fault_of_its_own(path: str | None) -> Problem:
    """What is told of an error that nobody foresaw."""
    message = "a fault of s-isync itself; the log tells more, please report it"
    return Problem(Scope.SESSION, Phase.TRANSFER, ErrorClass.TRANSIENT, ExitCode.INTERNAL.label, path, message)


class FailedError(Exception):
    """A tree's error, told apart by scope, phase and path.

    `exit_code` is None where only this file is lost.
    """

    def __init__(self, problem: Problem, exit_code: ExitCode | None = None) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.exit_code = exit_code

    @property
    def no_turn(self) -> bool:
        """Whether nothing is wrong but that the calling thread got no connection; see `NoTurnError`."""
        return isinstance(self.__cause__, NoTurnError)


@contextmanager
def during(scope: Scope, phase: Phase, path: str | None) -> Iterator[None]:
    """Turn a `TreeError` raised inside into a `FailedError` that says where, when and with what it happened."""
    try:
        yield
    except TreeError as error:
        ends = error.exit_code if isinstance(error, EndOfRunError) else None
        where = Scope.SESSION if ends in _SESSION else scope
        raise FailedError(Problem(where, phase, error.error_class, error.code, path, error.message), ends) from error
