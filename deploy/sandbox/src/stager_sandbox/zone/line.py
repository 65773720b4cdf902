"""One client's connection: bytes both ways, with TLS or without, slowed or cut as the faults say."""

import logging
import socket
import ssl
import time
from typing import Final

from stager_sandbox.zone.faults import Faults
from stager_sandbox.zone.protocol.framing import Disconnected

LEAVE_SECONDS: Final = 2.0
SLICE: Final = 1 << 16

logger = logging.getLogger(__name__)


class Line:
    """A connection.

    Args:
        sock: The socket as accepted.
        faults: What may happen on the way.
    """

    def __init__(self, sock: socket.socket, faults: Faults) -> None:
        self._sock = sock
        self._faults = faults
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def secure(self, context: ssl.SSLContext) -> None:
        """Put TLS on, as the server.

        Raises:
            OSError: The client will not.
        """
        self._sock = context.wrap_socket(self._sock, server_side=True)

    @property
    def is_secure(self) -> bool:
        """Whether TLS is on."""
        return isinstance(self._sock, ssl.SSLSocket)

    def patience(self, seconds: float | None) -> None:
        """Set how long to wait for the client; None for ever."""
        self._sock.settimeout(seconds)

    def recv_into(self, buffer: memoryview) -> int:
        """Read what there is, at most a buffer full; 0 at the end."""
        if self._faults.limits.bandwidth:
            buffer = buffer[:SLICE]
        start = time.monotonic()
        count = self._sock.recv_into(buffer)
        self._faults.throttle(count, start)
        if self._faults.carry(count) < count:
            self.cut()
            raise Disconnected("cut, as told")
        return count

    def sendall(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it."""
        through = self._faults.carry(len(data))
        view = memoryview(data)[:through]
        if self._faults.limits.bandwidth:
            while view:
                start = time.monotonic()
                self._sock.sendall(view[:SLICE])
                self._faults.throttle(min(len(view), SLICE), start)
                view = view[SLICE:]
        else:
            self._sock.sendall(view)
        if through < len(data):
            self.cut()
            raise Disconnected("cut, as told")

    def take_leave(self) -> None:
        """Answer the end of TLS, for which clients wait."""
        if isinstance(self._sock, ssl.SSLSocket):
            self._sock.settimeout(LEAVE_SECONDS)
            try:
                self._sock.unwrap()
            except OSError as error:
                logger.debug("end of TLS: %s", error)

    def cut(self) -> None:
        """End the connection at once; whoever waits on it, wakes up."""
        try:
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)  # not TLS's own, which is for the reading thread alone
        except OSError as error:  # already gone
            logger.debug("shutdown: %s", error)

    def close(self) -> None:
        """Let go of the socket."""
        self._sock.close()
