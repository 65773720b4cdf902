"""The `stager-ui` command."""

from __future__ import annotations

import http.client
import ssl
import sys
from pathlib import Path

import click
from stager_settings import SettingsError, load_settings

from stager_ui.settings import Listen, UiSettings

ENV_PREFIX = "STAGER_UI_"
USUAL_CONFIG = Path("/etc/stager/ui.yml")
HEALTH_SECONDS = 5
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("what", type=click.Choice(["serve", "health"]), default="serve")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"Settings in YAML; {USUAL_CONFIG} if it is there.",
)
@click.version_option(package_name="stager-ui")
def main(what: str, config: Path | None) -> None:
    """Serve the stager's web application, or ask the one that runs here whether it is well.

    Variables that begin with STAGER_UI_ win over the file. Prints `ready HOST:PORT` once browsers may come; SIGTERM
    ends it after the requests under way.
    """
    if config is None and USUAL_CONFIG.exists():
        config = USUAL_CONFIG
    try:
        settings = load_settings(UiSettings, config, env_prefix=ENV_PREFIX)
    except SettingsError as error:
        click.echo(f"stager-ui: {error}", err=True)
        sys.exit(1)
    if what == "serve":
        from stager_ui.server import serve

        serve(settings)
    elif fault := _fault(settings.listen):
        click.echo(f"stager-ui: {fault}", err=True)
        sys.exit(1)


def _fault(listen: Listen) -> str | None:
    host = _ANY_ADDRESS.get(listen.host, listen.host)
    connection: http.client.HTTPConnection
    if listen.certificate is None:
        connection = http.client.HTTPConnection(host, listen.port, timeout=HEALTH_SECONDS)
    else:
        # Its certificate is for its public name, not for this machine's inside: it is trusted as itself.
        context = ssl.create_default_context(cafile=str(listen.certificate))
        context.check_hostname = False
        connection = http.client.HTTPSConnection(host, listen.port, timeout=HEALTH_SECONDS, context=context)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except OSError as error:
        return f"nothing answers at {host}:{listen.port}: {error}"
    finally:
        connection.close()
    return None if status == http.client.OK else f"{host}:{listen.port} answers {status}"
