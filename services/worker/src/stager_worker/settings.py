"""The settings of worker.yml, and of the environment's STAGER_WORKER_ variables."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from stager_settings import Settings, is_loopback

Seconds = Annotated[int, Field(ge=0)]


HOME = "~"
"""Among the roots: the user's home directory."""


def _root(value: str) -> str:
    if value != HOME and not value.startswith("/"):
        raise ValueError("is no absolute path (or `~`, for the user's home)")
    return value


class OrganisationalUnit(Settings):
    """A service account: its owner may be used by tasks that name it and bring no password."""

    name: str
    """What it is for."""
    irodsUser: str  # noqa: N815 - the key in worker.yml since the first stager
    """The repository account; a task names it as drUser."""
    irodsPass: SecretStr  # noqa: N815 - as above
    """Its password."""


class Repository(Settings):
    """The iRODS zone, as in irods_environment.json."""

    host: str = "127.0.0.1"
    """Its server."""
    port: int = Field(default=1247, ge=1, le=65535)
    """The server's port."""
    zone: str = "tempZone"
    """Its name."""
    authentication_scheme: Literal["native", "pam", "pam_password"] = "native"
    """How accounts log in."""
    client_server_policy: Literal["CS_NEG_REFUSE", "CS_NEG_DONT_CARE", "CS_NEG_REQUIRE"] = "CS_NEG_REQUIRE"
    """Whether the connection is encrypted; CS_NEG_REFUSE sends passwords' answers and data in clear."""
    ssl_ca_certificate_file: Path | None = None
    """The authorities that the server's certificate may come from; the system's own if absent."""
    ssl_verify_server: Literal["hostname", "cert"] = "hostname"
    """What is verified of the server's certificate."""
    encryption_key_size: int = 32
    """Bytes."""
    encryption_algorithm: str = "AES-256-CBC"
    """For parallel transfers."""
    encryption_salt_size: int = 8
    """Bytes."""
    encryption_num_hash_rounds: int = 16
    """Rounds."""
    default_resource: str = ""
    """Where new data objects go; the zone's own choice if empty."""
    organisationalUnits: tuple[OrganisationalUnit, ...] = ()  # noqa: N815 - as above
    """Service accounts."""


class Isync(Settings):
    """How s-isync is run."""

    program: Path = Path(sys.executable).parent / "s-isync"
    """Its absolute path."""
    options: tuple[str, ...] = ()
    """More options for every run."""
    umask: str = Field(default="0027", pattern="^0[0-7]{3}$")
    """For files that it makes, in octal."""
    memory: int = Field(default=8 * 2**30, ge=0)
    """Bytes of address space that one run may use; 0: any number."""

    @field_validator("program")
    @classmethod
    def _absolute(cls, program: Path) -> Path:
        if not program.is_absolute():
            raise ValueError("has to be an absolute path")
        return program


class Redis(Settings):
    """The queue."""

    url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    """redis://, rediss:// (TLS) or unix://, with user and password, or redis+sentinel:// and the Sentinels' hosts
    (docs/admin-guide.md); STAGER_REDIS_URL wins over it."""
    ca_file: Path | None = None
    """For rediss://: who may have signed Redis' certificate, PEM; the system's authorities if absent."""
    certificate: Path | None = None
    """For rediss://: this worker's certificate, PEM, where Redis asks for one."""
    key: Path | None = None
    """The certificate's private key, PEM."""


class Jobs(Settings):
    """How jobs are dealt with; the API has the same keys."""

    retry_delays: tuple[Seconds, ...] = (30, 60, 90, 120)
    """Seconds before each further attempt after an error that is not fatal."""
    active_per_user: int = Field(default=3, ge=1)
    """How many jobs of one user run at once."""
    keep_completed: Seconds = 172_800
    """Seconds that records of completed and stopped jobs are kept."""
    keep_failed: Seconds = 1_209_600
    """Seconds that records of failed jobs are kept."""
    lease: Seconds = 120
    """Seconds without a sign of life after which another worker takes a job."""
    fence: Seconds = 90
    """Seconds without an answer of Redis after which a worker ends its transfer; at least 25 less than the lease."""


