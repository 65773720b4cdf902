"""HTTP to other services: https with verified certificates, and no answer takes longer or is larger than is sane.

httpx bounds how long each piece of an answer may take. A server that sends a byte every few seconds, for ever, or one
that sends without end, is stopped here.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from stager_settings import is_loopback
from stager_telemetry import get_logger

log = get_logger(__name__)

PIECE_SECONDS = 10.0
ANSWER_SECONDS = 20.0
ANSWER_BYTES = 20_000_000


def https_client(
    ca_file: Path | None = None, *, most_seconds: float = ANSWER_SECONDS, most_bytes: int = ANSWER_BYTES
) -> httpx.Client:
    """A client of services whose certificates are of that authority, or of those that the machine trusts.

    It takes no proxies from the environment. What is more than `most_bytes`, or takes more than `most_seconds`, is an
    `httpx.ReadError` or `httpx.ReadTimeout`. Plain http is spoken with this machine alone and else is an
    `httpx.UnsupportedProtocol`, whoever names the address: a discovery document may name any, and tokens go there.

    Raises:
        OSError, ssl.SSLError: `ca_file` can't be used.
    """
    transport = _Bounded(ssl.create_default_context(cafile=ca_file), most_seconds, most_bytes)
    # What is compressed may be a thousand times as large as it looks.
    headers = {"accept-encoding": "identity"}
    return httpx.Client(transport=transport, timeout=PIECE_SECONDS, trust_env=False, headers=headers)


class _Bounded(httpx.BaseTransport):
    def __init__(self, context: ssl.SSLContext, most_seconds: float, most_bytes: int) -> None:
        self._transport = httpx.HTTPTransport(verify=context, trust_env=False)
        self._most_seconds, self._most_bytes = most_seconds, most_bytes

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask, and bound what will be read of the answer."""
        if request.url.scheme != "https" and not is_loopback(request.url.host):
            log.error("an address is not asked, since it is no https", host=request.url.host)
            raise httpx.UnsupportedProtocol("the address is no https", request=request)
        deadline = time.monotonic() + self._most_seconds
        response = self._transport.handle_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise httpx.ReadError("the answer is compressed, which was not asked for")
        assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101 - of a transport that isn't async
        stream = _BoundedStream(response.stream, deadline, self._most_bytes)
        return httpx.Response(
            response.status_code, headers=response.headers, stream=stream, extensions=response.extensions
        )

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


class _BoundedStream(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, deadline: float, most_bytes: int) -> None:
        self._stream, self._deadline, self._left = stream, deadline, most_bytes

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            self._left -= len(piece)
            if self._left < 0:
                raise httpx.ReadError("the answer is too large")
            if time.monotonic() > self._deadline:
                raise httpx.ReadTimeout("the answer takes too long")
            yield piece

    def close(self) -> None:
        self._stream.close()
