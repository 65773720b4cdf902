"""Faults for a zone that runs as a process: a socket named ``control`` in its data directory, a line of JSON each way.

``{"do": "add", "on": "DATA_OBJ_CLOSE", "lose_reply": true}`` is answered by ``{"ok": …}`` or ``{"error": "…"}``.
"""

import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

NAME: Final = "control"
LINE_LIMIT: Final = 1 << 16
PATIENCE_SECONDS: Final = 60.0

Verbs: TypeAlias = Mapping[str, Callable[..., Any]]

logger = logging.getLogger(__name__)


class ControlError(Exception):
    """The zone did not do as told."""


class Control:
    """Does what it is told over the socket.

    Args:
        directory: Where the socket is made.
        verbs: What can be told, by name.
    """

    def __init__(self, directory: Path, verbs: Verbs) -> None:
        self._verbs = verbs
        (directory / NAME).unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _address(directory) as address:
            self._listener.bind(address)
        (directory / NAME).chmod(0o600)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, name="zone-control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(1)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with sock, sock.makefile("rwb") as stream:
                try:
                    stream.write(json.dumps(self._obey(stream.readline(LINE_LIMIT))).encode() + b"\n")
                    stream.flush()
                except OSError as error:
                    logger.warning("control: %s", error)

    def _obey(self, line: bytes) -> dict[str, Any]:
        try:
            words = json.loads(line)
            verb = self._verbs[words.pop("do")]
            result = verb(**words)
        except Exception as error:  # noqa: BLE001 - whatever was wrong, the one who told must hear it
            return {"error": f"{type(error).__name__}: {error}"}
        return {"ok": result if isinstance(result, int | str) else True}


def tell(directory: Path | str, verb: str, **words: object) -> Any:  # noqa: ANN401 - whatever the verb answers
    """Tell the zone that runs on a data directory to do something.

    Args:
        directory: The zone's data directory.
        verb: ``add``, ``limit``, ``clear``, ``struck``, ``restart``, ``stale``, ``lock``, ``checksum``, ``flip``,
            ``lose``.
        words: What belongs to it, as the method of that name takes it.

    Raises:
        ControlError: The zone did not understand, or could not.
        OSError: No zone runs there.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(PATIENCE_SECONDS)
        with _address(Path(directory)) as address:
            sock.connect(address)
        with sock.makefile("rwb") as stream:
            stream.write(json.dumps({"do": verb, **words}).encode() + b"\n")
            stream.flush()
            answer = json.loads(stream.readline(LINE_LIMIT))
    if "error" in answer:
        raise ControlError(answer["error"])
    return answer["ok"]


@contextmanager
def _address(directory: Path) -> Iterator[str]:
    """The socket's name, however long the directory's is: the kernel takes 107 bytes."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{NAME}"
    finally:
        os.close(handle)
