"""One connection to a zone: python-irodsclient's login and messages, with an eye on time-outs and lost peers."""

import contextlib
import logging
import select
import socket
import ssl
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.etree.ElementTree import ParseError

from irods.exception import NetworkException, iRODSException
from irods.session import iRODSSession

from s_isync.backends.irods_errors import zone_error
from s_isync.backends.irods_health import Health
from s_isync.backends.irods_reply import Reply
from s_isync.backends.irods_wire import Wire
from s_isync.errors import EndOfRunError, TransientError, TreeError
from s_isync.exit_codes import ExitCode
from s_isync.zone_settings import ZoneSettings, bad_configuration

_DONT_CARE = "CS_NEG_DONT_CARE"
_LOGIN_TIMEOUT = 20.0  # seconds for each answer while connecting
ANSWER_TIMEOUT = 120.0  # seconds for the answer to a request that moves little data
_SLOWEST_BYTES = 5_000_000  # a second, at which a server is still taken to be at work on a big object
_LONG_WORK = 64 * 1024 * 1024  # bytes, from which the wait may outlast the patience of whoever watches the run
_KEEPALIVE = (
    (socket.TCP_KEEPIDLE, 30),
    (socket.TCP_KEEPINTVL, 10),
    (socket.TCP_KEEPCNT, 3),
    (socket.TCP_USER_TIMEOUT, 90_000),
)

# Its lines tell no more than the errors that are raised here, and at level DEBUG hold passwords and data.
logging.getLogger("irods").disabled = True
for _name in ("connection", "message", "pool", "session", "auth"):
    logging.getLogger(f"irods.{_name}").disabled = True


# The last four are what the library stumbles over when what it reads is no answer of a server that it knows.
_LOGIN_FAILURES = (NetworkException, OSError, iRODSException, ParseError, ValueError, AttributeError, LookupError)


class ConnectionLostError(TransientError):
    """The connection broke; whether the server did what it was asked is not known."""

    def __init__(self, reason: str) -> None:
        super().__init__("CONNECTION_LOST", f"the connection to the zone broke: {reason}")


class UnreachableError(TransientError):
    """No connection could be made."""

    def __init__(self, message: str) -> None:
        super().__init__(ExitCode.UNREACHABLE.label, message)


class NoAgreementError(EndOfRunError):
    """One side requires TLS, the other one refuses it."""

    def __init__(self, message: str) -> None:
        super().__init__(ExitCode.BAD_CONFIGURATION, message)


@dataclass(frozen=True, slots=True)
class Request:
    """One API call.

    Attributes:
        api: its number.
        message: its packed structure, a `Message` of python-irodsclient; None for none.
        data: the byte stream that rides with it.
        work: bytes that the server has to read or write before it answers, for the time-out.
    """

    api: int
    message: Any = None
    data: bytes | memoryview = b""
    work: int = 0


class ZoneConnection:
    """Logged in, used by one thread, and dead after the first broken exchange.

    Raises:
        EndOfRunError: login refused, or the settings can't work.
        UnreachableError: nobody answers.
    """

    def __init__(
        self,
        settings: ZoneSettings,
        context: ssl.SSLContext | None,
        timeout: float = ANSWER_TIMEOUT,
        health: Health | None = None,
    ) -> None:
        self._timeout = timeout
        self._health = health or Health()
        self.requests = 0
        self.dead = False
        policy = settings.client_server_policy
        if policy == _DONT_CARE:
            # python-irodsclient doesn't know this policy, by which iRODS takes TLS unless the server refuses it.
            try:
                self._log_in(replace(settings, client_server_policy="CS_NEG_REQUIRE"), context)
            except NoAgreementError:
                self._log_in(replace(settings, client_server_policy="CS_NEG_REFUSE"), None)
        else:
            self._log_in(settings, context)
        self._socket: socket.socket = self._connection.socket
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, seconds in _KEEPALIVE:
            self._socket.setsockopt(socket.IPPROTO_TCP, option, seconds)
        self._wire = Wire(self._socket)

    def _log_in(self, settings: ZoneSettings, context: ssl.SSLContext | None) -> None:
        self._session = _session(settings, context, min(_LOGIN_TIMEOUT, self._timeout))
        try:
            self._connection: Any = self._session.pool.get_connection()
        except _LOGIN_FAILURES as error:
            traceback.clear_frames(error.__traceback__)  # in them the library's half-made connection would stay open
            raise _login_error(error, settings) from error

    @property
    def server_version(self) -> tuple[int, ...]:
        """Such as (5, 0, 2)."""
        version: tuple[int, ...] = self._connection.server_version
        return version

    def call(self, request: Request, into: bytearray | memoryview | None = None) -> Reply:
        """Send a request and wait for its answer.

        Args:
            request: what to ask.
            into: where the answer's byte stream goes; it must be large enough.

        Raises:
            TreeError: the server refuses.
            ConnectionLostError: no answer.
        """
        reply = self.exchange([request], into)[0]
        if reply.status < 0:
            raise reply.failure()
        return reply

    def exchange(self, requests: Sequence[Request], into: bytearray | memoryview | None = None) -> list[Reply]:
        """Send several requests at once and read all answers, failures among them, in one round trip.

        The server answers one after the other. Only requests with small answers may go before one with a large byte
        stream of its own: nothing is read before all is sent.

        Args:
            requests: what to ask.
            into: where the answers' byte streams go, one behind the other; it must be large enough for all.
        """
        packed = [(request.api, _packed(request), request.data) for request in requests]
        self.requests += len(requests)
        began = time.monotonic()
        work = sum(request.work for request in requests)
        patience = self._timeout + work / _SLOWEST_BYTES
        try:
            self._socket.settimeout(patience)
            with self._health.at_work(patience) if work >= _LONG_WORK else contextlib.nullcontext():
                self._wire.send(packed)
                replies = self._received(len(requests), into)
        except OSError as error:
            self.break_off()
            raise self._health.lost(ConnectionLostError(str(error) or type(error).__name__)) from error
        self._health.answered(time.monotonic() - began)
        return replies

    def _received(self, count: int, into: bytearray | memoryview | None) -> list[Reply]:
        rest = None if into is None else memoryview(into)
        replies: list[Reply] = []
        for _ in range(count):
            reply = self._wire.receive(rest)
            if rest is not None and reply.data is not None:
                rest = rest[len(reply.data) :]
            replies.append(reply)
        return replies

    def close(self) -> None:
        """Say goodbye. Never raises."""
        if self.dead:
            return
        self.dead = True
        try:
            self._socket.settimeout(2)
            self._connection.disconnect()
        except Exception as error:  # noqa: BLE001 - whatever a library does while saying goodbye changes nothing
            logging.getLogger(__name__).debug("goodbye failed: %s", error)
        self._connection.socket = None

    def is_gone(self) -> bool:
        """Whether it has broken, as far as can be told without asking; from any thread."""
        if self.dead:
            return True
        watch = select.poll()
        try:
            watch.register(self._socket, select.POLLRDHUP)
            return bool(watch.poll(0))
        except (OSError, ValueError):  # closed meanwhile
            return True

    def break_off(self) -> None:
        """End it without a word, by its own thread."""
        self.dead = True
        self.abandon()

    def abandon(self) -> None:
        """Break the connection off, from any thread: a thread that waits for an answer gets none."""
        with contextlib.suppress(OSError):  # it may be gone already
            self._socket.shutdown(socket.SHUT_RDWR)
        if self.dead:
            self._socket.close()
            self._connection.socket = None


