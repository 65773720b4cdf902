"""Frames: a 4-byte length, an XML header of that length, then message, error stack and byte stream.

The header names the frame's type and the lengths of the three parts; ``intInfo`` is the API number of a request and
the status of a reply.
"""

import re
from dataclasses import dataclass
from typing import Final, Protocol

HEADER_LIMIT: Final = 4096
MESSAGE_LIMIT: Final = 64 << 20
STREAM_LIMIT: Final = 1 << 30

_FIELDS: Final = re.compile(rb"<(type|msgLen|errorLen|bsLen|intInfo)>\s*([^<]*?)\s*</\1>")


class ProtocolError(Exception):
    """The peer sent something that is no iRODS frame; the connection cannot go on."""


class Disconnected(Exception):  # noqa: N818 - what happened, not an error of ours
    """The peer went away."""


class Wire(Protocol):
    """What frames are read from and sent to: a socket, or something like one."""

    def recv_into(self, buffer: memoryview, /) -> int:
        """Read what there is, at most a buffer full; 0 at the end."""

    def sendall(self, data: bytes | bytearray | memoryview, /) -> None:
        """Send all of it."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a frame's header says."""

    kind: str
    message_length: int
    error_length: int
    stream_length: int
    int_info: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as read: its type, status or API number, packed message and byte stream."""

    kind: str
    int_info: int = 0
    message: bytes | bytearray = b""
    error: bytes | bytearray = b""
    stream: bytes | bytearray = b""


def read_exactly(sock: Wire, length: int) -> bytearray:
    """Read `length` bytes.

    Raises:
        Disconnected: The peer closed before they came.
    """
    buffer = bytearray(length)
    view = memoryview(buffer)
    got = 0
    while got < length:
        try:
            count = sock.recv_into(view[got:])
        except OSError as error:
            raise Disconnected(str(error)) from error
        if not count:
            raise Disconnected(f"closed after {got} of {length} bytes")
        got += count
    return buffer


def read_header(sock: Wire) -> Header:
    """Read a length and the header that follows it, and leave the rest of the frame unread.

    Raises:
        Disconnected: The peer closed.
        ProtocolError: The bytes are no header, or announce more than a frame may hold.
    """
    length = int.from_bytes(read_exactly(sock, 4), "big")
    if not 0 < length <= HEADER_LIMIT:
        raise ProtocolError(f"a header of {length} bytes was announced; at most {HEADER_LIMIT} are allowed")
    found = dict(_FIELDS.findall(read_exactly(sock, length)))
    try:
        header = Header(
            kind=found[b"type"].decode("ascii"),
            message_length=int(found.get(b"msgLen") or 0),
            error_length=int(found.get(b"errorLen") or 0),
            stream_length=int(found.get(b"bsLen") or 0),
            int_info=int(found.get(b"intInfo") or 0),
        )
    except (KeyError, ValueError) as error:
        raise ProtocolError(f"not an iRODS header: {error}") from error
    return header


def read_frame(sock: Wire) -> Frame:
    """Read one whole frame.

    Raises:
        Disconnected: The peer closed.
        ProtocolError: The bytes are no frame, or a part is larger than allowed.
    """
    header = read_header(sock)
    parts = (header.message_length, header.error_length, header.stream_length)
    if min(parts) < 0 or max(parts[:2]) > MESSAGE_LIMIT or parts[2] > STREAM_LIMIT:
        raise ProtocolError(f"a frame of {parts} bytes was announced; too large")
    message, error, stream = (read_exactly(sock, part) if part else b"" for part in parts)
    return Frame(header.kind, header.int_info, message, error, stream)


def frame_head(kind: str, int_info: int, message: int, error: int, stream: int) -> bytes:
    """The length and the header for a frame whose parts have these lengths."""
    header = (
        f"<MsgHeader_PI>\n<type>{kind}</type>\n<msgLen>{message}</msgLen>\n<errorLen>{error}</errorLen>\n"
        f"<bsLen>{stream}</bsLen>\n<intInfo>{int_info}</intInfo>\n</MsgHeader_PI>\n"
    ).encode("ascii")
    return len(header).to_bytes(4, "big") + header


def write_frame(  # noqa: PLR0913, PLR0917 - a frame has these parts
    sock: Wire,
    kind: str,
    int_info: int = 0,
    message: bytes = b"",
    error: bytes = b"",
    stream: bytes | bytearray | memoryview = b"",
) -> None:
    """Send one frame; a large byte stream is not copied.

    Raises:
        Disconnected: The peer no longer reads.
    """
    head = frame_head(kind, int_info, len(message), len(error), len(stream)) + message + error
    try:
        if len(stream) > 1 << 14:
            sock.sendall(head)
            sock.sendall(stream)
        else:
            sock.sendall(head + bytes(stream) if stream else head)
    except OSError as error_:
        raise Disconnected(str(error_)) from error_
