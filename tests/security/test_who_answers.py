"""Whoever the stager speaks TLS with has to show a certificate of an authority that was named, for its own name."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import grpc
import pytest
from api_harness import Authority
from flask import Flask
from stager_client import StagerError
from stager_jobs.job import Job, Priority, State, Task
from stager_jobs.rq_store.outbox import Kind, Notice
from stager_ui.api_client import ApiClient
from stager_ui.oidc import Provider, ProviderUnreachableError
from stager_ui.settings import Api, Oidc, Repository
from stager_ui.webdav import Account, RepositoryUnreachableError, WebDav
from stager_worker.notices.errors import NotToldError
from stager_worker.notices.mailer import Mailer
from stager_worker.notices.webhook_call import WebhookCall
from stager_worker.settings import Mail, Webhook

NAME = "localhost"
"""What the certificate is for; the same server answers at 127.0.0.1, too."""
DIALOGUE = [(b"220 mail\r\n", b"EHLO"), (b"250-mail\r\n250 STARTTLS\r\n", b"STARTTLS"), (b"220 go\r\n", b"")]


class Listener:
    """Takes connections, one after the other, and hangs up after the handshake; tells how many went through."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        self.authority = authority.certificate
        self.trusted = 0
        self.starttls = False
        certificate, key = authority.issue("server", NAME)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                connection.settimeout(20)
                with connection, suppress(OSError):
                    self._shake_hands(connection)

    def _shake_hands(self, connection: socket.socket) -> None:
        for say, hear in DIALOGUE if self.starttls else ():
            connection.sendall(say)
            if hear:
                assert hear in connection.recv(1000).upper()
        with self._context.wrap_socket(connection, server_side=True):
            self.trusted += 1

    def close(self) -> None:
        """Take no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(20)


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """One whose authority this machine doesn't know."""
    listening = Listener(tmp_path)
    yield listening
    listening.close()


def webdav(host: str, port: int, ca_file: Path | None) -> None:
    """Try an account of the repository."""
    settings = Repository.model_validate({"webdav_url": f"https://{host}:{port}/", "ca_file": ca_file})
    WebDav(settings).check_login(Account("alice", "secret"))


def provider(host: str, port: int, ca_file: Path | None) -> None:
    """Send somebody to the OpenID provider."""
    settings = Oidc.model_validate({"issuer": f"https://{host}:{port}", "client_id": "ui", "ca_file": ca_file})
    app = Flask("test")
    with app.test_request_context():
        Provider(app, settings).start("https://stager.example.org/login/callback")


def webhook(host: str, port: int, ca_file: Path | None) -> None:
    """Tell a program of a job."""
    task = Task("scans", "jan@ru.nl", "/project/a", "i:/zone/a", "jan")
    job = Job("1", task, "jan", "jan", State.COMPLETED, Priority.DEFAULT, datetime.now(UTC))
    settings = Webhook.model_validate({"url": f"https://{host}:{port}/", "ca_file": ca_file})
    WebhookCall(settings).send(Notice(Kind.COMPLETED, "1", 1), job)


def mail(security: str) -> Callable[[str, int, Path | None], None]:
    """Hand over a mail."""

    def send(host: str, port: int, ca_file: Path | None) -> None:
        settings = {"host": host, "port": port, "security": security, "sender": "stager@example.org"}
        message = EmailMessage()
        message["From"], message["To"] = "stager@example.org", "jan@example.org"
        Mailer(Mail.model_validate(settings | {"ca_file": ca_file})).send(message)

    return send


SPEAKERS: dict[str, tuple[Callable[[str, int, Path | None], None], type[Exception]]] = {
    "webdav": (webdav, RepositoryUnreachableError),
    "provider": (provider, ProviderUnreachableError),
    "webhook": (webhook, NotToldError),
    "tls": (mail("tls"), NotToldError),
    "starttls": (mail("starttls"), NotToldError),
}


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_nobody_is_spoken_to_who_could_be_anybody(listener: Listener, speaker: str) -> None:
    """Not if the authority is unknown, nor if the certificate is another host's; with both in order the talk begins."""
    speak, refusal = SPEAKERS[speaker]
    listener.starttls = speaker == "starttls"
    for host, authority, trusted in (
        (NAME, None, 0),
        ("127.0.0.1", listener.authority, 0),
        (NAME, listener.authority, 1),
    ):
        with pytest.raises(refusal):  # for want of an answer, at the least
            speak(host, listener.port, authority)
        assert bool(listener.trusted) is bool(trusted), (host, authority)


@pytest.fixture
def closed_api(tmp_path: Path) -> Iterator[dict[str, object]]:
    """A gRPC server with no methods that asks for certificates; the settings with which the UI gets there."""
    servers, clients = Authority(tmp_path, "servers"), Authority(tmp_path, "clients")
    certificate, key = servers.issue("server", NAME)
    server = grpc.server(ThreadPoolExecutor(2))
    credentials = grpc.ssl_server_credentials(
        [(key.read_bytes(), certificate.read_bytes())], clients.certificate.read_bytes(), require_client_auth=True
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    own, own_key = clients.issue("ui", "ui.example.org")
    yield {
        "target": f"{NAME}:{port}", "ca_file": servers.certificate, "certificate": own, "private_key": own_key,
        "timeout_seconds": 10,
    }  # fmt: skip
    server.stop(0)


def test_the_web_application_shows_its_certificate_to_the_api(closed_api: dict[str, object]) -> None:
    """Where the API asks for one; without it, or from an API of another authority, nothing is had."""

    def outcome(**changed: object) -> str:
        settings = Api.model_validate(closed_api | changed)
        with pytest.raises(StagerError) as caught:
            ApiClient(settings, lambda: "token", lambda: False).caller().get("x")
        return type(caught.value).__name__

    assert outcome() != "UnavailableError"
    assert outcome(certificate=None, private_key=None) == "UnavailableError"
    assert outcome(ca_file=None) == "UnavailableError"
