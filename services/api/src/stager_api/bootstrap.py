"""The composition root: the only place that builds adapters to Redis and HTTP and puts the service together."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import ssl
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import httpx
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from stager_jobs.rq_store import RqJobInspector, RqJobQueue
from stager_jobs.rq_store.connection import store_errors
from stager_jobs.rules import Rules
from stager_redis import TlsFiles, connect, is_sentinel
from stager_telemetry import get_logger
from stager_telemetry.metrics import CurrentFigures, MetricsServer
from stager_telemetry.traces import close_traces, configure_traces

from stager_api import audit
from stager_api import settings as configuration
from stager_api.access import Access
from stager_api.accounts import Account, find_account
from stager_api.calls import CallGuard
from stager_api.directories.child import run_child, start_child, stream_child
from stager_api.directories.free_space import FreeSpace
from stager_api.directories.list_directory import ListDirectory
from stager_api.directories.measure import MeasureTrees
from stager_api.directories.storage import Storage
from stager_api.identity.authenticator import Authenticator, Login, Scheme
from stager_api.identity.basic import BasicLogin, ServiceUser
from stager_api.identity.bearer import BearerLogin, TokenRules
from stager_api.identity.certificates import CertificateLogin
from stager_api.identity.doorkeeper import Doorkeeper
from stager_api.identity.provider import IdentityProvider
from stager_api.identity.throttle import Failures, Throttle
from stager_api.jobs.change import ChangeJobs
from stager_api.jobs.job_files import JobFiles
from stager_api.jobs.look import LookAtJobs
from stager_api.jobs.report import Reports
from stager_api.jobs.submit import SubmitJobs
from stager_api.jobs.watch import WatchHub
from stager_api.metrics import CallMetrics
from stager_api.outgoing import https_client
from stager_api.principal import Kind, Principal
from stager_api.projects.gateway import Gateway
from stager_api.projects.ppm import PpmForm
from stager_api.projects.refreshed import RefreshedCollections
from stager_api.projects.resolve import ResolveCollection
from stager_api.reading import Reading
from stager_api.sealing_keys import SealingKeys
from stager_api.server import ApiServer, Listening, Servicers
from stager_api.servicers.credentials import CredentialServicer
from stager_api.servicers.directories import DirectoryServicer
from stager_api.servicers.jobs import JobServicer
from stager_api.servicers.projects import ProjectServicer
from stager_api.settings import ApiSettings
from stager_api.threads import Threads

log = get_logger(__name__)

REDIS_VARIABLE = "STAGER_REDIS_URL"


class StartError(Exception):
    """The service can't start; the text says what is wrong and what to do."""


async def serve(settings: ApiSettings, ready: Callable[[str], None]) -> None:
    """Run the service until SIGTERM or SIGINT.

    Args:
        settings: All that it needs to know.
        ready: Called with HOST:PORT once the service answers.

    Raises:
        StartError: Something that it needs can't be used.
        ListenError: The address can't be listened on.
        KeyringError: The sealing keys can't be used.
    """
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    _allow_many_connections()
    with ExitStack() as stack:
        try:
            audit.open_log(settings.logs.audit_file, stack)
        except OSError as error:
            raise StartError(
                f"{settings.logs.audit_file}: can't be used as logs.audit_file: {error.strerror}"
            ) from error
        for warning in settings.warnings():
            log.warning("less safe than it could be", setting=warning)
        configure_traces("stager-api")
        stack.callback(close_traces)
        threads = Threads()
        stack.callback(threads.close)
        server, hub = _build(settings, threads, stack)
        hub.start()
        stack.callback(hub.close)
        ready(await server.start())
        await asked_to_stop.wait()
        log.info("stopping")
        hub.close()
        await server.stop(settings.limits.stop_seconds)