class Mail(Settings):
    """Mails about jobs that completed, failed for good or ran out of time; without a host there are none."""

    host: str = ""
    """The mail server."""
    port: int = Field(default=587, ge=1, le=65535)
    """Its port."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is encrypted; the server's certificate is verified."""
    plaintext_beyond_loopback: bool = False
    """Allow `security: none` with another machine: mails can be read on the way."""
    ca_file: Path | None = None
    """Who may have signed the server's certificate, PEM; the system's authorities if absent."""
    user: str = ""
    """For its login; empty: none."""
    password: SecretStr = SecretStr("")
    """For its login."""
    sender: str = ""
    """The address that mails come from."""
    admins: tuple[str, ...] = ()
    """Who else hears of failures; the first one also of failures of jobs without an address."""
    job_link: str = ""
    """Address of a page about a job, `{id}` in it standing for the job's id; empty: mails have no link."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.host and not self.sender:
            raise ValueError("sender: mails need an address to come from")
        if self.host and self.security == "none" and not (self.plaintext_beyond_loopback or is_loopback(self.host)):
            raise ValueError("security: none would send mails in clear; set plaintext_beyond_loopback if you want that")
        return self


class Webhook(Settings):
    """A program that is told of jobs by an HTTP POST."""

    url: str
    """https://..., or http:// for this machine itself."""
    events: frozenset[Literal["completed", "failed", "deadline"]] = frozenset({"completed", "failed", "deadline"})
    """What it is told of."""
    secret: SecretStr = SecretStr("")
    """With it each request carries an HMAC-SHA256 of its body in `X-Stager-Signature`."""
    ca_file: Path | None = None
    """Who may have signed the server's certificate, PEM; the system's authorities if absent."""

    @field_validator("url")
    @classmethod
    def _https(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname:
            return url
        if parts.scheme == "http" and is_loopback(parts.hostname or ""):
            return url
        raise ValueError("has to begin with https:// (http:// for this machine itself only)")


class Metrics(Settings):
    """The endpoint for Prometheus."""

    port: int | None = Field(default=None, ge=0, le=65535)
    """Where `GET /metrics` is answered; absent: nowhere."""
    host: str = "127.0.0.1"
    """Address to listen on. There is no login: for a closed network."""


class WorkerSettings(Settings):
    """All of worker.yml."""

    redis: Redis = Redis()
    """The queue."""
    dr: Repository = Repository()
    """The repository."""
    isync: Isync = Isync()
    """The program that moves the data."""
    jobs: Jobs = Jobs()
    """Retries, fair share, retention."""
    mail: Mail = Mail()
    """Mails to people."""
    webhooks: tuple[Webhook, ...] = ()
    """Requests to programs."""
    metrics: Metrics = Metrics()
    """Figures for Prometheus."""
    sweep_every: Seconds = 600
    """Seconds between two sweeps of what is left of removed jobs."""
    forget_every: Seconds = 3600
    """Seconds, at least, between two times that Redis is told to write its append-only file anew, so that it holds no
    sealed password of a job that ended. Done with a sweep, and only if there is something to forget."""
    keep_files: Seconds = 2_592_000
    """Seconds that a job's log and report are kept after the last write."""
    roots: tuple[Annotated[str, AfterValidator(_root)], ...] = Field(
        default=("/project", "/project_cephfs", HOME), min_length=1
    )
    """Folders that data may be moved from and to, with all below them; `~` is the user's home. Links are resolved, by
    s-isync and as the user, before a path is judged. The API has such a list for what it shows."""
    concurrency: int = Field(default=4, ge=1, le=256)
    """How many transfers this worker runs at once, a process each."""
    keyring: Path | None = None
    """Folder of the private keys that sealed passwords are opened with; without one, service accounts only."""
    log_directory: Path = Path("/var/log/stager")
    """Where each job's log and report go, and the locks of running transfers."""
    system_users: tuple[str, ...] = ()
    """Users below `first_user_id` whose jobs are run nevertheless, root included, by name."""
    first_user_id: int = Field(default=1000, ge=0)
    """Jobs of users with a smaller uid are refused."""
    stop_grace: Seconds = 20
    """Seconds that a transfer may go on when the worker is asked to end; then its job is handed back."""
    log_format: Literal["json", "console", "auto"] = "auto"
    """How log lines look; auto: text on a terminal, JSON elsewhere."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """From which level on lines are logged."""

    def roots_of(self, home: str) -> Iterator[str]:
        """The folders for a user with this home; one that is missing, or the whole machine, is none."""
        for root in self.roots:
            if root != HOME:
                yield root
            elif home.startswith("/") and home.strip("/"):
                yield home

    def warnings(self) -> Iterator[str]:
        """What was asked for and is less safe than it could be; to be said at each start."""
        if self.dr.client_server_policy != "CS_NEG_REQUIRE" and not is_loopback(self.dr.host):
            yield f"dr.client_server_policy {self.dr.client_server_policy}: data may go over the network in clear"
        if self.dr.ssl_verify_server != "hostname":
            yield "dr.ssl_verify_server: any host with a certificate of the authority is taken for the zone's server"
        if self.mail.host and self.mail.security == "none" and not is_loopback(self.mail.host):
            yield "mail.security: mails go over the network in clear"
        if self.metrics.port is not None and not is_loopback(self.metrics.host):
            yield "metrics are served to other machines, without a login"
