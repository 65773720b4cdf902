"""The listener: a thread for each connection, each with its own session."""

import logging
import socket
import sqlite3
import ssl
import threading
from dataclasses import dataclass
from typing import Any, Final

from stager_sandbox.zone import calls, dispatch
from stager_sandbox.zone.dispatch import Call, Reply
from stager_sandbox.zone.engine import Engine
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.faults import Fault
from stager_sandbox.zone.handshake import dialect_for, greet
from stager_sandbox.zone.line import Line
from stager_sandbox.zone.protocol.framing import Disconnected, Frame, ProtocolError, read_frame, write_frame
from stager_sandbox.zone.protocol.structs import ErrorMessage, ErrorStack
from stager_sandbox.zone.session import Session

HANDSHAKE_SECONDS: Final = 30.0
JOIN_SECONDS: Final = 5.0

logger = logging.getLogger(__name__)
REGISTERED: Final = calls.__all__
"""The groups of calls answered here."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How the server presents itself: release, TLS, and whether plain connections are refused."""

    release: str
    tls: ssl.SSLContext
    require_tls: bool


class Server:
    """Answers connections on one port.

    Args:
        engine: The zone's works.
        address: Host and port; port 0 for one of the kernel's choice.
        manners: How to present itself.
    """

    def __init__(self, engine: Engine, address: tuple[str, int], manners: Manners) -> None:
        self._engine = engine
        self._faults = engine.faults
        self._manners = manners
        self._listener = socket.create_server(address, backlog=128)
        self._lines: dict[threading.Thread, Line] = {}
        self._guard = threading.Lock()
        self._accepting = threading.Thread(target=self._accept, name="zone-listener", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Begin to answer."""
        self._accepting.start()

    def stop(self) -> None:
        """Stop listening and end all connections, as a server that is shut down does."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            logger.debug("shutdown: %s", error)
        self._listener.close()
        self._accepting.join(JOIN_SECONDS)
        with self._guard:
            open_now = list(self._lines.items())
        for _, line in open_now:
            line.cut()
        for thread, _ in open_now:
            thread.join(JOIN_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            line = Line(sock, self._faults)
            thread = threading.Thread(target=self._serve, args=(line,), name="zone-connection", daemon=True)
            with self._guard:
                self._lines[thread] = line
            thread.start()

    def _serve(self, line: Line) -> None:
        try:
            line.patience(HANDSHAKE_SECONDS)
            session = self._begin(line)
            line.patience(None)
            try:
                self._converse(session)
            finally:
                session.close()
        except Disconnected as gone:
            logger.debug("connection ended: %s", gone)
        except ProtocolError as error:
            logger.warning("connection dropped: %s", error)
        except Exception:
            logger.exception("connection dropped")
        finally:
            with self._guard:
                self._lines.pop(threading.current_thread(), None)
            line.close()

    def _suffer(self, fault: Fault) -> None:
        """What happens before a call is done, or a connection taken up."""
        self._faults.pause(fault.delay)
        if fault.cut:
            raise Disconnected("cut, as told")
        if fault.refuse:
            raise ZoneError(fault.refuse)

    def _begin(self, line: Line) -> Session:
        fault = self._faults.meet("CONNECT")
        self._faults.pause(fault.delay)
        if fault.cut or fault.silent or fault.lose_reply:
            raise Disconnected("cut, as told")
        most = self._faults.limits.connections
        with self._guard:
            full = most is not None and len(self._lines) > most
        manners = self._manners
        startup = greet(
            line,
            release=manners.release,
            tls=manners.tls,
            require_tls=manners.require_tls,
            refuse=Code.SYS_MAX_CONNECT_COUNT_EXCEEDED if full else fault.refuse,
        )
        return Session(self._engine, line, startup, manners.release, dialect_for(startup))

    def _converse(self, session: Session) -> None:
        while True:
            frame = read_frame(session.line)
            if frame.kind == "RODS_DISCONNECT":
                session.line.take_leave()
                return
            if frame.kind != "RODS_API_REQ":
                raise ProtocolError(f"expected a call, got {frame.kind}")
            self._answer(session, frame)

    def _answer(self, session: Session, frame: Frame) -> None:
        fault = Fault()
        said: tuple[str, ...] = ()
        try:
            call, request = _understand(session, frame)
            fault = self._faults.meet(call.name, dispatch.path_of(session, request))
            self._suffer(fault)
            reply = _carry_out(session, call, request, frame)
        except ZoneError as error:
            reply, said = Reply(error.code), error.said
        if fault.lose_reply:
            raise Disconnected("cut, as told")
        if fault.silent:
            return
        pack = session.dialect.pack
        message = pack(reply.message) if reply.message is not None else b""
        errors = pack(ErrorStack([ErrorMessage(message=each) for each in said])) if said else b""
        self._faults.latency()
        write_frame(session.line, "RODS_API_REPLY", reply.status, message, errors, reply.stream)


def _understand(session: Session, frame: Frame) -> tuple[Call, Any]:
    """Which call it is, and its input."""
    call = dispatch.find(session, frame.int_info)
    try:
        return call, session.dialect.unpack(call.request, frame.message)
    except ProtocolError as error:
        logger.warning("%s: %s", call.name, error)
        raise ZoneError(Code.SYS_PACK_INSTRUCT_FORMAT_ERR) from error


def _carry_out(session: Session, call: Call, request: Any, frame: Frame) -> Reply:  # noqa: ANN401 - the call's structure
    """Do a call; what goes wrong inside becomes an answer, so that one bad call does not end the connection."""
    try:
        return call.handler(session, request, frame.stream)
    except (ZoneError, Disconnected, ProtocolError):
        raise
    except sqlite3.IntegrityError as error:
        raise ZoneError(Code.CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME) from error
    except UnicodeEncodeError as error:  # a name that is no UTF-8, as the real server's database refuses it
        raise ZoneError(Code.CAT_SQL_ERR) from error
    except sqlite3.Error as error:
        logger.exception("%s failed in the catalogue", call.name)
        raise ZoneError(Code.CAT_SQL_ERR) from error
    except Exception as error:
        logger.exception("%s failed", call.name)
        raise ZoneError(Code.SYS_INTERNAL_ERR) from error
