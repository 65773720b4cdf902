"""A WSGI application behind cheroot, on a thread of its own."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
EVERYWHERE = "0.0.0.0"  # noqa: S104 - on request only
_LOOPBACK = "127.0.0.1"
_STOP_SECONDS = 2


class HttpServer:
    """Serves one application; a context manager.

    Args:
        name: What the server calls itself.
        host: Address to listen on; `EVERYWHERE` for all, and then it still calls itself by loopback: that is where
            the ports of a container are published.
        port: Port to listen on; 0 for one of the kernel's choice, known as soon as this object is made.
        certificate: PEM file with key and certificate; without one, plain HTTP.

    Raises:
        OSError: The port is taken.
    """

    def __init__(self, name: str, host: str, port: int, certificate: Path | None = None) -> None:
        self._server = wsgi.Server((host, port), None, numthreads=10, server_name=name, shutdown_timeout=_STOP_SECONDS)
        if certificate:
            adapter = BuiltinSSLAdapter(str(certificate), str(certificate))
            adapter.context.minimum_version = ssl.TLSVersion.TLSv1_2
            self._server.ssl_adapter = adapter
        self._server.prepare()
        self.host = host
        self.port = int(self._server.bind_addr[1])
        named = _LOOPBACK if host == EVERYWHERE else host
        self.url = f"{'https' if certificate else 'http'}://{named}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve, name=f"{name}-http", daemon=True)

    def serve(self, application: WsgiApplication) -> None:
        """Begin to answer with this application."""
        self._server.wsgi_app = application
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.stop()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
