"""Passes connections on to a zone, and writes down every message as recordings have them (see `zone_recordings`)."""

import base64
import itertools
import json
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stager_sandbox.zone.protocol.framing import Disconnected, frame_head, read_exactly, read_header

KEPT = 512
NOD = (99999997).to_bytes(4, "big")
"""A client's bare answer while a collection is being removed."""
PATIENCE_SECONDS = 30


class Wiretap:
    """Listens on a port of its own, as a context manager; `begin` says into which file messages are written.

    Args:
        target: Host and port of the zone.

    Attributes:
        port: Where clients connect.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._messages: list[dict[str, Any]] = []
        self._guard = threading.Lock()
        self._pumps: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(PATIENCE_SECONDS)

    def collect(self, target: Path) -> None:
        """Wait until all connections have ended; write down what went through them since the last time."""
        for pump in self._pumps:
            pump.join(PATIENCE_SECONDS)
        self._pumps.clear()
        target.write_text("".join(json.dumps(message) + "\n" for message in self._messages), encoding="utf-8")
        self._messages.clear()

    def _accept(self) -> None:
        for number in itertools.count(1):
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            zone = socket.create_connection(self._target)
            for direction, source, sink in (("c>s", client, zone), ("s>c", zone, client)):
                pump = threading.Thread(target=self._pump, args=(number, direction, source, sink), daemon=True)
                self._pumps.append(pump)
                pump.start()

    def _pump(self, number: int, direction: str, source: socket.socket, sink: socket.socket) -> None:
        try:
            while True:
                if source.recv(4, socket.MSG_PEEK | socket.MSG_WAITALL) == NOD:
                    sink.sendall(read_exactly(source, len(NOD)))
                    continue
                header = read_header(source)
                lengths = (header.message_length, header.error_length, header.stream_length)
                message, error, stream = (bytes(read_exactly(source, length)) for length in lengths)
                with self._guard:
                    self._messages.append(
                        {
                            "conn": number,
                            "dir": direction,
                            "type": header.kind,
                            "int_info": header.int_info,
                            "msg": message.decode(),
                            "error": error.decode(),
                            "bs_len": len(stream),
                            "bs": base64.b64encode(stream[:KEPT]).decode(),
                        }
                    )
                sink.sendall(frame_head(header.kind, header.int_info, *lengths) + message + error + stream)
        except (Disconnected, OSError):
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
