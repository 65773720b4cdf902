"""What the demo does, in order."""

from __future__ import annotations

import json
import secrets
import shlex
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from stager_sandbox.demo.account import choose_account
from stager_sandbox.demo.cast import BIN, Cast
from stager_sandbox.demo.environment import plain_environment
from stager_sandbox.demo.errors import DemoError
from stager_sandbox.demo.place import Place
from stager_sandbox.demo.sample_data import make_sample_data
from stager_sandbox.demo.services import Services, demo_login
from stager_sandbox.demo.task import readme_task
from stager_sandbox.demo.verify import Tally, verify_download, verify_upload
from stager_sandbox.processes import die_with_parent
from stager_sandbox.secrets_file import write_private
from stager_sandbox.zone import ZoneFiles

_TRANSFER_SECONDS = 1800
_WATCH_SECONDS = 0.2


def tell(folder: Path, readme: Path, *, once: bool) -> None:
    """Run the demo; with `once`, end after the round trip instead of waiting for Ctrl-C.

    Raises:
        DemoError: Something isn't as it should be.
    """
    place = Place(folder)
    with place.held(), ExitStack() as stack:
        account = choose_account(BIN / "s-isync", place.root)
        _say(f"Transfers run as {account.name}" + (f" ({account.why})." if account.why else "."))
        _prepare_data(place)
        account.give(place.project)
        more = ", two workers and the web application" if not once else " and two workers"
        _say(f"Starting the sandbox (iRODS zone, WebDAV, OIDC, gateway, mail, Redis), the API{more} ...")
        cast = Cast(
            {"alice": account.name, "bob": "bob", "carol": ""},
            acts_as=(account.name,),
            system_users=(account.name,) if account.is_system else (),
            worker_settings={"concurrency": 2, "stop_grace": 3},
        )
        services = Services(stack, place, cast, demo_login(secrets.token_urlsafe(18)), pages=not once)
        alice = services.sandbox["users"][0]
        up = readme_task(readme) | {
            "srcURL": str(place.raw),
            "drUser": alice["name"],
            "drPass": alice["password"],
            "stagerUser": account.name,
        }
        collection = str(up["dstURL"]).partition(":")[2]
        down = up | {"title": "The same, back down", "srcURL": up["dstURL"], "dstURL": str(place.back)}
        _transfer(place, services, "up", up)
        zone = ZoneFiles.at(place.sandbox / "zone", services.sandbox["zone"]["name"])
        sent = verify_upload(place.raw, zone, alice["name"], collection)
        zone.close()
        _say(f"Verified by checksum against the zone's catalogue: {_amount(sent)}.")
        _transfer(place, services, "down", down)
        came = verify_download(place.raw, place.back)
        _say(f"Compared byte by byte: {_amount(came)}.")
        if not once:
            _say(_how_to_go_on(place, services))
            _wait(services)
        else:
            summary = f"{came.files} files, {came.size} bytes up and down, verified, state completed"
    if once:
        _say(f"demo: {summary}")


def _prepare_data(place: Place) -> None:
    whole = place.project / ".sample-data-is-whole"
    if whole.exists():
        return
    _say(f"Making sample data in {place.raw} ...")
    make_sample_data(place.raw)
    whole.touch()


def _transfer(place: Place, services: Services, name: str, task: dict[str, Any]) -> None:
    """Submit a task with the `stager` command and follow it, while the services are watched."""
    document = place.private / f"task-{name}.json"
    write_private(document, json.dumps(task, indent=2, ensure_ascii=False) + "\n")
    command = [str(BIN / "stager"), "submit", str(document), "--watch"]
    _say(f"\n$ {shlex.join(['stager', *command[1:]])}")
    environment = plain_environment() | {"STAGER_CONFIG": str(place.client_settings)}
    stager = subprocess.Popen(command, env=environment, preexec_fn=die_with_parent())  # noqa: S603, PLW1509 - our own; libc only
    deadline = time.monotonic() + _TRANSFER_SECONDS
    try:
        while stager.poll() is None:
            services.check()
            if time.monotonic() > deadline:
                raise DemoError(
                    f"the transfer {name} did not end within {_TRANSFER_SECONDS} s; logs are in {place.logs}"
                )
            time.sleep(_WATCH_SECONDS)
    finally:
        if stager.poll() is None:
            stager.kill()
        stager.wait()
    if stager.returncode:
        raise DemoError(f"the transfer {name} ended with exit code {stager.returncode}; logs are in {place.logs}")
    state = _newest_state(environment)
    if state != "completed":
        raise DemoError(f"the transfer {name} is {state}, not completed; logs are in {place.logs}")


def _newest_state(environment: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603 - the demo's own program
        [BIN / "stager", "list", "--json"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    try:
        return str(json.loads(done.stdout)["jobs"][0]["state"])
    except (ValueError, LookupError, TypeError):
        raise DemoError(f"`stager list --json` gives no job: {done.stdout}{done.stderr}") from None


def _how_to_go_on(place: Place, services: Services) -> str:
    told = services.sandbox
    alice, _, carol = told["users"]
    pages, provider = (urlsplit(url).netloc for url in (services.pages_url, told["oidc"]["issuer"]))
    return f"""
It all runs until Ctrl-C. Open it in a browser:

  {services.pages_url}
    alice   {alice["password"]}   for the login and for the repository
    carol   {carol["password"]}   has no account here, and is told so

  On another machine first: ssh -L {pages.partition(":")[2]}:{pages} -L {provider.partition(":")[2]}:{provider} THIS-ONE

What runs:
  API            {services.address}
  iRODS zone     {told["zone"]["host"]}:{told["zone"]["port"]}  {told["zone"]["name"]}, CA {place.ca_file}
  WebDAV         {told["webdav"]["url"]}
  identity       {told["oidc"]["issuer"]}
  mail           {told["mail"]["folder"]}
  logs           {place.logs}
  configuration  {place.api_settings}
                 {place.worker_settings}
                 {place.ui_settings}
  accounts       {place.sandbox / "sandbox.json"}

Try more:
  export STAGER_CONFIG={shlex.quote(str(place.client_settings))} PATH={shlex.quote(str(BIN))}:$PATH
  stager list
  stager submit {shlex.quote(str(place.private / "task-up.json"))} --watch      # finds everything there already
  stager ls {shlex.quote(str(place.project))}
  stager project 3010000.01
  curl -u {alice["name"]}:{alice["password"]} -X PROPFIND -H 'Depth: 1' {told["webdav"]["url"]}/
"""


def _wait(services: Services) -> None:
    while True:
        services.check()
        time.sleep(_WATCH_SECONDS)


def _amount(tally: Tally) -> str:
    return f"{tally.files} files, {tally.size} bytes"


def _say(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()