def _packed(request: Request) -> bytes:
    try:
        packed: str = "" if request.message is None else request.message.pack()
        return packed.encode()
    except UnicodeEncodeError as error:
        raise TreeError("NAME_NOT_UTF8", "has a name that is no UTF-8, which iRODS can't take; rename it") from error


def tls_context(settings: ZoneSettings) -> ssl.SSLContext | None:
    """How the server's certificate is checked; None where TLS is refused.

    python-irodsclient's own context checks nothing when no file of certificates is named; this one then takes the
    system's.
    """
    if settings.client_server_policy == "CS_NEG_REFUSE":
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (ssl.SSLError, OSError) as error:
        raise bad_configuration(f"{settings.ca_file}: holds no usable certificates: {error}") from error
    if settings.verify_server != "hostname":
        context.check_hostname = False
    if settings.verify_server == "none":
        context.verify_mode = ssl.CERT_NONE
    return context


def _session(settings: ZoneSettings, context: ssl.SSLContext | None, timeout: float) -> Any:  # noqa: ANN401 - untyped library
    session: Any = iRODSSession(
        auto_cleanup=False,
        connection_timeout=timeout,
        application_name="s-isync",
        irods_host=settings.host,
        irods_port=settings.port,
        irods_user_name=settings.user,
        irods_zone_name=settings.zone,
        irods_authentication_scheme=settings.authentication_scheme,
        irods_client_server_negotiation="request_server_negotiation",
        irods_client_server_policy=settings.client_server_policy,
        irods_encryption_algorithm=settings.encryption_algorithm,
        irods_encryption_key_size=settings.encryption_key_size,
        irods_encryption_salt_size=settings.encryption_salt_size,
        irods_encryption_num_hash_rounds=settings.encryption_num_hash_rounds,
        password=settings.password,
    )
    if context is not None:
        session.pool.account.ssl_context = context
    return session


def _login_error(error: Exception, settings: ZoneSettings) -> TreeError:
    where = f"{settings.host}:{settings.port}"
    code = getattr(error, "code", None)
    if isinstance(error, KeyError):  # a code that the library has no name for
        code = error.args[0]
    if isinstance(code, int):
        refused = zone_error(code)
        return UnreachableError(f"{where}: {refused.message}") if isinstance(refused, TransientError) else refused
    if isinstance(error, iRODSException):
        return UnreachableError(f"{where}: {error}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return EndOfRunError(
            ExitCode.BAD_CONFIGURATION,
            f"{where}: its certificate can't be trusted ({error.verify_message}); name the file of certificates",
        )
    if isinstance(error, ssl.SSLError):
        return bad_configuration(f"{where}: TLS failed: {error.reason or error}")
    if "negotiation failure" in str(error):
        return NoAgreementError(f"{where}: client and server don't agree on TLS; see irods_client_server_policy")
    return UnreachableError(f"the zone at {where} doesn't answer as an iRODS server does: {error}")
