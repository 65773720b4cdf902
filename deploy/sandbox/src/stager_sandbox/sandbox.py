"""The whole sandbox: every part started in turn, and ended together."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stager_sandbox import scenery
from stager_sandbox.gateway import PPM_SCOPE, Gateway
from stager_sandbox.mail import MailFolder
from stager_sandbox.oidc import OidcProvider
from stager_sandbox.people import Person
from stager_sandbox.processes import Child, ChildError
from stager_sandbox.redis_server import RedisServer
from stager_sandbox.secrets_file import SecretsFile, write_private
from stager_sandbox.serving import EVERYWHERE
from stager_sandbox.webdav import WebDav

HOST = "127.0.0.1"
PARTS = ("zone", "webdav", "oidc", "gateway", "mail", "redis")
WEB_PARTS = ("webdav", "oidc", "gateway")
DESCRIPTION = "sandbox.json"
DEFAULT_PEOPLE = (Person("alice", "", "alice"), Person("bob", "", "bob"), Person("carol", "", ""))
"""Carol is no local user."""


class SandboxError(Exception):
    """The sandbox can't start; the message says what to do."""


class Sandbox:
    """All that the stager talks to, on loopback; a context manager.

    The zone and Redis are processes of their own, the rest are threads of this one. All end with this process. What is
    in the directory stays and is taken up again at the next start, passwords included.

    Args:
        data: Where everything goes; made if missing, for its owner's eyes only.
        people: Who has an account, with a made up password where theirs is empty.
        ports: By part (see `PARTS`), where it listens; absent or 0: one of the kernel's choice.
        tls: Whether the zone refuses plain connections, and the web servers speak HTTPS.
        zone_name: The zone's name.
        token_seconds: How long access tokens are good.
        opened: Which of the web servers (`WEB_PARTS`) other machines may reach; they call themselves by loopback
            nevertheless. For a container, whose ports its host publishes.

    Attributes:
        description: Addresses, people and secrets, once entered; also in `sandbox.json`, which its owner alone can
            read.
    """

    def __init__(  # noqa: PLR0913 - a sandbox has these settings
        self,
        data: Path,
        *,
        people: Sequence[Person] = DEFAULT_PEOPLE,
        ports: Mapping[str, int] | None = None,
        tls: bool = False,
        zone_name: str = scenery.ZONE,
        token_seconds: int = 600,
        opened: Collection[str] = (),
    ) -> None:
        self.data = data
        self.description: dict[str, Any] = {}
        self._people = people
        self._ports = {part: (ports or {}).get(part, 0) for part in PARTS}
        self._tls = tls
        self._zone_name = zone_name
        self._token_seconds = token_seconds
        self._hosts = {part: EVERYWHERE if part in opened else HOST for part in WEB_PARTS}
        self._stack = ExitStack()
        self._children: list[Child] = []

    def fault(self) -> str | None:
        """What has ended that shouldn't have; None while all is well."""
        for child in self._children:
            if (code := child.exit_code()) is not None:
                return f"{child.name} ended with code {code}; its log is {child.log}"
        return None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._prepare(stack)
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _prepare(self, stack: ExitStack) -> None:
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.data.chmod(0o700)
        lock = os.open(self.data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        stack.callback(os.close, lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SandboxError(f"a sandbox runs in {self.data} already; stop it, or give another directory") from None
        (self.data / DESCRIPTION).unlink(missing_ok=True)

    def _start(self, stack: ExitStack) -> None:
        secrets = SecretsFile(self.data / "secrets.json")
        people = [Person(who.name, who.password or secrets.get(f"user {who.name}"), who.uid) for who in self._people]
        clients = scenery.clients(secrets)
        zone = self._start_zone(stack, people, secrets)
        authority = self.data / "zone" / "tls" / "ca.pem"
        certificate = authority.parent / "server.pem" if self._tls else None
        redis = RedisServer(self.data / "redis", port=self._ports["redis"], password=secrets.get("redis"))
        try:
            stack.enter_context(redis)
            webdav = stack.enter_context(
                WebDav(
                    self.data / "zone",
                    self._zone_name,
                    host=self._hosts["webdav"],
                    port=self._ports["webdav"],
                    certificate=certificate,
                )
            )
            oidc = stack.enter_context(
                OidcProvider(
                    people,
                    clients,
                    data=self.data / "oidc",
                    host=self._hosts["oidc"],
                    port=self._ports["oidc"],
                    certificate=certificate,
                    token_seconds=self._token_seconds,
                )
            )
            gateway = stack.enter_context(
                Gateway(
                    scenery.collections_at_gateway(self._zone_name),
                    scenery.collections_in_form(self._zone_name),
                    issuer=oidc.issuer,
                    host=self._hosts["gateway"],
                    port=self._ports["gateway"],
                    certificate=certificate,
                    provider_ca=authority if certificate else None,
                )
            )
            mail = stack.enter_context(MailFolder(self.data / "mail", port=self._ports["mail"]))
        except (OSError, ChildError) as error:
            raise SandboxError(f"a part of the sandbox can't start: {error}") from error
        self.description = {
            "zone": zone,
            "ca_file": str(authority.resolve()),
            "webdav": {"url": webdav.url},
            "oidc": {
                "issuer": oidc.issuer,
                "clients": {client.client_id: client.secret for client in clients},
            },
            "gateway": {"url": gateway.url},
            "ppm": {
                "url": gateway.url,
                "token_url": f"{oidc.issuer}/token",
                "client_id": scenery.FORM_CLIENT,
                "client_secret": next(item.secret for item in clients if item.client_id == scenery.FORM_CLIENT),
                "scope": PPM_SCOPE,
                "organizational_unit": "DCC",
            },
            "mail": {"host": HOST, "port": mail.port, "folder": str(mail.folder.resolve())},
            "redis": {"url": redis.url},
            "users": [{"name": who.name, "password": who.password, "uid": who.uid} for who in people],
            "service_account": {
                "name": scenery.SERVICE_ACCOUNT,
                "password": secrets.get(f"user {scenery.SERVICE_ACCOUNT}"),
            },
            "projects": {project.number: project.path(self._zone_name) for project in scenery.PROJECTS[:2]},
        }
        stack.callback((self.data / DESCRIPTION).unlink, missing_ok=True)
        write_private(self.data / DESCRIPTION, json.dumps(self.description, indent=2) + "\n")

    def _start_zone(self, stack: ExitStack, people: Sequence[Person], secrets: SecretsFile) -> dict[str, Any]:
        accounts = {who.name: who.password for who in people}
        accounts[scenery.SERVICE_ACCOUNT] = secrets.get(f"user {scenery.SERVICE_ACCOUNT}")
        settings = {
            "users": accounts,
            "data": str(self.data / "zone"),
            "zone_name": self._zone_name,
            "admin": ["rods", secrets.get("user rods")],
            "collections": {
                project.path(self._zone_name): project.owner
                for project in scenery.PROJECTS
                if project.owner in accounts
            },
            "port": self._ports["zone"],
            "require_tls": self._tls,
            "browsable": True,
            "control": True,
        }
        command = [sys.executable, "-m", "stager_sandbox.zone_process"]
        try:
            child = Child("zone", command, log=self.data / "zone.log", stdin=json.dumps(settings).encode())
            stack.callback(child.stop)
            host, port = child.wait_ready().rsplit(":", 1)
        except ChildError as error:
            raise SandboxError(str(error)) from error
        self._children.append(child)
        return {"host": host, "port": int(port), "name": self._zone_name}
