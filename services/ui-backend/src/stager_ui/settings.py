"""What can be set for the web application."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl, SecretStr, UrlConstraints, model_validator
from redis import Redis as Client
from stager_redis import TlsFiles, connect
from stager_settings import Settings, is_loopback

WebUrl = Annotated[HttpUrl, UrlConstraints(allowed_schemes=["http", "https"], host_required=True)]


class Listen(Settings):
    """Where browsers, or the proxy before them, connect."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port to listen on; 0 lets the kernel choose, and the line `ready HOST:PORT` tells which."""
    workers: int = Field(default=2, ge=1, le=64)
    """Processes."""
    threads: int = Field(default=16, ge=1, le=256)
    """Requests that one process works on at a time."""
    certificate: Path | None = None
    """PEM file for TLS without a proxy; together with private_key."""
    private_key: Path | None = None
    """PEM file of the certificate's key."""


class Proxy(Settings):
    """The proxies before this service."""

    hops: int = Field(default=0, ge=0, le=10)
    """How many proxies add to X-Forwarded-For, -Proto and -Host; 0 believes none of these headers."""


class Redis(Settings):
    """Where sessions and login throttles are kept."""

    url: SecretStr = SecretStr("redis://127.0.0.1:6379/1")
    """redis://, rediss:// (TLS) or unix://, with user and password, or redis+sentinel:// and the Sentinels' hosts
    (docs/admin-guide.md)."""
    prefix: str = Field(default="stager-ui:", max_length=64)
    """What every key begins with; the service's Redis user needs no others."""
    ca_file: Path | None = None
    """For rediss://: who may have signed Redis' certificate, PEM; absent: those that the machine trusts."""
    certificate: Path | None = None
    """For rediss://: this service's certificate, PEM, where Redis asks for one."""
    key: Path | None = None
    """The certificate's private key, PEM."""

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        self.connect().close()
        return self

    def connect(self) -> Client:
        """A pool of connections; nothing is sent before it is used.

        Raises:
            ValueError: The address is none, or doesn't go with the files for TLS.
        """
        files = TlsFiles(self.ca_file, self.certificate, self.key)
        url = self.url.get_secret_value()
        return connect(url, name="stager-ui", timeout=5, tls=files)


class Session(Settings):
    """How long somebody stays signed in."""

    secret: SecretStr = Field(min_length=32)
    """At least 32 random characters, the same in all processes; half of the key that sessions are encrypted with."""
    seconds: int = Field(default=4 * 3600, ge=10, le=4 * 3600)
    """A session, and the repository password in it, ends this long after the last thing that the person did."""


class Oidc(Settings):
    """The OpenID Connect provider that people sign in at."""

    issuer: WebUrl
    """Its issuer; the rest is found under /.well-known/openid-configuration."""
    client_id: str = Field(min_length=1)
    """This application's name at the provider."""
    client_secret: SecretStr | None = None
    """This application's secret at the provider; absent: a public client, protected by PKCE alone."""
    scope: str = "openid profile email offline_access urn:dccn:identity:uid urn:dccn:data-stager-api:*"
    """What to ask for; the access token is what the API sees."""
    uid_claim: str = "urn:dccn:uid"
    """Claim of the userinfo endpoint that names the local user."""
    ca_file: Path | None = None
    """PEM file of the authority behind the provider's certificate; absent: the system's."""


class Api(Settings):
    """The stager's API service."""

    target: str = Field(default="127.0.0.1:50051", pattern=r"^[^/\s]+:\d+$")
    """HOST:PORT."""
    plaintext: bool = False
    """Without TLS; only to a loopback address."""
    ca_file: Path | None = None
    """PEM file of the authority behind the API's certificate; absent: the system's."""
    certificate: Path | None = None
    """PEM file of a client certificate, where the API asks for one; together with private_key."""
    private_key: Path | None = None
    """PEM file of the client certificate's key."""
    timeout_seconds: float = Field(default=20, gt=0, le=300)
    """How long a call may take."""


class Repository(Settings):
    """The repository's WebDAV server."""

    webdav_url: WebUrl
    """Where the tree of collections begins."""
    collection_root: str = Field(default="/", pattern=r"^/")
    """The collection that webdav_url shows."""
    start: str = Field(default="/", pattern=r"^/")
    """The collection that a new page opens with."""
    ca_file: Path | None = None
    """PEM file of the authority behind the server's certificate; absent: the system's."""
    timeout_seconds: float = Field(default=30, gt=0, le=300)
    """How long the server may stay silent."""
    max_listing_bytes: int = Field(default=128 * 2**20, ge=2**16)
    """Largest answer to a listing that is read."""


class Storage(Settings):
    """The project storage, as the API shows it."""

    start: str = Field(default="/project", pattern=r"^/")
    """The directory that a new page opens with."""


class Transfers(Settings):
    """What the page asks for in every task."""

    timeout: int = Field(default=72 * 3600, ge=0)
    """Seconds that an attempt may take; 0: no limit."""
    timeout_noprogress: int = Field(default=3600, ge=0)
    """Seconds without a byte of progress after which an attempt is ended; 0: no limit."""


class Links(Settings):
    """Where the page's links lead; empty: the link is left out."""

    repository: str = ""
    """The repository's own site."""
    help_desk: str = ""
    """Address, or mailto: address, of those who help."""


class Logs(Settings):
    """Log lines, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is written."""
    format: Literal["json", "console", "auto"] = "auto"
    """`auto`: text on a terminal, JSON elsewhere."""


class UiSettings(Settings):
    """All settings of `stager-ui`."""

    public_url: WebUrl
    """How browsers name this service. https, unless the host is a loopback one."""
    listen: Listen = Listen()
    proxy: Proxy = Proxy()
    redis: Redis = Redis()
    session: Session
    oidc: Oidc
    api: Api = Api()
    repository: Repository
    storage: Storage = Storage()
    transfers: Transfers = Transfers()
    links: Links = Links()
    logs: Logs = Logs()
    """Log lines."""

    @property
    def secure(self) -> bool:
        """Whether browsers come by https, so that cookies may travel by nothing else."""
        return self.public_url.scheme == "https"

    @model_validator(mode="after")
    def _no_clear_text_beyond_this_machine(self) -> Self:
        clear = {
            "public_url": str(self.public_url),
            "oidc.issuer": str(self.oidc.issuer),
            "repository.webdav_url": str(self.repository.webdav_url),
        }
        for key, url in clear.items():
            parts = urlsplit(url)
            if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
                raise ValueError(f"{key} has to be https, since its host is not this machine")
        if self.api.plaintext and not is_loopback(self.api.target.rsplit(":", 1)[0]):
            raise ValueError("api.plaintext is for loopback addresses only")
        for group in (self.listen, self.api):
            if (group.certificate is None) != (group.private_key is None):
                raise ValueError("certificate and private_key belong together")
        return self
