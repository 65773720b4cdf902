"""The settings of the API service, as they stand in api-server.yml; variables begin with STAGER_API_."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from stager_settings import Settings, is_loopback

from stager_api.directories.storage import HOME
from stager_api.identity.passwords import is_hash
from stager_api.rules import is_collection

ENV_PREFIX = "STAGER_API_"

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


def _password_hash(value: SecretStr) -> SecretStr:
    if not is_hash(value.get_secret_value()):
        raise ValueError("is no argon2 hash; make one with `stager-api hash-password`")
    return value


def _root(value: str) -> str:
    if value != HOME and not value.startswith("/"):
        raise ValueError("is no absolute path (or `~`, for the user's home)")
    return value


def _collection(value: str) -> str:
    if not is_collection(value):
        raise ValueError("is no absolute path of a collection")
    return value


def _some(value: tuple[Algorithm, ...]) -> tuple[Algorithm, ...]:
    if not value:
        raise ValueError("is empty; name at least one signature algorithm")
    return value


def _https(value: str) -> str:
    scheme, _, rest = value.partition("://")
    host = rest.split("/")[0].rpartition("@")[2].rsplit(":", 1)[0]
    if value and scheme != "https" and not (scheme == "http" and is_loopback(host)):
        raise ValueError("has to begin with https:// (http:// for this machine itself only)")
    return value


Url = Annotated[str, AfterValidator(_https)]


class Tls(Settings):
    """Certificates for gRPC."""

    certificate: Path
    """The service's certificate and those between it and the root, PEM."""
    key: Path
    """Its private key, PEM."""
    client_ca: Path | None = None
    """The authority whose certificates clients have to show, PEM; none: clients show none. What a certificate stands
    for without other credentials is in `client_certificates`."""


