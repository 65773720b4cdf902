"""The services' configuration, as files that a real deployment has, too."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from stager_sandbox.demo.cast import Cast
from stager_sandbox.demo.errors import DemoError
from stager_sandbox.demo.place import Place
from stager_sandbox.scenery import UI_CLIENT
from stager_sandbox.secrets_file import write_private

CALLER = "demo"
"""The service user as whom the `stager` command calls."""


@dataclass(frozen=True, slots=True)
class Login:
    """How the `stager` command calls."""

    user: str
    password: str = field(repr=False)


def write_api_settings(place: Place, sandbox: Mapping[str, Any], cast: Cast, login_hash: str, port: int) -> None:
    """Write api-server.yml."""
    may = {"acts_as": list(cast.acts_as), "service_accounts": [sandbox["service_account"]["name"]]}
    form = sandbox["ppm"]
    _write(
        place.api_settings,
        "stager-api",
        {
            "grpc": {"host": "127.0.0.1", "port": port},
            "redis": {"url": sandbox["redis"]["url"]},
            "sealing_keys": str(place.public_keys),
            "service_users": {CALLER: {"password_hash": login_hash, **may}},
            "oauth": {
                "issuer": sandbox["oidc"]["issuer"],
                "audience": "data-stager-api",
                "clients": {"streamer": may},
            },
            # As whom the sandbox's people come back from the identity provider, in a demo that root runs.
            "accounts": {"system_users": list(cast.system_users)},
            "directories": {"roots": [str(place.root / "project"), "~"]},
            "jobs": {"log_directory": str(place.logs / "jobs")},
            "projects": {
                "ppm": {
                    "endpoint": form["url"],
                    "token_url": form["token_url"],
                    "client_id": form["client_id"],
                    "client_secret": form["client_secret"],
                    "scope": form["scope"],
                    "organizational_unit": form["organizational_unit"],
                    "zone": sandbox["zone"]["name"],
                },
                "gateway": {"endpoint": sandbox["gateway"]["url"]},
            },
        },
    )


def write_worker_settings(place: Place, sandbox: Mapping[str, Any], cast: Cast, pages_url: str = "") -> None:
    """Write worker.yml; mails have a link to their job where the web application runs."""
    zone, service = sandbox["zone"], sandbox["service_account"]
    settings = {
        "redis": {"url": sandbox["redis"]["url"]},
        "dr": {
            "host": zone["host"],
            "port": zone["port"],
            "zone": zone["name"],
            "authentication_scheme": "native",
            "client_server_policy": "CS_NEG_REQUIRE",
            "ssl_ca_certificate_file": str(place.ca_file),
            "organisationalUnits": [
                {"name": "dccn", "irodsUser": service["name"], "irodsPass": service["password"]},
            ],
        },
        "isync": {"program": str(cast.isync)},
        "roots": [str(place.root / "project"), "~"],
        "keyring": str(place.keys),
        "log_directory": str(place.logs / "jobs"),
        "system_users": list(cast.system_users),
        "mail": {
            "host": sandbox["mail"]["host"],
            "port": sandbox["mail"]["port"],
            "security": "none",
            "sender": "stager@example.org",
            "job_link": f"{pages_url}/jobs/{{id}}" if pages_url else "",
        },
        **cast.worker_settings,
    }
    _write(place.worker_settings, "stager-worker", settings)


def write_ui_settings(place: Place, sandbox: Mapping[str, Any], api_address: str, port: int) -> None:
    """Write ui.yml."""
    # Sessions have a Redis database of their own, so that nobody looks for jobs among them.
    redis = urlsplit(sandbox["redis"]["url"])._replace(path="/1").geturl()
    _write(
        place.ui_settings,
        "stager-ui",
        {
            "public_url": f"http://127.0.0.1:{port}",
            "listen": {"port": port},
            "redis": {"url": redis},
            "session": {"secret": secrets.token_urlsafe(32)},
            "oidc": {
                "issuer": sandbox["oidc"]["issuer"],
                "client_id": UI_CLIENT,
                "client_secret": sandbox["oidc"]["clients"][UI_CLIENT],
            },
            "api": {"target": api_address, "plaintext": True},
            "repository": {"webdav_url": sandbox["webdav"]["url"], "start": sandbox["projects"][place.project.name]},
            "storage": {"start": str(place.project)},
        },
    )


def write_client_settings(place: Place, address: str, login: Login) -> None:
    """Write the `stager` command's config.toml."""
    values = {"address": address, "user": login.user, "password": login.password}
    # A JSON string is a TOML string, too.
    write_private(place.client_settings, "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()))


def hash_password(program: Path, password: str) -> str:
    """The hash of a password, as `stager-api hash-password` prints it.

    Raises:
        DemoError: It doesn't.
    """
    done = subprocess.run(  # noqa: S603 - the demo's own program
        [program, "hash-password"],
        input=f"{password}\n{password}\n",
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # no terminal, so that it reads the password from its input
    )
    if done.returncode:
        raise DemoError(f"stager-api hash-password failed: {done.stderr.strip()}")
    return done.stdout.strip().splitlines()[-1]


def _write(path: Path, program: str, settings: Mapping[str, Any]) -> None:
    text = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)
    write_private(path, f"# Written by `make demo` for {program}.\n{text}")
