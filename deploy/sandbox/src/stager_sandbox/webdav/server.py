"""The WebDAV server that runs."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from wsgidav.dc.base_dc import BaseDomainController
from wsgidav.error_printer import ErrorPrinter
from wsgidav.http_authenticator import HTTPAuthenticator
from wsgidav.request_resolver import RequestResolver
from wsgidav.wsgidav_app import WsgiDAVApp

from stager_sandbox.serving import HttpServer
from stager_sandbox.webdav.resources import ZoneProvider
from stager_sandbox.zone import ZoneFiles


class WebDav:
    """A WebDAV server in this process; a context manager.

    It shows the zone from its root, to those who log in with a name and password of the zone's. PROPFIND on `/.login`
    answers 401 or 207.

    Args:
        data: The directory of the zone, which may run in another process.
        zone_name: The zone's name.
        host: Address to listen on.
        port: Port to listen on; 0 for one of the kernel's choice.
        certificate: PEM file with key and certificate; without one, plain HTTP.

    Attributes:
        url: Where it answers.
    """

    def __init__(
        self, data: Path, zone_name: str, *, host: str = "127.0.0.1", port: int = 0, certificate: Path | None = None
    ) -> None:
        self._files = ZoneFiles.at(data, zone_name)
        self._server = HttpServer("webdav", host, port, certificate)
        self.url = self._server.url

    def __enter__(self) -> Self:
        files = self._files

        class Accounts(BaseDomainController):
            """Asks the zone whether a password is right."""

            def get_domain_realm(self, _path_info: str, _environ: dict[str, Any] | None) -> str:
                return "repository"

            def require_authentication(self, _realm: str, _environ: dict[str, Any] | None) -> bool:
                return True

            def basic_auth_user(self, _realm: str, user_name: str, password: str, _environ: dict[str, Any]) -> bool:
                return files.check_password(user_name, password)

            def supports_http_digest_auth(self) -> bool:
                return False

        self._server.serve(
            WsgiDAVApp(
                {
                    "provider_mapping": {"/": ZoneProvider(files)},
                    "middleware_stack": [ErrorPrinter, HTTPAuthenticator, RequestResolver],
                    "http_authenticator": {
                        "domain_controller": Accounts,
                        "accept_basic": True,
                        "accept_digest": False,
                        "default_to_digest": False,
                    },
                    "suppress_version_info": True,
                    "verbose": 1,
                }
            )
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._files.close()
