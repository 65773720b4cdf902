"""What every call goes through: the login, the log's context, and errors told as the catalog says.

A call's message is read after its login: until then nothing of it is kept but what HTTP/2 lets a peer send unasked,
and who has none takes up no place among the calls under way. To gRPC each method therefore is one that takes a stream,
of which the first message is read; on the wire there is no difference.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from stager_telemetry import bind_log_context, clear_log_context, get_logger
from stager_telemetry.traces import span

from stager_api.catalog import UNEXPECTED, PublicError, entry_of, public_error
from stager_api.errors import UnauthenticatedError
from stager_api.identity.authenticator import Login
from stager_api.identity.doorkeeper import Doorkeeper, Shown
from stager_api.metrics import CallMetrics, CallOutcome
from stager_api.principal import Principal
from stager_api.reading import Reading
from stager_api.reasons import DOMAIN

log = get_logger(__name__)

GUARDED = "/stager.v1."
OPEN_SERVICES = ("/stager.v1.ProjectService/", "/stager.v1.CredentialService/")
"""Services that need no login. Whatever is not named here needs one."""
DETAILS = "grpc-status-details-bin"
REQUEST_ID = "x-request-id"
"""Metadata: a client's name for a call, which its log lines carry; one is made where none is given. It comes back in
the trailing metadata."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Context = grpc.aio.ServicerContext[Any, Any]

_login: ContextVar[Login] = ContextVar("login")


def caller() -> Principal:
    """Who makes the call that is being answered."""
    return _login.get().principal


class CallGuard(grpc.aio.ServerInterceptor):
    """Wraps each method of this service's own contract."""

    def __init__(self, doorkeeper: Doorkeeper, metrics: CallMetrics, reading: Reading) -> None:
        self._doorkeeper = doorkeeper
        self._metrics = metrics
        self._reading = reading

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wrap the method that a call names; an unknown one is UNIMPLEMENTED by itself."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith(GUARDED):
            return handler
        read, write = _readable(handler.request_deserializer), handler.response_serializer
        if handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(self._stream(method, handler.unary_stream), read, write)
        return grpc.stream_unary_rpc_method_handler(self._unary(method, handler.unary_unary), read, write)

    def _unary(self, method: str, answer: Any) -> Any:  # noqa: ANN401 - grpc's handlers have no usable types
        async def guarded(requests: AsyncIterator[Any], context: Context) -> Any:  # noqa: ANN401
            async with self._call(method, context):
                request = await self._reading.message(requests, known=not method.startswith(OPEN_SERVICES))
                with span(method, parent=_text_of(context, "traceparent")):
                    return await answer(request, context)

        return guarded

    def _stream(self, method: str, answer: Any) -> Any:  # noqa: ANN401 - as above
        async def guarded(requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
            async with self._call(method, context):
                known = not method.startswith(OPEN_SERVICES)
                request = await self._reading.message(requests, known=known)
                async for message in _until(_login.get().expires if known else None, answer(request, context)):
                    yield message

        return guarded

    @asynccontextmanager
    async def _call(self, method: str, context: Context) -> AsyncIterator[None]:
        with self._metrics.call(method.removeprefix(GUARDED)) as outcome:
            async with self._answered(method, context, outcome):
                yield

    @asynccontextmanager
    async def _answered(self, method: str, context: Context, outcome: CallOutcome) -> AsyncIterator[None]:
        request_id = _request_id(context)
        clear_log_context()
        bind_log_context(request_id=request_id, method=method.removeprefix(GUARDED), peer=context.peer())
        context.set_trailing_metadata(((REQUEST_ID, request_id),))
        try:
            if not method.startswith(OPEN_SERVICES):
                login = await self._doorkeeper.admit(_shown(context))
                _login.set(login)
                bind_log_context(caller=login.principal.label)
            yield
        except (grpc.aio.AbortError, grpc.aio.UsageError):
            raise
        except UnauthenticatedError as error:
            log.warning("login refused", reason=str(error))
            outcome.code = public_error(error).code
            await _abort(context, public_error(error), request_id)
        except Exception as error:
            if entry_of(type(error)) is UNEXPECTED:
                log.exception("unexpected error")
            else:
                log.info("call refused", error=type(error).__name__, reason=str(error)[:500])
            outcome.code = public_error(error).code
            await _abort(context, public_error(error), request_id)


async def _until(expires: float | None, messages: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    """The messages, but none once the login that they are sent on has expired."""
    ended = object()
    async with aclosing(messages):
        while True:
            seconds = None if expires is None else max(0.0, expires - time.time())
            try:
                message = await asyncio.wait_for(anext(messages, ended), seconds)
            except TimeoutError:
                raise UnauthenticatedError("the login expired while the stream was open", genuine=True) from None
            if message is ended:
                return
            yield message


def _shown(context: Context) -> Shown:
    values = [value for key, value in _metadata(context) if key == "authorization"]
    texts = [value if isinstance(value, str) else value.decode("latin-1") for value in values]
    return Shown(texts, _certificate_names(context), context.peer())


def _certificate_names(context: Context) -> Sequence[str]:
    """What the verified client certificate says: its alternative names, or its common name where it has none."""
    said = context.auth_context()
    for key in ("x509_subject_alternative_name", "x509_common_name"):
        names = [name.decode("utf-8", "replace") for name in said.get(key, ())]
        if names:
            return names
    return ()


def _metadata(context: Context) -> Sequence[tuple[str, str | bytes]]:
    return tuple(context.invocation_metadata() or ())


def _request_id(context: Context) -> str:
    given = _text_of(context, REQUEST_ID)
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _text_of(context: Context, name: str) -> str:
    """The value of a call's metadata; empty if there is none."""
    value = next((value for key, value in _metadata(context) if key == name), "")
    return value if isinstance(value, str) else ""


def _readable(deserialize: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    """The deserializer, but with None for what is no such message: grpc would answer UNKNOWN, and its words."""

    def read(data: bytes) -> Any:  # noqa: ANN401 - a message of any type
        try:
            return deserialize(data) if deserialize else data
        except DecodeError:
            return None

    return read


async def _abort(context: Context, error: PublicError, request_id: str) -> NoReturn:
    """End the call, with its violations as google.rpc.BadRequest and its reason as ErrorInfo in google.rpc.Status."""
    message = error.message.format(request_id=request_id) if error.numbered else error.message
    status = status_pb2.Status(code=error.code.value[0], message=message)
    if error.violations:
        faults = error_details_pb2.BadRequest()
        for fault in error.violations:
            faults.field_violations.add(field=fault.field, description=fault.description, reason=fault.reason)
        status.details.add().Pack(faults)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN))
    await context.abort(error.code, message, ((REQUEST_ID, request_id), (DETAILS, status.SerializeToString())))
