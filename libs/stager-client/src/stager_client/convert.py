"""From the transport's errors and status codes to this package's errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status
from stager.v1 import job_service_pb2

from stager_client.errors import (
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

_CLASSES: Final[Mapping[grpc.StatusCode, type[StagerError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequestError,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequestError,
    grpc.StatusCode.UNAUTHENTICATED: NotSignedInError,
    grpc.StatusCode.PERMISSION_DENIED: NotAllowedError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.FAILED_PRECONDITION: WrongStateError,
    grpc.StatusCode.ALREADY_EXISTS: RequestIdTakenError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: TooManyError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: TimedOutError,
}
_BY_NUMBER: Final = {code.value[0]: code for code in grpc.StatusCode}
_DETAILS: Final = "grpc-status-details-bin"
_DOMAIN: Final = "stager"
"""Of the reasons that are the stager's own (google.rpc.ErrorInfo)."""


def convert(error: grpc.RpcError, address: str, attempts: int = 1) -> StagerError:
    """Return this package's error for one of the transport's.

    Args:
        error: What a call of gRPC (sync or asyncio) raised.
        address: Where the call went, for the message.
        attempts: How often it was tried.
    """
    if not isinstance(error, grpc.Call | grpc.aio.AioRpcError):
        return ServerFaultError(f"the call to {address} failed: {error}", attempts=attempts)
    code: grpc.StatusCode = error.code()
    details = error.details() or ""
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return TimedOutError(f"the stager at {address} didn't answer in time", attempts=attempts)
    if code is grpc.StatusCode.UNAVAILABLE:
        return UnavailableError(_unavailable(details, address), attempts=attempts)
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return ServerFaultError(f"the stager at {address} doesn't know this call; is it of an older version?")
    if code not in _CLASSES:
        return ServerFaultError(f"the stager at {address} failed ({code.name}): {details}", attempts=attempts)
    reason, violations = _told(error.trailing_metadata())
    return _CLASSES[code](details or code.name.lower(), violations=violations, attempts=attempts, reason=reason)


def convert_submit_error(error: job_service_pb2.SubmitError) -> StagerError:
    """Return this package's error for one task's refusal in an answer to SubmitMany."""
    code = _BY_NUMBER.get(error.code, grpc.StatusCode.UNKNOWN)
    violations = [Violation(fault.field, fault.description, fault.reason) for fault in error.violations]
    kind = _CLASSES.get(code, ServerFaultError)
    return kind(error.message or code.name.lower(), violations=violations, reason=error.reason)


def _told(metadata: Sequence[tuple[str, str | bytes]] | grpc.aio.Metadata | None) -> tuple[str, list[Violation]]:
    """The reason and the violations that ride in the trailing metadata; nothing for what is missing or garbled."""
    reason, found = "", []
    for key, value in metadata or ():
        if key != _DETAILS or not isinstance(value, bytes):
            continue
        try:
            for detail in Status.FromString(value).details:
                info, bad_request = ErrorInfo(), BadRequest()
                if detail.Unpack(info) and info.domain == _DOMAIN:
                    reason = info.reason
                elif detail.Unpack(bad_request):
                    faults = bad_request.field_violations
                    found += [Violation(fault.field, fault.description, fault.reason) for fault in faults]
        except DecodeError:
            continue
    return reason, found


def _unavailable(details: str, address: str) -> str:
    """Say what may be the matter; gRPC reports every trouble with a connection under one code."""
    if "CERTIFICATE_VERIFY_FAILED" in details:
        return f"the certificate of the stager at {address} is not trusted; name the authority that signed it (CA)"
    if "WRONG_VERSION_NUMBER" in details:
        return f"the stager at {address} doesn't speak TLS; a plain connection must be asked for"
    return f"the stager at {address} can't be reached: {details}"
