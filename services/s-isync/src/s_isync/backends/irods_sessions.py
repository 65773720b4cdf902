"""The connections of a run: one a thread, opened when it first needs one."""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from s_isync.backends.irods_connection import (
    ANSWER_TIMEOUT,
    ConnectionLostError,
    Request,
    UnreachableError,
    ZoneConnection,
    tls_context,
)
from s_isync.backends.irods_health import Health
from s_isync.backends.irods_reply import Reply
from s_isync.errors import EndOfRunError, NoTurnError
from s_isync.exit_codes import ExitCode
from s_isync.zone_settings import ZoneSettings

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_CONNECT_WAITS = (0.5, 1.5, 3.0)  # seconds before the second, third and last attempt to connect
_TURN_WAIT = 1.0  # seconds between two attempts of a thread that waits until others leave it room
_NEARBY = 0.008  # seconds
_RECYCLE_AFTER = 8000  # requests; the server's agent grows with each


class ZoneSessions:
    """Hands every thread its own connection.

    A connection that has served a few thousand requests is recycled, one that broke is replaced; a request that broke
    is not repeated unless `again` is asked to.

    Attributes:
        tells_places: whether a server may be told where a replica is. One that doesn't find it there says so, or breaks
            the connection; after that it is asked to find all of them itself.
    """

    def __init__(self, settings: ZoneSettings, timeout: float = ANSWER_TIMEOUT) -> None:
        self.settings = settings
        self._timeout = timeout
        self._health = Health()
        self._context = tls_context(settings)
        if self._context is not None and settings.verify_server != "hostname":
            what = "certificate" if settings.verify_server == "none" else "name"
            _log.warning("the server's %s isn't verified (irods_ssl_verify_server: %s)", what, settings.verify_server)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: set[ZoneConnection] = set()
        self._at_work: set[ZoneConnection] = set()  # those of threads that do the same work as all others
        self._refusal: tuple[str, str] | None = None
        self._idle: list[ZoneConnection] = []
        self._closed = False
        self.tells_places = True

    @property
    def distant(self) -> bool:
        """Whether even the fastest answer took longer than a server nearby takes for an easy question."""
        return self._health.fastest > _NEARBY

    @property
    def working_seconds(self) -> float | None:
        """For how long at most a server's own work is still waited for; None if there is none."""
        return self._health.working_seconds

    def enter_thread(self) -> None:
        """The calling thread's work can be done by others: it need not wait until it gets a connection."""
        self._local.one_of_many = True

    def current(self) -> ZoneConnection | None:
        """The calling thread's connection if it has one that works."""
        connection: ZoneConnection | None = getattr(self._local, "connection", None)
        return None if connection is None or connection.dead else connection

    def connection(self) -> ZoneConnection:
        """The calling thread's connection; one that was passed on, or a fresh one, where it has none that works.

        Raises:
            NoTurnError: others have theirs, and this thread is one of many.
            EndOfRunError: nobody has one.
        """
        connection = self.current()
        if connection is None:
            self._drop()
            connection = self._passed_on() or self._connect()
            with self._lock:
                self._connections.add(connection)
                if self._one_of_many:
                    self._at_work.add(connection)
            self._local.connection = connection
        return connection

    def call(self, request: Request) -> Reply:
        """One request over the calling thread's connection; raises what `ZoneConnection.call` does."""
        return self.connection().call(request)

    def exchange(self, batch: list[Request]) -> list[Reply]:
        """Several requests in one round trip; raises what `ZoneConnection.exchange` does."""
        return self.connection().exchange(batch)

    def again(self, what: Callable[[], _T]) -> _T:
        """Do what may safely be done once more if the connection breaks meanwhile."""
        try:
            return what()
        except ConnectionLostError as error:
            _log.info("%s; trying again", error)
            return what()

    def recycle(self) -> None:
        """Before something is begun: a connection that has served long enough gives way to a fresh one.

        Nothing may be open on it. Raises what `connection` does, before anything is sent that would have to be undone.
        """
        connection = self.current()
        if connection is not None and connection.requests >= _RECYCLE_AFTER:
            self.leave_thread()
        self.connection()

    def pass_on(self) -> None:
        """Leave the calling thread's connection to the next one that needs one; nothing may be open on it."""
        connection = self.current()
        if connection is not None:
            self._local.connection = None
            with self._lock:
                self._idle.append(connection)

    def leave_thread(self) -> None:
        """Say goodbye on the calling thread's connection."""
        connection = self.current()
        self._drop()
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Say goodbye on every connection; no other call may be under way."""
        for connection in self._give_up():
            connection.close()

    def abandon(self) -> None:
        """Break every connection off, so that no thread waits for an answer any more."""
        for connection in self._give_up():
            connection.abandon()

    def _give_up(self) -> list[ZoneConnection]:
        with self._lock:
            self._closed = True
            connections = list(self._connections)
            self._connections.clear()
        return connections

    def _passed_on(self) -> ZoneConnection | None:
        while True:
            with self._lock:
                if not self._idle or self._closed:
                    return None
                connection = self._idle.pop()
            if not connection.is_gone():
                return connection
            connection.break_off()
            with self._lock:
                self._connections.discard(connection)

    @property
    def _one_of_many(self) -> bool:
        return getattr(self._local, "one_of_many", False)

    def _connect(self) -> ZoneConnection:
        """A fresh one. What stands in its way is the end of the run only where no other thread can work either."""
        waits = iter(_CONNECT_WAITS)
        tried = False
        while not self._closed:
            try:
                return self._logged_in()
            except (UnreachableError, EndOfRunError) as error:
                others = self._others_work()
                wait = _TURN_WAIT if others else next(waits, None)
                # Not at the first refusal, since a server may be slow to take note of an end.
                if others and tried and self._one_of_many:
                    raise NoTurnError(error.message) from error
                if isinstance(error, EndOfRunError) and not others:
                    raise
                if wait is None:
                    raise EndOfRunError(ExitCode.UNREACHABLE, error.message) from error
                _log.info("%s; trying again", error)
            time.sleep(wait)
            tried = True
        raise ConnectionLostError("the run is ending")

    def _logged_in(self) -> ZoneConnection:
        """A fresh one; a user who was refused once isn't tried again, since that may lock the account."""
        if self._refusal is not None:
            raise EndOfRunError(ExitCode.LOGIN_REFUSED, *self._refusal)
        try:
            return ZoneConnection(self.settings, self._context, self._timeout, self._health)
        except EndOfRunError as error:
            if error.exit_code is ExitCode.LOGIN_REFUSED:
                self._refusal = error.message, error.code
            raise

    def _others_work(self) -> bool:
        with self._lock:
            return any(not connection.is_gone() for connection in self._at_work)

    def _drop(self) -> None:
        connection: ZoneConnection | None = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection is not None:
            with self._lock:
                self._connections.discard(connection)
                self._at_work.discard(connection)
