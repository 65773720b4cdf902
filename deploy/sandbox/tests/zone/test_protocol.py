"""What the server does with clients that do not behave."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from stager_sandbox.zone import Code, Zone
from stager_sandbox.zone.protocol.framing import Disconnected, ProtocolError, read_frame, write_frame
from stager_sandbox.zone.protocol.native import NativeDialect
from stager_sandbox.zone.protocol.packing import Dialect, QueryColumn, Struct
from stager_sandbox.zone.protocol.structs import (
    Bytes,
    DataObjectRequest,
    ErrorMessage,
    ErrorStack,
    QueryReply,
    QueryRequest,
    StartupPack,
    TwoObjects,
)
from stager_sandbox.zone.protocol.xml import XmlDialect


@contextmanager
def connected(zone: Zone) -> Iterator[socket.socket]:
    """A bare connection."""
    with socket.create_connection((zone.host, zone.port), timeout=10) as sock:
        yield sock


def greeted(sock: socket.socket) -> None:
    """Go through the opening, without login."""
    hello = StartupPack(protocol=1, proxy_user="alice", client_user="alice", release="rods5.0.2", api="d")
    write_frame(sock, "RODS_CONNECT", 0, XmlDialect().pack(hello))
    assert read_frame(sock).kind == "RODS_VERSION"


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x08garbage!", b"\xff" * 64, b"\x00\x00\x00\x00"],
)
def test_garbage_ends_only_its_own_connection(zone: Zone, garbage: bytes) -> None:
    """Bytes that are no frame end the connection, and the next client is served."""
    with connected(zone) as sock:
        sock.sendall(garbage)
        with pytest.raises(Disconnected):
            read_frame(sock)
    with connected(zone) as sock:
        greeted(sock)


def test_heartbeat_is_answered(zone: Zone) -> None:
    """Who asks only whether the server lives is told so."""
    with connected(zone) as sock:
        header = b"<MsgHeader_PI><type>HEARTBEAT</type></MsgHeader_PI>"
        sock.sendall(len(header).to_bytes(4, "big") + header)
        assert sock.recv(100) == b"HEARTBEAT"


def test_calls_before_login_and_unknown_calls_are_refused(zone: Zone) -> None:
    """Each has its code, and the connection goes on."""
    with connected(zone) as sock:
        greeted(sock)
        for number, code in ((702, Code.SYS_NO_API_PRIV), (99, Code.SYS_UNMATCHED_API_NUM)):
            write_frame(sock, "RODS_API_REQ", number, XmlDialect().pack(QueryRequest()))
            assert read_frame(sock).int_info == code


@pytest.mark.parametrize(
    "message", [b"", b"<a>", b"<a></b>", b"<BinBytesBuf_PI><buf>?</buf></BinBytesBuf_PI>", b"\xff"]
)
def test_broken_messages_are_refused(zone: Zone, message: bytes) -> None:
    """A message that cannot be unpacked is an error of the call, not of the connection."""
    with connected(zone) as sock:
        greeted(sock)
        write_frame(sock, "RODS_API_REQ", 110000, message)
        assert read_frame(sock).int_info < 0
        write_frame(sock, "RODS_DISCONNECT")


STRUCTURES = [
    DataObjectRequest(path="/a", size=1 << 40, keywords={"forceFlag": "", "k": "v"}),
    QueryRequest(max_rows=256, options=-1, selects=[(401, 1), (403, 1)], conditions=[(501, "= '/a'"), (403, "= 'x'")]),
    ErrorStack([ErrorMessage(-1, "a"), ErrorMessage(0, "b")]),
    ErrorStack(),
    Bytes(b"{}\0"),
    QueryReply(rows=2, attributes=1, columns=[QueryColumn(403, 50, ["ünï", "%@"])]),
    TwoObjects(DataObjectRequest(path="/a"), DataObjectRequest(path="/b")),
]


@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda item: type(item).__name__)
@pytest.mark.parametrize("dialect", [XmlDialect(), XmlDialect("`"), NativeDialect()], ids=["xml", "old xml", "native"])
def test_every_dialect_gives_back_what_it_took(dialect: Dialect, structure: Struct) -> None:
    """Any structure survives packing and unpacking."""
    assert dialect.unpack(type(structure), dialect.pack(structure)) == structure


def test_native_packing_is_the_real_servers() -> None:
    """Integers are big-endian, strings end with a zero, and what is absent has a name."""
    assert NativeDialect().pack(DataObjectRequest(path="/a", size=10)) == (
        b"/a\0" + bytes(8) + bytes(8) + (10).to_bytes(8, "big") + bytes(8) + b"%@#ANULLSTR$%\0"
        b"\0\0\0\0%@#ANULLSTR$%\0%@#ANULLSTR$%\0"
    )


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_native_messages_cut_short_are_refused(cut: int) -> None:
    """However a message is cut, it is an error and nothing worse."""
    packed = NativeDialect().pack(STRUCTURES[1])
    with pytest.raises(ProtocolError):
        NativeDialect().unpack(QueryRequest, packed[:cut])


def test_native_counts_that_lie_are_refused() -> None:
    """A count larger than the message asks for no memory."""
    with pytest.raises(ProtocolError):
        NativeDialect().unpack(ErrorStack, b"\x7f\xff\xff\xff")


@pytest.mark.parametrize("text", ["plain", "&amp;", "<a>&'\"`", "\x01\n\t ", "é台", "\udcff"])
def test_xml_gives_back_what_it_took(text: str) -> None:
    """Any string survives packing and unpacking, in both dialects."""
    for dialect in (XmlDialect("'"), XmlDialect("`")):
        request = DataObjectRequest(path=text, size=1 << 40, keywords={"forceFlag": "", text: text})
        assert dialect.unpack(DataObjectRequest, dialect.pack(request)) == request


def test_xml_packs_as_the_real_server_does() -> None:
    """Elements stand on lines of their own; old peers get a backtick for their apostrophe's entity."""
    stack = ErrorStack([ErrorMessage(message="collection '/a' is unknown")])
    assert XmlDialect().pack(stack) == (
        b"<RError_PI>\n<count>1</count>\n<RErrMsg_PI>\n<status>0</status>\n"
        b"<msg>collection &apos;/a&apos; is unknown</msg>\n</RErrMsg_PI>\n</RError_PI>\n"
    )
    assert XmlDialect("`").escape("'`") == "'&apos;"
    assert XmlDialect().pack(Bytes(b"{}\0")) == (
        b"<BinBytesBuf_PI>\n<buflen>3</buflen>\n<buf>e30A</buf>\n</BinBytesBuf_PI>\n"
    )
    with pytest.raises(ProtocolError):
        XmlDialect().unpack(Bytes, b"<STR_PI><myStr>x</myStr></STR_PI>")
