"""A mail server that delivers into a folder: a file for each mail, to be opened with any mail program."""

from __future__ import annotations

import os
import re
import threading
from asyncio import Server
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_LIMIT = 20 * 2**20


class MailFolder:
    """A mail server in this process; a context manager. It takes every mail, for any address.

    Args:
        folder: Where mails go as `TIME-NUMBER-RECIPIENT.eml`; made if missing, for its owner's eyes only.
        host: Address to listen on.
        port: Port to listen on; 0 for one of the kernel's choice.

    Attributes:
        host: Where it listens.
        port: The port that it listens on, once entered.
        folder: Where mails go.
    """

    def __init__(self, folder: Path, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.folder = folder
        self.host = host
        self.port = port
        self._controller = _Controller(_Delivery(folder), hostname=host, port=port, data_size_limit=_LIMIT)

    def mails(self) -> list[Path]:
        """The mails that came so far, oldest first."""
        return sorted(self.folder.glob("*.eml"))

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._controller.start()
        self.port = self._controller.port
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()


class _Controller(Controller):
    def _trigger_server(self) -> None:
        """Know the port before aiosmtpd tries it."""
        assert isinstance(self.server, Server)  # noqa: S101 - the loop's own, which has started
        self.port = int(self.server.sockets[0].getsockname()[1])
        super()._trigger_server()  # type: ignore[no-untyped-call] # aiosmtpd has no type here


class _Delivery:
    """Writes each mail under its final name at once, whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._lock = threading.Lock()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        content = envelope.original_content or b""
        message = message_from_bytes(content, policy=policy.SMTP)
        message["X-Envelope-From"] = _one_line(envelope.mail_from or "<>")
        message["X-Envelope-To"] = _one_line(", ".join(envelope.rcpt_tos))
        with self._lock:
            self._number += 1
            time = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
            recipient = re.sub(r"[^A-Za-z0-9@._+-]", "_", envelope.rcpt_tos[0])[:80]
            name = f"{time}-{self._number:04d}-{recipient}.eml"
        unfinished = self._folder / f".{name}"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes())
        unfinished.rename(self._folder / name)
        return "250 Delivered into the folder"


def _one_line(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable())
