"""The `stager-admin` command."""

from __future__ import annotations

import http.client
import ssl
import sys
from pathlib import Path
from typing import Any

import click
from argon2 import PasswordHasher
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from stager_settings import SettingsError, is_loopback, load_settings
from stager_telemetry import configure_logging, get_logger

from stager_admin.app import create_app
from stager_admin.settings import AdminSettings

log = get_logger(__name__)

DEFAULT_CONFIG = Path("/etc/stager/admin.yml")


class Server(BaseApplication):
    """gunicorn with the settings of this service."""

    def __init__(self, settings: AdminSettings) -> None:
        self._settings = settings
        super().__init__()  # type: ignore[no-untyped-call] # gunicorn ships no types

    def load_config(self) -> None:
        """Take gunicorn's settings from ours."""
        given = self._settings
        options: dict[str, Any] = {
            "bind": f"{given.host}:{given.port}",
            # One process, since wrong passwords are counted in it; pages of a few admins need no more.
            "workers": 1,
            "threads": 8,
            "certfile": given.certificate and str(given.certificate),
            "keyfile": given.key and str(given.key),
            "when_ready": _say_ready,
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)  # type: ignore[union-attr] # the base class has made it

    def load(self) -> Any:  # noqa: ANN401 - the WSGI application
        """The application."""
        return create_app(self._settings)


def _say_ready(server: Arbiter) -> None:
    host, port = server.LISTENERS[0].sock.getsockname()[:2]
    click.echo(f"ready {host}:{port}")


@click.group(invoke_without_command=True)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="STAGER_ADMIN_CONFIG",
    help=f"admin.yml; variables STAGER_ADMIN_... win over it.  [default: {DEFAULT_CONFIG}, if it is there]",
)
@click.version_option(package_name="stager-admin")
@click.pass_context
def main(context: click.Context, config: Path | None) -> None:
    """Serve rq-dashboard behind a login."""
    context.obj = config
    if context.invoked_subcommand is None:
        configure_logging("admin")
        settings = _settings(config)
        if settings.certificate is None and not is_loopback(settings.host):
            log.warning("less safe than it could be", setting="plaintext_beyond_loopback: passwords go in clear")
        Server(settings).run()  # type: ignore[no-untyped-call] # gunicorn ships no types


def _settings(config: Path | None) -> AdminSettings:
    chosen = config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    try:
        return load_settings(AdminSettings, chosen, env_prefix="STAGER_ADMIN_")
    except SettingsError as error:
        click.echo(f"stager-admin: {error}", err=True)
        sys.exit(2)


@main.command()
@click.pass_obj
def health(config: Path | None) -> None:
    """End with 0 if the service on this machine answers and reaches Redis: for a container's health check."""
    settings = _settings(config)
    host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host  # noqa: S104 - compared, not bound
    connection = http.client.HTTPConnection(host, settings.port, timeout=4)
    if settings.certificate:
        # The certificate has to be the service's own; it names the service, not this loopback address.
        context = ssl.create_default_context(cafile=settings.certificate)
        context.check_hostname = False
        connection = http.client.HTTPSConnection(host, settings.port, timeout=4, context=context)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
    except OSError as error:
        click.echo(f"stager-admin: no answer on {host}:{settings.port}: {error}", err=True)
        sys.exit(1)
    click.echo(answer.read().decode().strip())
    sys.exit(0 if answer.status == http.HTTPStatus.OK else 1)


@main.command("hash-password")
def hash_password() -> None:
    """Ask for a password and print its argon2 hash, for `users` in admin.yml."""
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    click.echo(PasswordHasher().hash(password))
