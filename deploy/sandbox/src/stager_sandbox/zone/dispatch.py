"""API calls by number. A call is added by a function with `api_call` above it, in a module of ``calls``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.packing import S, Struct
from stager_sandbox.zone.protocol.structs import DescriptorRequest, TwoObjects
from stager_sandbox.zone.session import Session

Stream: TypeAlias = bytes | bytearray


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call answers: status, a structure, a byte stream."""

    status: int = 0
    message: Struct | None = None
    stream: bytes | bytearray | memoryview = b""


Handler: TypeAlias = Callable[[Session, S, Stream], Reply]


@dataclass(frozen=True, slots=True)
class Call:
    """A call: its number, name, the structure it takes, and the function that does it."""

    number: int
    name: str
    request: type[Struct]
    handler: Callable[[Session, Any, Stream], Reply]
    before_login: bool


CALLS: dict[int, Call] = {}


def api_call(
    number: int, name: str, request: type[S], *, before_login: bool = False
) -> Callable[[Handler[S]], Handler[S]]:
    """Register a function for an API number.

    Args:
        number: The API number.
        name: The call's name in iRODS.
        request: The structure that comes with it.
        before_login: Whether it may be called by someone not logged in.
    """

    def register(handler: Handler[S]) -> Handler[S]:
        CALLS[number] = Call(number, name, request, handler, before_login)
        return handler

    return register


def find(session: Session, number: int) -> Call:
    """The call of that number.

    Raises:
        ZoneError: SYS_UNMATCHED_API_NUM when there is none, SYS_NO_API_PRIV before login.
    """
    call = CALLS.get(number)
    if call is None:
        raise ZoneError(Code.SYS_UNMATCHED_API_NUM)
    if not call.before_login:
        _ = session.user
    return call


def path_of(session: Session, request: Struct) -> str:
    """The logical path that a call is about; "" when it names none."""
    if isinstance(request, DescriptorRequest):
        opened = session.descriptors.get(request.descriptor)
        return opened.replica.path if opened else ""
    if isinstance(request, TwoObjects):
        return request.source.path
    return str(getattr(request, "path", ""))
