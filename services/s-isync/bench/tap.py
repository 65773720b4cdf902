"""A tap between client and zone: counts round trips, and adds distance when told."""

import socket
import threading
import time
from contextlib import suppress


class Tap:
    """Passes on TCP connections.

    Args:
        host: where the zone is.
        port: its port.
        delay: seconds that bytes take each way.

    Attributes:
        turns: how many times a client has said something after the zone had answered.
        port: where to connect instead of to the zone.
    """

    def __init__(self, host: str, port: int, delay: float = 0.0) -> None:
        self._zone = (host, port)
        self._delay = delay
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.turns = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            zone = socket.create_connection(self._zone)
            for end in (client, zone):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answered = threading.Event()
            answered.set()
            for source, target, asking in ((client, zone, True), (zone, client, False)):
                threading.Thread(target=self._pass_on, args=(source, target, answered, asking), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, answered: threading.Event, asking: bool) -> None:  # noqa: FBT001 - a direction
        line: list[tuple[float, bytes]] = []
        ready = threading.Condition()
        sender = threading.Thread(target=self._send, args=(target, line, ready), daemon=True)
        sender.start()
        while True:
            try:
                data = source.recv(1 << 18)
            except OSError:
                data = b""
            if data and asking and answered.is_set():
                answered.clear()
                with self._lock:
                    self.turns += 1
            elif data and not asking:
                answered.set()
            with ready:
                line.append((time.monotonic() + self._delay, data))
                ready.notify()
            if not data:
                return

    def _send(self, target: socket.socket, line: list[tuple[float, bytes]], ready: threading.Condition) -> None:
        while True:
            with ready:
                while not line:
                    ready.wait()
                due, data = line.pop(0)
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
            with suppress(OSError):
                if not data:
                    target.shutdown(socket.SHUT_WR)
                    return
                target.sendall(data)