def _allow_many_connections() -> None:
    """Use as many file descriptors as the system allows; the soft limit is often 1024, a connection takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _build(settings: ApiSettings, threads: Threads, stack: ExitStack) -> tuple[ApiServer, WatchHub]:
    url = os.environ.get(REDIS_VARIABLE) or settings.redis.url.get_secret_value()
    files = TlsFiles(settings.redis.ca_file, settings.redis.certificate, settings.redis.key)
    try:
        redis = connect(url, name="stager-api", tls=files)
    except ValueError as error:
        raise StartError(f"redis.url (or {REDIS_VARIABLE}) is no address of Redis: {error}") from error
    stack.callback(redis.close)
    copies = settings.redis.copies
    rules = _rules(settings, copies=int(is_sentinel(url)) if copies is None else copies)
    queue, inspector = RqJobQueue(redis, rules), RqJobInspector(redis, rules)
    access = Access(find_account, settings.accounts.first_uid, settings.accounts.system_users)
    keys = SealingKeys(settings.sealing_keys)
    look = LookAtJobs(inspector, access)
    submit = SubmitJobs(queue, access, keys)
    logs = settings.jobs.log_directory
    reports = Reports(inspector, look, JobFiles(logs) if logs else None)
    hub = WatchHub(inspector, threads.jobs, settings.limits.watchers)
    servicers = Servicers(
        JobServicer(submit, look, ChangeJobs(queue, look, access, keys), reports, hub, threads),
        _directories(settings, Storage(access, settings.directories.roots), threads),
        ProjectServicer(_resolver(settings.projects, stack), threads),
        CredentialServicer(keys, threads),
    )
    registry = CollectorRegistry()
    # A tenth of all calls at the most waits for what somebody without a login may send.
    reading = Reading(max(1, settings.limits.calls // 10))
    guard = CallGuard(_doorkeeper(settings, threads, stack), CallMetrics(registry), reading)
    _serve_metrics(settings.metrics, registry, inspector, stack)

    def check_queue() -> None:
        with store_errors():
            redis.ping()

    return ApiServer(servicers, guard, _listening(settings), check_queue), hub


def _rules(settings: ApiSettings, *, copies: int) -> Rules:
    jobs = settings.jobs
    return Rules(
        retry_delays=jobs.retry_delays,
        active_per_owner=jobs.active_per_user,
        waiting_per_owner=settings.limits.waiting_jobs_per_user,
        keep_completed=jobs.keep_completed,
        keep_failed=jobs.keep_failed,
        copies=copies,
    )


def _directories(settings: ApiSettings, storage: Storage, threads: Threads) -> DirectoryServicer:
    async def start(account: Account, request: dict[str, Any]) -> subprocess.Popen[bytes]:
        return await threads.directories(start_child, account, request)

    def look(account: Account, request: dict[str, Any], seconds: float) -> AsyncGenerator[dict[str, Any], None]:
        return stream_child(account, request, seconds, start)

    limits = settings.directories
    return DirectoryServicer(
        ListDirectory(storage, limits.seconds, run_child),
        MeasureTrees(storage, limits.measure_seconds, settings.limits.measurements, look),
        FreeSpace(storage, limits.seconds, run_child),
        threads,
    )


def _serve_metrics(
    settings: configuration.Metrics, registry: CollectorRegistry, inspector: RqJobInspector, stack: ExitStack
) -> None:
    if settings.port is None:
        return
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    CurrentFigures(lambda: inspector.figures().gauges(), registry)
    try:
        server = MetricsServer(registry, settings.host, settings.port)
    except OSError as error:
        raise StartError(
            f"can't listen on {settings.host}:{settings.port}: {error.strerror}; set metrics.host and metrics.port"
        ) from error
    stack.callback(server.close)
    log.info("metrics are served", host=settings.host, port=server.port)


def _doorkeeper(settings: ApiSettings, threads: Threads, stack: ExitStack) -> Doorkeeper:
    logins = settings.logins
    by_certificate = {name: _service(name, entry) for name, entry in settings.client_certificates.items()}
    throttle = Throttle(
        Failures(logins.failures_by_name, logins.seconds), Failures(logins.failures_by_address, logins.seconds)
    )
    authenticator = Authenticator(_schemes(settings, stack))

    def run(check: Callable[[str], Login], authorization: str) -> Awaitable[Login]:
        # A provider that is slow must not hold up those who come with a password, nor their hashes the others.
        pool = threads.provider if authorization[:7].lower() == "bearer " else threads.login
        return pool(check, authorization)

    return Doorkeeper(authenticator, CertificateLogin(by_certificate), throttle, run)


def _schemes(settings: ApiSettings, stack: ExitStack) -> dict[str, Scheme]:
    users = {
        name: ServiceUser(entry.password_hash.get_secret_value(), _service(name, entry))
        for name, entry in settings.service_users.items()
    }
    schemes: dict[str, Scheme] = {"basic": BasicLogin(users)}
    oauth = settings.oauth
    if oauth:
        provider = IdentityProvider(
            _http(oauth.ca_file, stack), oauth.issuer, jwks_url=oauth.jwks_url, userinfo_url=oauth.userinfo_url
        )
        rules = TokenRules(
            oauth.issuer,
            oauth.audience,
            oauth.algorithms,
            oauth.api_scope,
            oauth.person_scope,
            oauth.person_claim,
            oauth.scope_claim,
            oauth.client_claim,
        )
        clients = {name: _service(name, entry) for name, entry in oauth.clients.items()}
        schemes["bearer"] = BearerLogin(provider, rules, clients)
    return schemes


def _service(name: str, entry: configuration.ServiceEntry) -> Principal:
    return Principal(name, Kind.SERVICE, entry.acts_as, entry.service_accounts)


def _resolver(settings: configuration.Projects, stack: ExitStack) -> ResolveCollection:
    form, gateway = None, None
    if settings.ppm:
        ppm = PpmForm(
            _http(settings.ppm.ca_file, stack),
            settings.ppm.endpoint,
            settings.ppm.token_url,
            settings.ppm.client_id,
            settings.ppm.client_secret.get_secret_value(),
            settings.ppm.scope,
            settings.ppm.organizational_unit,
            settings.ppm.zone,
        )
        form = RefreshedCollections(ppm.collections, settings.ppm.refresh_seconds, settings.ppm.retry_seconds)
        form.start()
        stack.callback(form.close)
    if settings.gateway:
        gateway = Gateway(_http(settings.gateway.ca_file, stack), settings.gateway.endpoint)
    return ResolveCollection(settings.static, form, gateway)


def _http(ca_file: Path | None, stack: ExitStack) -> httpx.Client:
    try:
        return stack.enter_context(https_client(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise StartError(f"{ca_file}: can't be used as ca_file: {error}") from error


def _listening(settings: ApiSettings) -> Listening:
    credentials, tls = None, settings.grpc.tls
    if tls:
        authority = _pem(tls.client_ca) if tls.client_ca else None
        credentials = grpc.ssl_server_credentials(
            [(_pem(tls.key), _pem(tls.certificate))],
            root_certificates=authority,
            require_client_auth=authority is not None,
        )
    health = settings.health
    return Listening(
        settings.grpc.host,
        settings.grpc.port,
        credentials,
        reflection=settings.grpc.reflection,
        most_message_bytes=settings.grpc.most_message_bytes,
        most_calls=settings.limits.calls,
        health=(health.host, health.port) if health.port is not None else None,
    )


def _pem(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartError(f"{path}: can't be read for grpc.tls: {error.strerror}") from error
