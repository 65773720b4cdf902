"""How a connection begins: who is there, whether to use TLS, which release answers."""

import re
import ssl
from typing import Final

from stager_sandbox.zone.errors import Code
from stager_sandbox.zone.line import Line
from stager_sandbox.zone.protocol.framing import (
    Disconnected,
    ProtocolError,
    read_exactly,
    read_frame,
    read_header,
    write_frame,
)
from stager_sandbox.zone.protocol.native import NativeDialect
from stager_sandbox.zone.protocol.packing import Dialect
from stager_sandbox.zone.protocol.structs import Negotiation, StartupPack, Version
from stager_sandbox.zone.protocol.xml import XmlDialect

XML_PROTOCOL: Final = 1
ASKS_TO_NEGOTIATE: Final = "request_server_negotiation"
USE_TLS: Final = "CS_NEG_USE_SSL"
USE_PLAIN: Final = "CS_NEG_USE_TCP"
CORRECT_XML: Final = (4, 2, 9)
SECRET_LIMIT: Final = 1024
HEARTBEAT: Final = "HEARTBEAT"


def greet(line: Line, *, release: str, tls: ssl.SSLContext, require_tls: bool, refuse: int = 0) -> StartupPack:
    """Take a new connection up to the point where calls begin.

    Args:
        line: The connection.
        release: The release to answer with, as ``5.0.2``.
        tls: For the server's side of TLS.
        require_tls: Whether to refuse plain connections; if not, clients choose.
        refuse: An error code with which to turn the client away; 0 to let it in.

    Returns:
        What the client said of itself.

    Raises:
        ProtocolError: The client does not speak iRODS, or will not do as required; it was told where it could be.
    """
    dialect = XmlDialect()
    frame = read_frame(line)
    if frame.kind == HEARTBEAT:
        line.sendall(HEARTBEAT.encode())
        raise Disconnected("it only asked whether the server lives")
    if frame.kind != "RODS_CONNECT":
        raise ProtocolError(f"expected RODS_CONNECT, got {frame.kind}")
    startup = dialect.unpack(StartupPack, frame.message)
    version = Version(release=f"rods{release}", api="d", cookie=400)
    if refuse:
        _turn_away(line, dialect, version, refuse)
    use_tls = False
    if ASKS_TO_NEGOTIATE in startup.option:
        use_tls = _negotiate(line, dialect, require_tls=require_tls)
    if require_tls and not use_tls:
        _turn_away(line, dialect, version, Code.SERVER_NEGOTIATION_ERROR)
    write_frame(line, "RODS_VERSION", 0, dialect.pack(version))
    if use_tls:
        _start_tls(line, tls)
    return startup


def _turn_away(line: Line, dialect: XmlDialect, version: Version, code: int) -> None:
    version.status = code
    write_frame(line, "RODS_VERSION", code, dialect.pack(version))
    raise ProtocolError(f"the client was turned away with {code}")


def _negotiate(line: Line, dialect: XmlDialect, *, require_tls: bool) -> bool:
    offer = Negotiation(status=1, result="CS_NEG_REQUIRE" if require_tls else "CS_NEG_DONT_CARE")
    write_frame(line, "RODS_CS_NEG_T", 0, dialect.pack(offer))
    frame = read_frame(line)
    if frame.kind != "RODS_CS_NEG_T":
        raise ProtocolError(f"expected RODS_CS_NEG_T, got {frame.kind}")
    result = dialect.unpack(Negotiation, frame.message).result
    if USE_TLS in result:
        return True
    if USE_PLAIN in result:
        return False
    raise ProtocolError(f"negotiation failed: {result}")


def _start_tls(line: Line, tls: ssl.SSLContext) -> None:
    """Put TLS on, and take the shared secret that clients send for transfers over extra ports."""
    try:
        line.secure(tls)
    except OSError as error:
        raise ProtocolError(f"no TLS: {error}") from error
    read_header(line)  # algorithm, key size, salt size and rounds stand where lengths are
    secret = read_header(line)
    if secret.kind != "SHARED_SECRET" or not 0 <= secret.message_length <= SECRET_LIMIT:
        raise ProtocolError("expected the shared secret")
    read_exactly(line, secret.message_length)


def dialect_for(startup: StartupPack) -> Dialect:
    """How the client packs: natively, or in XML, in which before 4.2.9 an apostrophe's entity stood for a backtick."""
    if startup.protocol != XML_PROTOCOL:
        return NativeDialect()
    numbers = re.findall(r"\d+", startup.release)
    old = bool(numbers) and tuple(int(number) for number in numbers[:3]) < CORRECT_XML
    return XmlDialect("`" if old else "'")
