"""What every command has: the connection's options, a client, and a way to tell a result."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec

import click

from stager_client.cli.exit_codes import ExitCode, of_error
from stager_client.cli.json_form import error_json
from stager_client.cli.text import printable
from stager_client.client import StagerClient
from stager_client.configuration import find_settings
from stager_client.errors import NotSignedInError, StagerError

P = ParamSpec("P")

_PATH: Final = click.Path(path_type=Path, dir_okay=False)
_OPTIONS: Final = (
    click.option("--json", "as_json", is_flag=True, help="Write results (and errors, to stderr) as JSON."),
    click.option("--address", metavar="HOST:PORT", help="Where the stager is.  [env: STAGER_ADDRESS]"),
    click.option("--user", help="Service user; the password comes from a file or is asked for.  [env: STAGER_USER]"),
    click.option("--password-file", type=_PATH, help="Holds that user's password.  [env: also STAGER_PASSWORD]"),
    click.option("--token-file", type=_PATH, help="Holds an access token.  [env: also STAGER_TOKEN]"),
    click.option("--ca", type=_PATH, help="Authority of the stager's certificate, PEM.  [env: STAGER_CA]"),
    click.option("--cert", type=_PATH, help="This client's certificate, PEM.  [env: STAGER_CERT]"),
    click.option("--key", type=_PATH, help="That certificate's key, PEM.  [env: STAGER_KEY]"),
    click.option(
        "--plaintext/--tls",
        default=None,
        help="Without or with encryption.  [default: TLS, but for loopback addresses without --ca]",
    ),
    click.option("--timeout", type=float, metavar="SECONDS", help="Of one try of a call.  [default: 30]"),
    click.option("--config", type=_PATH, help="Instead of ~/.config/stager/config.toml.  [env: STAGER_CONFIG]"),
)
_HOW_TO_SIGN_IN: Final = (
    "the login is missing or refused: check user and password, or the token (--user and --password-file, --token-file, "
    "STAGER_USER and so on, or ~/.config/stager/config.toml)"
)
_NAMES: Final = ("address", "user", "password_file", "token_file", "ca", "cert", "key", "plaintext", "timeout")


class Session:
    """One run of a command.

    Attributes:
        as_json: Results are to be JSON.
    """

    def __init__(self, given: Mapping[str, object], config: Path | None, *, as_json: bool) -> None:
        self.as_json = as_json
        self._given = given
        self._config = config
        self._client: StagerClient | None = None

    @property
    def client(self) -> StagerClient:
        """The client; made when it is first needed."""
        if self._client is None:
            ask = _ask_password if sys.stdin.isatty() else None
            self._client = StagerClient(find_settings(self._given, config=self._config, ask_password=ask))
        return self._client

    def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            self._client.close()

    def show(self, document: object, text: str) -> None:
        """Write a result: the document as JSON, or the text for a person."""
        click.echo(json.dumps(document, ensure_ascii=False) if self.as_json else text)

    def complain(self, error: StagerError, about: str = "") -> None:
        """Write an error to stderr: every fault of the task on a line of its own, or what happened.

        Args:
            error: What happened.
            about: To which job, where there are several.
        """
        if self.as_json:
            click.echo(json.dumps({"error": error_json(error)}, ensure_ascii=False), err=True)
            return
        # What the stager says of a login is for those who write programs.
        said = _HOW_TO_SIGN_IN if isinstance(error, NotSignedInError) else str(error)
        click.echo(f"stager: {printable(f'{about}: {said}' if about else said)}", err=True)
        for violation in error.violations:
            click.echo(f"  {printable(str(violation))}", err=True)


def connected(command: Callable[Concatenate[Session, P], ExitCode | None]) -> Callable[..., None]:
    """Give a command the connection's options and a session, and turn its errors into a line and an exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        options: dict[str, Any] = {name: kwargs.pop(name) for name in (*_NAMES, "config", "as_json")}
        session = Session({name: options[name] for name in _NAMES}, options["config"], as_json=bool(options["as_json"]))
        try:
            code = command(session, *args, **kwargs) or ExitCode.OK
        except StagerError as error:
            session.complain(error)
            code = of_error(error)
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
        finally:
            session.close()
        click.get_current_context().exit(code)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run


def _ask_password(user: str) -> str:
    password: str = click.prompt(f"Password of {user}", hide_input=True, err=True)
    return password
