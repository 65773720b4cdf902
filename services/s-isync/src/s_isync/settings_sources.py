"""Where zone and password come from: a pipe, a worker.yml, or the files and variables of an iRODS user."""

import contextlib
import getpass
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s_isync.options import Options
from s_isync.sealed_password import open_sealed
from s_isync.worker_config import read_worker_config
from s_isync.zone_settings import KNOWN_KEYS, ZoneSettings, bad_configuration, from_environment_keys

_log = logging.getLogger(__name__)
_LONGEST_DOCUMENT = 1024 * 1024


def read_connection(descriptor: int) -> dict[str, Any]:
    """The JSON object that a parent process has written into a pipe, read to its end; the pipe is closed.

    Raises:
        EndOfRunError: there is no such descriptor, or no JSON object in it.
    """
    try:
        with open(descriptor, "rb", closefd=True) as pipe:
            text = pipe.read(_LONGEST_DOCUMENT)
    except OSError as error:
        raise bad_configuration(f"--connection-fd {descriptor}: {error.strerror}") from error
    return _document(text, f"--connection-fd {descriptor}")


def zone_settings(options: Options, connection: Mapping[str, Any] | None) -> ZoneSettings:
    """The settings of a run.

    Args:
        options: the command line.
        connection: what `read_connection` has given; then nothing else counts.

    Raises:
        EndOfRunError: something is missing or makes no sense.
    """
    if connection is not None:
        return from_environment_keys(connection, "--connection-fd")
    if options.config is not None:
        found, where = read_worker_config(options.config, options.user), str(options.config)
    else:
        found, where = _irods_environment()
    if options.user is not None:
        if found.get("irods_user_name") != options.user:
            found.pop("password", None)
        found["irods_user_name"] = options.user
    given = _given_password(options)
    if given is not None and options.key is not None:
        given = open_sealed(given, options.key, str(found.get("irods_user_name", "")))
    if given is not None:
        found["password"] = given
    elif "password" not in found and options.config is None:
        _own_password(found)
    return from_environment_keys(found, where)


def _irods_environment() -> tuple[dict[str, Any], str]:
    path = Path(os.environ.get("IRODS_ENVIRONMENT_FILE") or Path.home() / ".irods" / "irods_environment.json")
    found: dict[str, Any] = {}
    where = "IRODS_* variables"
    with contextlib.suppress(FileNotFoundError):
        try:
            found, where = _document(path.read_bytes(), str(path)), str(path)
        except PermissionError as error:
            raise bad_configuration(f"{path}: {error.strerror}") from error
    for key in KNOWN_KEYS:
        if key.startswith("irods_") and (value := os.environ.get(key.upper())):
            found[key] = value
    if not found:
        raise bad_configuration(
            f"no zone is configured: {path} doesn't exist; make it with iinit, set IRODS_HOST, IRODS_ZONE_NAME and "
            "IRODS_USER_NAME, or name a worker.yml with -c"
        )
    return found, where


def _own_password(found: dict[str, Any]) -> None:
    """Add the password that iinit has kept, or that the person types."""
    from s_isync.backends.irods_password import kept_password

    if password := os.environ.pop("IRODS_PASSWORD", None):
        found["password"] = password
    elif password := kept_password(found.get("irods_authentication_file")):
        found["password"] = password
        if str(found.get("irods_authentication_scheme", "")).lower().startswith("pam"):
            found["irods_authentication_scheme"] = "native"  # what iinit keeps after PAM is a native password
    elif sys.stdin.isatty() and sys.stderr.isatty():
        found["password"] = getpass.getpass(f"Password of {found.get('irods_user_name', 'the iRODS user')}: ")


def _given_password(options: Options) -> str | None:
    if options.password_file is None:
        if options.password is not None:
            _log.warning("--drpass shows the password to everybody on this machine; use --fdrpass or .irodsA")
        return options.password
    path = options.password_file
    try:
        text = path.read_text(encoding="utf-8").strip("\r\n")
        if not options.keep_password_file:
            path.unlink()
    except (OSError, UnicodeDecodeError) as error:
        raise bad_configuration(f"--fdrpass {path}: {getattr(error, 'strerror', None) or error}") from error
    return text


def _document(text: bytes, where: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        # The text may hold a password, so no part of it is shown.
        raise bad_configuration(f"{where}: is no JSON") from error.__cause__
    if not isinstance(document, dict):
        raise bad_configuration(f"{where}: is no JSON object")
    return document
