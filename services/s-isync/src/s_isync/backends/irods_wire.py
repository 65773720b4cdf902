"""iRODS messages on a socket: a length, a header, and the three parts that it announces.

The framing is done here rather than by python-irodsclient, which copies every byte stream twice on its way out, raises
and catches an exception for each read over TLS, and never ends when the peer closes inside a byte stream.
"""

import re
import socket
import struct

from s_isync.backends.irods_reply import Reply

_LENGTH = struct.Struct(">i")
_HEADER = (
    b"<MsgHeader_PI><type>RODS_API_REQ</type><msgLen>%d</msgLen><errorLen>0</errorLen><bsLen>%d</bsLen>"
    b"<intInfo>%d</intInfo></MsgHeader_PI>"
)
_NUMBER = re.compile(rb"<(msgLen|errorLen|bsLen|intInfo)>\s*(-?\d+)\s*</")
_LONGEST_HEADER = 4096
_LONGEST_PART = 64 * 1024 * 1024  # bytes; no answer to what s-isync asks comes near it
_JOINED = 64 * 1024  # bytes; a stream up to this goes out in one piece with what stands around it
_BLOCK = 64 * 1024  # bytes read ahead

Outgoing = tuple[int, bytes, bytes | memoryview]
"""API number, packed structure, byte stream."""


class BrokenMessageError(OSError):
    """What came is no iRODS message, or ended inside one."""


class Wire:
    """Sends requests and receives replies, buffered on both ways."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._block = memoryview(bytearray(_BLOCK))
        self._ahead = self._block[:0]

    def send(self, requests: list[Outgoing]) -> None:
        """Send all requests; small ones leave together."""
        pending = bytearray()
        for api, message, data in requests:
            header = _HEADER % (len(message), len(data), api)
            pending += _LENGTH.pack(len(header)) + header + message
            if len(data) <= _JOINED:
                pending += data
            else:
                self._socket.sendall(pending)
                pending.clear()
                self._socket.sendall(data)
        if pending:
            self._socket.sendall(pending)

    def receive(self, into: bytearray | memoryview | None) -> Reply:
        """The next reply; its byte stream goes to `into`, which must be long enough, if there is such.

        Raises:
            BrokenMessageError: the peer is gone, or doesn't speak the protocol.
        """
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        if not 0 < length <= _LONGEST_HEADER:
            raise BrokenMessageError("the answer begins with no iRODS header")
        header = bytes(self._exactly(length))
        numbers = {name: int(value) for name, value in _NUMBER.findall(header)}
        if len(numbers) != 4:
            raise BrokenMessageError("the answer's header can't be read")
        message = self._part(numbers[b"msgLen"])
        error = self._part(numbers[b"errorLen"])
        size = numbers[b"bsLen"]
        data: memoryview | None = None
        if size:
            data = memoryview(bytearray(_bounded(size))) if into is None else memoryview(into)[: _bounded(size)]
            if len(data) < size:
                raise BrokenMessageError(f"the answer holds {size} bytes, more than were asked for")
            self._fill(data)
        return Reply(numbers[b"intInfo"], message, error, data)

    def _part(self, size: int) -> bytes | None:
        return bytes(self._exactly(_bounded(size))) if size else None

    def _exactly(self, size: int) -> memoryview:
        if size <= len(self._ahead):
            found, self._ahead = self._ahead[:size], self._ahead[size:]
            return found
        found = memoryview(bytearray(size))
        self._fill(found)
        return found

    def _fill(self, target: memoryview) -> None:
        known = min(len(self._ahead), len(target))
        target[:known] = self._ahead[:known]
        self._ahead = self._ahead[known:]
        while known < len(target):
            rest = target[known:]
            if len(rest) >= _BLOCK:
                count = self._socket.recv_into(rest)
            else:
                count = self._socket.recv_into(self._block)
                taken = min(count, len(rest))
                rest[:taken] = self._block[:taken]
                self._ahead = self._block[taken:count]
                known += taken - count
            if count == 0:
                raise BrokenMessageError("the server closed the connection")
            known += count


def _bounded(size: int) -> int:
    if not 0 <= size <= _LONGEST_PART:
        raise BrokenMessageError(f"the answer announces a part of {size} bytes")
    return size
