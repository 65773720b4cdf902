"""The two sources that know a project's collection: the repository's gateway, and the PPM form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from flask import Flask, Response, jsonify, request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from stager_sandbox.serving import HttpServer

PPM_SCOPE = "urn:dccn:project-proposal:collections"
"""What a client has to be allowed to read the form's collections."""
PPM_AUDIENCE = "ppm"
"""For whom the form's tokens are meant."""


class Gateway:
    """Both in this process; a context manager.

    Args:
        collections: By project number: its collections (absolute paths) and their types, as the gateway tells them.
        form: By collection (absolute path): its project's number, as the form tells them.
        issuer: The identity provider whose tokens open the form.
        organizational_unit: The form's own.
        host: Address to listen on.
        port: Port to listen on; 0 for one of the kernel's choice.
        certificate: PEM file with key and certificate; without one, plain HTTP.
        provider_ca: PEM file with which the identity provider is verified.

    Attributes:
        url: Where both answer.
    """

    def __init__(  # noqa: PLR0913 - as many settings as these two have
        self,
        collections: Mapping[str, Mapping[str, str]],
        form: Mapping[str, str],
        *,
        issuer: str,
        organizational_unit: str = "DCC",
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: Path | None = None,
        provider_ca: Path | None = None,
    ) -> None:
        self._collections = collections
        self._form = form
        self._issuer = issuer
        self._unit = organizational_unit
        self._provider = httpx.Client(verify=str(provider_ca) if provider_ca else True, timeout=5)
        self._server = HttpServer("gateway", host, port, certificate)
        self.url = self._server.url

    def _app(self) -> Flask:
        app = Flask(__name__)

        @app.get("/collections/project/<number>")
        def of_project(number: str) -> Response:
            found = self._collections.get(number, {})
            return jsonify(collections=[{"path": path, "type": kind} for path, kind in found.items()])

        @app.get("/api/RepositoryCollections")
        def repository_collections() -> tuple[Response, int]:
            if not self._may_read_form(request.headers.get("Authorization", "")):
                return jsonify(error="invalid_token"), 401
            if request.args.get("organizationalUnit") != self._unit:
                return jsonify([]), 200
            listed = [
                {"id": _identifier(path), "organizationalUnit": self._unit, "project": number}
                for path, number in self._form.items()
            ]
            return jsonify(listed), 200

        return app

    def _may_read_form(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return False
        try:
            keys = KeySet.import_key_set(self._provider.get(f"{self._issuer}/jwks").json())
            claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
            jwt.JWTClaimsRegistry(
                iss={"essential": True, "value": self._issuer},
                aud={"essential": True, "value": PPM_AUDIENCE},
                exp={"essential": True},
            ).validate(claims)
        except (JoseError, ValueError, httpx.HTTPError):
            return False
        return PPM_SCOPE in str(claims.get("scope", "")).split()

    def __enter__(self) -> Self:
        self._server.serve(self._app())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._provider.close()


def _identifier(path: str) -> str:
    """A collection as the form names it: `o.ou.ns` for /zone/o/ou/ns."""
    return ".".join(path.strip("/").split("/")[1:])
