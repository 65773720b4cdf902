"""The `stager-api` command."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from stager_credentials import KeyringError
from stager_settings import SettingsError, load_settings
from stager_telemetry import configure_logging

from stager_api.bootstrap import StartError, serve
from stager_api.identity.passwords import hash_password
from stager_api.probe import ProbeError, probe
from stager_api.server import ListenError
from stager_api.settings import ENV_PREFIX, ApiSettings

DEFAULT_CONFIG = Path("/etc/stager/api-server.yml")
"""Read where no other file is named and this one is there."""

config_option = click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="STAGER_API_CONFIG",
    help=f"api-server.yml; variables STAGER_API_... win over it.  [default: {DEFAULT_CONFIG}, if it is there]",
)


@click.group(help="The stager's gRPC service. Without a command it serves.", invoke_without_command=True)
@config_option
@click.version_option(package_name="stager-api")
@click.pass_context
def main(context: click.Context, config: Path | None) -> None:
    """The command's entry."""
    context.obj = config
    if context.invoked_subcommand is None:
        context.invoke(serve_command, config=config)


@main.command("serve")
@config_option
@click.pass_obj
def serve_command(given: Path | None, config: Path | None) -> None:
    """Serve until SIGTERM; prints `ready HOST:PORT` once it answers."""
    try:
        settings = _settings(config or given)
        configure_logging("api", level=settings.logs.level, log_format=settings.logs.format)
        asyncio.run(serve(settings, lambda address: click.echo(f"ready {address}")))
    except (SettingsError, StartError, ListenError, KeyringError) as error:
        raise click.ClickException(str(error)) from error


@main.command("health")
@config_option
@click.option("--address", metavar="HOST:PORT", help="Where it listens, if that isn't in the configuration.")
@click.option("--service", default="", help="Only this part, such as stager.v1.DirectoryService.  [default: all]")
@click.option("--timeout", default=5.0, show_default=True, help="Seconds to wait for the answer.")
@click.pass_obj
def health_command(given: Path | None, config: Path | None, address: str | None, service: str, timeout: float) -> None:
    """Ask the running service how it is; exit code 0: it serves. For probes of containers."""
    try:
        answer = probe(_settings(config or given), address, service, timeout)
    except (SettingsError, ProbeError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(answer)


@main.command("hash-password")
def hash_password_command() -> None:
    """Ask for a password and print its hash, for `service_users` in the configuration."""
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    click.echo(hash_password(password))


def _settings(config: Path | None) -> ApiSettings:
    chosen = config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    return load_settings(ApiSettings, chosen, env_prefix=ENV_PREFIX)
