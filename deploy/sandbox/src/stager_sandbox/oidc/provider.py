"""The provider as a server that runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from stager_sandbox.oidc.app import make_app
from stager_sandbox.oidc.clients import Client
from stager_sandbox.oidc.keys import SigningKeys
from stager_sandbox.oidc.store import Store
from stager_sandbox.people import People, Person
from stager_sandbox.serving import HttpServer


class OidcProvider:
    """An OpenID Connect provider in this process; a context manager.

    Args:
        people: Who may log in.
        clients: The applications that they may log in to, and services with tokens of their own.
        data: Where the signing key is kept.
        host: Address to listen on.
        port: Port to listen on; 0 for one of the kernel's choice.
        certificate: PEM file with key and certificate; without one, plain HTTP.
        token_seconds: How long access tokens are good.

    Attributes:
        issuer: Its address; the rest is found under `/.well-known/openid-configuration`.
        keys: The signing keys, to rotate them in a test.
    """

    def __init__(  # noqa: PLR0913 - a provider has these settings
        self,
        people: Sequence[Person],
        clients: Sequence[Client],
        *,
        data: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: Path | None = None,
        token_seconds: int = 600,
    ) -> None:
        self.keys = SigningKeys(data / "signing-key.pem")
        self._people = People(list(people))
        self._clients = {client.client_id: client for client in clients}
        self._token_seconds = token_seconds
        self._server = HttpServer("oidc", host, port, certificate)
        self.issuer = self._server.url

    def __enter__(self) -> Self:
        app = make_app(
            self.issuer,
            people=self._people,
            clients=self._clients,
            keys=self.keys,
            store=Store(),
            token_seconds=self._token_seconds,
        )
        self._server.serve(app)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