class Grpc(Settings):
    """Where and how the service listens."""

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` or `::` for all."""
    port: int = Field(default=50051, ge=0, le=65_535)
    """Port; 0 lets the kernel choose."""
    tls: Tls | None = None
    """Certificates; without them the service speaks plain text."""
    plaintext_beyond_loopback: bool = False
    """Speak plain text to other machines too: passwords and tokens can be read on the way."""
    reflection: bool = True
    """Tell tools such as grpcurl what methods there are."""
    most_message_bytes: int = Field(default=4_194_304, ge=65_536)
    """The largest request that is read, in bytes."""

    @model_validator(mode="after")
    def _no_secrets_in_clear(self) -> Self:
        if self.tls is None and not self.plaintext_beyond_loopback and not is_loopback(self.host):
            raise ValueError(
                f"listening on {self.host} without TLS would send passwords in clear: give `tls`, listen on 127.0.0.1, "
                "or set plaintext_beyond_loopback where something else encrypts"
            )
        return self


class Health(Settings):
    """The health service by itself, in plain text, for probes that speak no TLS."""

    host: str = "127.0.0.1"
    """Address to listen on. It tells how the service is, and takes nothing."""
    port: int | None = Field(default=None, ge=0, le=65_535)
    """Port; absent: health is asked on the service's own port only."""


class Logins(Settings):
    """How many logins may fail before more are refused unseen. 0: any number."""

    failures_by_name: int = Field(default=10, ge=0)
    """With one service user's name, from addresses that it has not logged in from."""
    failures_by_address: int = Field(default=50, ge=0)
    """From one address (IPv6: network of 64 bits). Behind a proxy all callers have the proxy's."""
    seconds: float = Field(default=60.0, gt=0)
    """Within which time, and for how long more are refused then."""


class Redis(Settings):
    """The queue."""

    url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    """redis://, rediss:// (TLS) or unix://, with user and password, or redis+sentinel:// and the Sentinels' hosts
    (docs/admin-guide.md). The variable STAGER_REDIS_URL sets it, too."""
    copies: int | None = Field(default=None, ge=0, le=5)
    """How many replicas of Redis have to hold a job before its submit is acknowledged; a master that dies then loses
    none. Absent: 1 with Sentinel, else 0."""
    ca_file: Path | None = None
    """For rediss://: who may have signed Redis' certificate, PEM; absent: those that the machine trusts."""
    certificate: Path | None = None
    """For rediss://: this service's certificate, PEM, where Redis asks for one."""
    key: Path | None = None
    """The certificate's private key, PEM."""


class ServiceEntry(Settings):
    """What a service may do."""

    acts_as: frozenset[str] = frozenset()
    """Local users as whom it submits and looks; `*`: every ordinary one. Root and system accounts only by name."""
    service_accounts: frozenset[str] = frozenset()
    """Service accounts of the worker (drUser without drPass) that it may use."""


class ServiceUser(ServiceEntry):
    """A service that logs in with a password."""

    password_hash: Annotated[SecretStr, AfterValidator(_password_hash)]
    """From `stager-api hash-password`."""


class OAuth(Settings):
    """Access tokens of an OpenID Connect provider."""

    issuer: Url
    """Its address, as tokens name it in `iss`."""
    audience: str = Field(min_length=1)
    """What tokens for this service name in `aud`."""
    jwks_url: Url = ""
    """Where its keys are; absent: as its discovery document says."""
    userinfo_url: Url = ""
    """Where it tells who a token's person is; absent: as its discovery document says."""
    algorithms: Annotated[tuple[Algorithm, ...], AfterValidator(_some)] = ("RS256", "PS256", "ES256")
    """Signatures that are taken; only those with public keys can be."""
    api_scope: str = Field(default="urn:dccn:data-stager-api:*", min_length=1)
    """The scope that every token needs."""
    person_scope: str = Field(default="urn:dccn:identity:uid", min_length=1)
    """The scope of tokens that stand for a person."""
    person_claim: str = Field(default="urn:dccn:uid", min_length=1)
    """The claim of userinfo that holds the person's local user name."""
    scope_claim: str = Field(default="scope", min_length=1)
    """The claim of a token that holds its scopes, as a list or as words."""
    client_claim: str = Field(default="client_id", min_length=1)
    """The claim of a token that names the client it was given to; `azp` with some providers."""
    clients: dict[str, ServiceEntry] = Field(default={})
    """By client_id: what services with tokens of their own may do."""
    ca_file: Path | None = None
    """Authority of the provider's certificate, PEM; absent: those that the machine trusts."""


class Accounts(Settings):
    """The machine's users."""

    first_uid: int = Field(default=1000, ge=0)
    """The lowest uid of people; accounts below are the system's."""
    system_users: frozenset[str] = frozenset()
    """System accounts, by name, that people may sign in as all the same; the worker has a list of its own."""


class Directories(Settings):
    """Listing the project storage."""

    roots: tuple[Annotated[str, AfterValidator(_root)], ...] = ("/project", "/project_cephfs", HOME)
    """Directories that may be listed, with all below them; `~` is the user's home."""
    seconds: float = Field(default=30.0, gt=0, le=600)
    """How long one listing may take."""
    measure_seconds: float = Field(default=60.0, gt=0, le=3600)
    """How long files and bytes are counted before what was counted is all that is told."""


class Ppm(Settings):
    """The online PPM form."""

    endpoint: Url
    """Its address, before /api/RepositoryCollections."""
    token_url: Url
    """Where access tokens are to be had with client credentials."""
    client_id: str
    """The client."""
    client_secret: SecretStr
    """Its secret."""
    scope: str = "urn:dccn:project-proposal:collections"
    """What the token is for."""
    organizational_unit: str = "DCC"
    """Whose collections."""
    zone: str = "nl.ru.donders"
    """The zone of the collections."""
    refresh_seconds: float = Field(default=3600.0, gt=0)
    """How often the list is renewed."""
    retry_seconds: float = Field(default=60.0, gt=0)
    """When it is tried again after an error."""
    ca_file: Path | None = None
    """Authority of its certificate, PEM; absent: those that the machine trusts."""


class Jobs(Settings):
    """How jobs are dealt with; the workers have the same keys."""

    retry_delays: tuple[Annotated[int, Field(ge=0)], ...] = (30, 60, 90, 120)
    """Seconds before each further attempt after an error that is not fatal."""
    active_per_user: int = Field(default=3, ge=1)
    """How many jobs of one user run at once."""
    keep_completed: int = Field(default=172_800, ge=0)
    """Seconds that records of completed and stopped jobs are kept."""
    keep_failed: int = Field(default=1_209_600, ge=0)
    """Seconds that records of failed jobs are kept."""
    log_directory: Path | None = None
    """The workers' `log_directory`, if it can be seen from here: reports list every file then, and logs can be read."""


class Metrics(Settings):
    """Figures for Prometheus, over HTTP without a login."""

    host: str = "127.0.0.1"
    """Address to listen on; beyond loopback only in a closed network."""
    port: int | None = Field(default=None, ge=0, le=65_535)
    """Port; absent: none are served."""


class Gateway(Settings):
    """The RDR gateway."""

    endpoint: Url
    """Its address, before /collections/project."""
    ca_file: Path | None = None
    """Authority of its certificate, PEM; absent: those that the machine trusts."""


class Projects(Settings):
    """From projects to collections."""

    static: dict[str, Annotated[str, AfterValidator(_collection)]] = Field(default={})
    """By project number: the collection. Wins over the form and the gateway."""
    ppm: Ppm | None = None
    """The online PPM form; absent: not asked."""
    gateway: Gateway | None = None
    """The RDR gateway; absent: not asked."""


class Limits(Settings):
    """How much at a time."""

    waiting_jobs_per_user: int = Field(default=10_000, ge=0)
    """Jobs of one user that wait for a worker. 0: any number."""
    measurements: int = Field(default=16, ge=1)
    """Users' directories that are measured."""
    watchers: int = Field(default=2000, ge=1)
    """Streams that follow jobs."""
    calls: int = Field(default=5000, ge=1)
    """Calls of all kinds, streams too."""
    stop_seconds: float = Field(default=10.0, ge=0)
    """How long calls under way may go on once the service is asked to stop."""


class Logs(Settings):
    """Log lines, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is written."""
    format: Literal["json", "console", "auto"] = "auto"
    """`auto`: text on a terminal, JSON elsewhere."""
    audit_file: Path | None = None
    """Who did what, a JSON line each, appended to this file too; it is made readable by its owner alone."""


class ApiSettings(Settings):
    """All settings of the service."""

    @model_validator(mode="after")
    def _certificates_can_be_shown(self) -> Self:
        if self.client_certificates and not (self.grpc.tls and self.grpc.tls.client_ca):
            raise ValueError("client_certificates needs grpc.tls.client_ca: nobody else asks for certificates")
        return self

    grpc: Grpc = Grpc()
    """Where and how the service listens."""
    health: Health = Health()
    """The health service on a port of its own."""
    redis: Redis = Redis()
    """The queue."""
    sealing_keys: Path
    """Directory with the public sealing keys (KEYID.pub.pem) and `current`."""
    service_users: dict[str, ServiceUser] = Field(default={})
    """By name: services that log in with a password."""
    client_certificates: dict[str, ServiceEntry] = Field(default={})
    """By alternative name (or common name, where there is none) of a certificate from `grpc.tls.client_ca`: services
    that log in with that certificate alone."""
    logins: Logins = Logins()
    """How many may fail."""
    oauth: OAuth | None = None
    """Access tokens; absent: none are taken."""
    accounts: Accounts = Accounts()
    """The machine's users."""
    directories: Directories = Directories()
    """Listing the project storage."""
    jobs: Jobs = Jobs()
    """How jobs are dealt with."""
    metrics: Metrics = Metrics()
    """Figures for Prometheus."""
    projects: Projects = Projects()
    """From projects to collections."""
    limits: Limits = Limits()
    """How much at a time."""
    logs: Logs = Logs()
    """Log lines."""

    def warnings(self) -> Iterator[str]:
        """What was asked for and is less safe than it could be; to be said at each start."""
        if self.grpc.tls is None and not is_loopback(self.grpc.host):
            yield "plaintext_beyond_loopback: gRPC is plain text to other machines; passwords can be read on the way"
        if self.metrics.port is not None and not is_loopback(self.metrics.host):
            yield "metrics are served to other machines, without a login"
        if not self.logins.failures_by_address or not self.logins.failures_by_name:
            yield "logins: failed logins are not held up, by address or by name"
