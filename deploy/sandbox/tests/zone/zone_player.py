"""Plays a recording's client side against a zone, message by message, and says where the answers differ."""

import base64
import hashlib
import io
import json
import re
import socket
import tarfile
from dataclasses import fields
from typing import Any

from stager_sandbox.zone import Zone, calls, dispatch
from stager_sandbox.zone.protocol import structs
from stager_sandbox.zone.protocol.framing import read_frame, write_frame
from stager_sandbox.zone.protocol.packing import QueryColumn, Struct
from stager_sandbox.zone.protocol.xml import XmlDialect
from zone_marks import alike, marked, shape, where
from zone_recordings import AUTHENTICATION, PROGRESS, REPLIES, Exchange, Scenario, dialect, unpacked

PASSWORDS = {"alice": "alicepw", "bob": "bobpw", "dccn-svc": "none", "u1234567@ru.nl": "none"}
OWNED = {
    "/nl.ru.donders/di/dccn": "alice",
    "/nl.ru.donders/di/dccn/TRACE": "alice",
    "/nl.ru.donders/di/dccn/TRACE2": "alice",
}
NOD = 99999997
WRONG_PASSWORD = -826000
COMPARED = ("kind", "status", "reply", "shape", "said", "received")


class Player:
    """Plays scenarios against one zone, in order, as they build on each other."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._token = ""
        self._challenges: dict[int, str] = {}

    def play(self, scenario: Scenario) -> list[str]:
        """Send all requests; say where the zone answered otherwise than was recorded."""
        self._prepare(scenario)
        sockets: dict[int, socket.socket] = {}
        differences: list[str] = []
        try:
            for number, exchange in enumerate(scenario.exchanges):
                if exchange.connection not in sockets:
                    sockets[exchange.connection] = self._connect(scenario, exchange.connection, differences)
                got = self._ask(sockets[exchange.connection], scenario, exchange)
                differences += differing(f"{scenario.name}[{number}]", exchange, got)
        finally:
            for sock in sockets.values():
                sock.close()
        return differences

    def _prepare(self, scenario: Scenario) -> None:
        """What the one who recorded did in between without recording it."""
        files, trace = self._zone.files, "/nl.ru.donders/di/dccn/TRACE"
        if scenario.name == "42-genquery-pages":
            files.make_collection("alice", f"{trace}/many", parents=True)
            for number in range(600):
                files.write("alice", f"{trace}/many/f{number:04}").close()
        elif scenario.name.startswith("B0"):
            files.make_collection("alice", f"{trace}2/a", parents=True)

    def _connect(self, scenario: Scenario, number: int, differences: list[str]) -> socket.socket:
        """Connect as the scenario's client did, up to the point where calls begin."""
        sock = socket.create_connection((self._zone.host, self._zone.port), timeout=20)
        if number not in scenario.greetings:
            self._log_in(sock, scenario, scenario.users[number])
            return sock
        for direction, kind, int_info, text in scenario.greetings[number]:
            if direction == "c>s":
                write_frame(sock, kind, int_info, text.encode())
                continue
            frame = read_frame(sock)
            got = [frame.kind, frame.int_info, frame.message.decode()]
            if got != [kind, int_info, text]:
                differences.append(f"{scenario.name} greeting: recorded {where([kind, int_info, text], got)}")
        return sock

    def _log_in(self, sock: socket.socket, scenario: Scenario, user: str) -> None:
        zone = self._zone.zone_name
        hello = structs.StartupPack(int(not scenario.native), 0, 0, user, zone, user, zone, "rods5.0.2", "d")
        write_frame(sock, "RODS_CONNECT", 0, XmlDialect().pack(hello))
        assert read_frame(sock).kind == "RODS_VERSION"
        pack = dialect(scenario)
        write_frame(sock, "RODS_API_REQ", 703, b"")
        challenge = pack.unpack(structs.Challenge, read_frame(sock).message).challenge
        answer = calls.login._digest(challenge, PASSWORDS[user])
        write_frame(sock, "RODS_API_REQ", 704, pack.pack(structs.ChallengeResponse(answer, user)))
        assert read_frame(sock).int_info == 0

    def _ask(self, sock: socket.socket, scenario: Scenario, exchange: Exchange) -> Exchange:
        stream = content(exchange)
        request = self._filled(dispatch.CALLS[exchange.call].request, self._told(exchange), stream)
        write_frame(sock, "RODS_API_REQ", exchange.call, dialect(scenario).pack(request), stream=stream)
        frame = read_frame(sock)
        while frame.int_info == PROGRESS:
            sock.sendall(NOD.to_bytes(4, "big"))
            frame = read_frame(sock)
        got = Exchange(
            exchange.connection,
            exchange.call,
            {},
            kind=frame.kind,
            status=frame.int_info,
            shape=shape(bytes(frame.message)),
            received=len(frame.stream),
        )
        if frame.message:
            item = unpacked(scenario, REPLIES[exchange.call], bytes(frame.message))
            if isinstance(item, structs.Bytes):
                self._learn(exchange.connection, json.loads(item.content.rstrip(b"\0")))
            got.reply = json.loads(json.dumps(marked(item)))
        if frame.error:
            got.said = [each.message for each in dialect(scenario).unpack(structs.ErrorStack, frame.error).messages]
        return got

    def _learn(self, connection: int, said: dict[str, Any]) -> None:
        """Note what later requests have to hold."""
        self._token = said.get("replica_token", self._token)
        self._challenges[connection] = said.get("request_result", "")

    def _told(self, exchange: Exchange) -> dict[str, Any]:
        """The request; a login's with this zone's challenge, answered with the right password or a wrong one."""
        told = exchange.request or {}
        if exchange.call != AUTHENTICATION:
            return told
        step = json.loads(told["content"])
        challenge = self._challenges.get(exchange.connection, "")
        if "digest" in step:
            password = "wrong" if exchange.status == WRONG_PASSWORD else PASSWORDS.get(step["user_name"], "")
            answer = calls.login._digest(challenge.encode(), password)
            step |= {"request_result": challenge, "digest": base64.b64encode(answer).decode()}
        return {"content": json.dumps(step)}

    def _filled(self, kind: type[Struct], told: dict[str, Any], stream: bytes) -> Struct:
        """The request, with this zone's ids and token, and this stream's checksum, in the place of those recorded."""
        if kind is structs.Bytes:
            return structs.Bytes(told["content"].encode())
        found: dict[str, Any] = {}
        for entry in fields(kind):  # type: ignore[arg-type] # every Struct is a dataclass
            if entry.name not in told:
                continue
            value = told[entry.name]
            if entry.name == "columns":
                found[entry.name] = [QueryColumn(each["index"], each["width"], each["values"]) for each in value]
                continue
            nested = entry.metadata["nested"]
            found[entry.name] = self._filled(nested, value, stream) if nested is not Struct else self._value(value)
        words = found.get("keywords", {})
        if words.get("verifyChksum") == "<checksum>":
            words = {**words, "verifyChksum": checksum(stream or b"x" * found.get("size", 0))}
        if "replicaToken" in words:
            words = {**words, "replicaToken": self._token}
        if words:
            found["keywords"] = words
        return kind(**found)

    def _value(self, value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
        if isinstance(value, str):
            return re.sub(r"<id of (.*?)>", lambda match: str(self._id_of(match[1])), value)
        if isinstance(value, list):
            return [tuple(map(self._value, each)) if isinstance(each, list) else each for each in value]
        return value

    def _id_of(self, path: str) -> int:
        catalogue = self._zone.engine.catalogue
        if path.startswith("user "):
            return catalogue.users.find(path.removeprefix("user ")).user_id
        found = catalogue.objects.find(path)
        collection = None if found else catalogue.collections.find(path)
        return found.data_id if found else collection.collection_id if collection else 0


def checksum(data: bytes) -> str:
    """A checksum as iRODS writes it."""
    return "sha2:" + base64.b64encode(hashlib.sha256(data).digest()).decode()


def content(exchange: Exchange) -> bytes:
    """Bytes for a request's stream: any, but for a bundle, whose contents later scenarios see."""
    if not str((exchange.request or {}).get("path", "")).endswith(".tar") or not exchange.sent:
        return b"x" * exchange.sent
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for number in range(60):
            member = tarfile.TarInfo(f"t{number:02}")
            member.size = 2000
            tar.addfile(member, io.BytesIO(b"x" * 2000))
    return packed.getvalue().ljust(exchange.sent, b"\0")


def differing(name: str, recorded: Exchange, got: Exchange) -> list[str]:
    """Where an answer is not as it was recorded."""
    call = dispatch.CALLS[recorded.call].name
    pairs = [(part, getattr(recorded, part), getattr(got, part)) for part in COMPARED]
    return [
        f"{name} {call} {part}: recorded {where(want, have)}"
        for part, want, have in pairs
        if not (part == "shape" and want is None) and not alike(want, have)
    ]
