"""Recordings of messages between clients and a real iRODS server, and what is kept of them.

A recording is a folder of one JSON-lines file a scenario, each line a message. It is *distilled*: how each connection
was greeted, and requests and replies in pairs, unpacked, with marks in the place of what differs from run to run.

    python zone_recordings.py RECORDING TARGET    distils a recording into a file
"""

import base64
import gzip
import json
import re
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from stager_sandbox.zone import dispatch
from stager_sandbox.zone.protocol import structs
from stager_sandbox.zone.protocol.native import NativeDialect
from stager_sandbox.zone.protocol.packing import Dialect, QueryColumn, S, Struct
from stager_sandbox.zone.protocol.xml import XmlDialect
from zone_marks import LOST, marked, shape, with_losses

LAST = "85-coll-remove-recursive"  # recorded after all the others on its collection

PROGRESS = 99999996
AUTHENTICATION = 110000
GREETING = (("c>s", "RODS_CONNECT"), ("s>c", "RODS_CS_NEG_T"), ("c>s", "RODS_CS_NEG_T"), ("s>c", "RODS_VERSION"))
REPLIES: dict[int, type[Struct]] = {
    629: structs.Text,
    633: structs.ObjectStat,
    674: structs.SeekReply,
    679: structs.CollectionProgress,
    606: structs.PortalReply,
    608: structs.PortalReply,
    696: structs.TransferReply,
    700: structs.ServerInfo,
    702: structs.QueryReply,
    722: structs.QueryReply,
    802: structs.Text,
    10221: structs.Text,
    20000: structs.Bytes,
    20003: structs.Bytes,
    AUTHENTICATION: structs.Bytes,
}
"""What comes back from the calls whose replies hold a structure."""

LENGTH_BYTES = 4
BULK_COLUMNS = (403, 421, 999998, 415)
USER_ID, USER_NAME = 201, 202
OBJECT_ID, OBJECT_NAME, COLLECTION_OF_OBJECT, COLLECTION_ID, COLLECTION_NAME = 401, 403, 402, 500, 501


@dataclass
class Exchange:
    """A request and what came back.

    Attributes:
        connection: Which of the scenario's connections.
        call: The API number.
        request: The request's fields.
        sent: Bytes in the request's stream.
        kind: The reply's type.
        status: The reply's status.
        reply: The reply's structure, marked; None when there is none.
        shape: The reply's tags, see `zone_marks.shape`; None when they were not recorded.
        said: The reply's error stack.
        received: Bytes in the reply's stream.
    """

    connection: int
    call: int
    request: dict[str, Any] | None
    sent: int = 0
    kind: str = "RODS_API_REPLY"
    status: int = 0
    reply: Any = None
    shape: str | None = None
    said: list[str] = field(default_factory=list)
    received: int = 0


@dataclass
class Scenario:
    """One recording: who connects and how, and what they exchange.

    Attributes:
        name: What it is called.
        users: Who connects, by connection.
        native: Whether the client packs natively.
        greetings: By connection, what comes before calls: direction, type, number and text of each message. Empty for
            a recording that begins with the calls.
        exchanges: The calls and their answers. Where a login is not among them, it is done anew.
    """

    name: str
    users: dict[int, str] = field(default_factory=dict)
    native: bool = False
    greetings: dict[int, list[list[Any]]] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)


def dialect(scenario: Scenario) -> Dialect:
    """How the scenario's client packs."""
    return NativeDialect() if scenario.native else XmlDialect()


class Names:
    """What ids stood for in the recording, so that requests can name them by path."""

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}

    def learn_one(self, identity: str, path: str) -> None:
        """Note an id."""
        self._paths[identity] = path

    def learn(self, reply: structs.QueryReply) -> None:
        """Note the ids that stand beside names in a page of rows."""
        columns = {column.index: column.values for column in reply.columns}
        for identity, path in zip(columns.get(COLLECTION_ID, []), columns.get(COLLECTION_NAME, []), strict=False):
            self._paths[identity] = path
        for identity, name in zip(columns.get(USER_ID, []), columns.get(USER_NAME, []), strict=False):
            self._paths[identity] = f"user {name}"
        in_collection = columns.get(COLLECTION_OF_OBJECT) or columns.get(COLLECTION_ID, [])
        rows = zip(columns.get(OBJECT_ID, []), columns.get(OBJECT_NAME, []), in_collection, strict=False)
        for identity, name, collection in rows:
            if collection in self._paths:
                self._paths[identity] = f"{self._paths[collection]}/{name}"

    def told(self, request: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
        """The request with ``<id of PATH>`` in the place of ids."""
        if isinstance(request, str):
            return re.sub(r"'(\d+)'", lambda match: f"'{self._told(match[1])}'", request)
        if isinstance(request, list | tuple):
            return [self.told(each) for each in request]
        return request

    def _told(self, identity: str) -> str:
        return f"<id of {self._paths[identity]}>" if identity in self._paths else identity


def distil(path: Path) -> Scenario:
    """Make a scenario of a recording; requests that cannot be read back are left out."""
    scenario = Scenario(path.stem)
    names = Names()
    asked: dict[int, list[Exchange]] = defaultdict(list)
    answers: dict[int, list[dict[str, Any]]] = defaultdict(list)  # may be written down before their requests
    for line in path.read_text(encoding="utf-8").splitlines():
        message = json.loads(line)
        kind, connection = message.get("type"), message.get("conn", 0)
        if kind == "RODS_CONNECT":
            startup = XmlDialect().unpack(structs.StartupPack, message["msg"].encode())
            scenario.users[connection] = startup.client_user
            scenario.native = startup.protocol == 0
        if (message["dir"], kind) in GREETING:
            greeting = scenario.greetings.setdefault(connection, [])
            greeting.append([message["dir"], kind, message["int_info"], message["msg"]])
            greeting.sort(key=lambda said: GREETING.index((said[0], said[1])))  # answers may be written down first
        elif kind == "RODS_API_REQ":
            exchange = Exchange(connection, message["int_info"], _request(scenario, message), sent=message["bs_len"])
            asked[connection].append(exchange)
            scenario.exchanges.append(exchange)
        elif message["dir"] == "s>c" and message.get("int_info") != PROGRESS:
            answers[connection].append(message)
    answered = set()
    for connection, exchanges in asked.items():
        for exchange, message in zip(exchanges, answers[connection], strict=False):
            if exchange.request is not None:
                _take_reply(scenario, exchange, message, names)
                answered.add(id(exchange))
    scenario.exchanges = [exchange for exchange in scenario.exchanges if id(exchange) in answered]
    for exchange in scenario.exchanges:
        exchange.request = {key: names.told(value) for key, value in (exchange.request or {}).items()}
    return scenario


def _bytes(message: dict[str, Any], part: str) -> bytes:
    """A packed part as it was: as recorded in base64, or as text with a mark for each byte that was no UTF-8."""
    if f"{part}64" in message:
        return base64.b64decode(message[f"{part}64"])
    return str(message[part]).replace("\ufffd", "\udcff").encode("utf-8", "surrogateescape")


def unpacked(scenario: Scenario, kind: type[S], packed: bytes) -> S:
    """A structure as the scenario's client or its server packed it."""
    if kind is structs.Bytes and scenario.native:
        return kind(packed[LENGTH_BYTES:])  # what stands before may be lost, and is the rest's length
    return dialect(scenario).unpack(kind, packed)


def _request(scenario: Scenario, message: dict[str, Any]) -> dict[str, Any] | None:
    packed = _bytes(message, "msg")
    call = dispatch.CALLS[message["int_info"]]
    lossy = "msg64" not in message and LOST in message["msg"].replace(
        LOST * 4, ""
    )  # four of them are -1; another number is lost
    if lossy and call.request not in {structs.DataObjectRequest, structs.BulkRequest, structs.Bytes}:
        return None
    item = unpacked(scenario, call.request, packed)
    if isinstance(item, structs.Bytes):
        content = json.loads(item.content.rstrip(b"\0"))
        return {"content": json.dumps(marked(content) if call.number == AUTHENTICATION else content)}
    words: dict[str, str] = getattr(item, "keywords", {})
    if isinstance(item, structs.DataObjectRequest) and lossy:
        item.size = int(words.get("dataSize") or message["bs_len"])
    if isinstance(item, structs.BulkRequest) and lossy:
        for column, index in zip(item.attributes.columns, BULK_COLUMNS, strict=True):
            column.index = index
    if call.number in {606, 689} and "verifyChksum" in words and "wrong" not in scenario.name:
        words["verifyChksum"] = "<checksum>"
    return _plain(item)


def _plain(item: Struct) -> dict[str, Any]:
    """The fields of a structure that are not as they are by default."""
    default = type(item)()
    found = {}
    for entry in fields(item):  # type: ignore[arg-type] # every Struct is a dataclass
        value = getattr(item, entry.name)
        if value != getattr(default, entry.name):
            columns = isinstance(value, list) and value and isinstance(value[0], QueryColumn)
            found[entry.name] = (
                _plain(value) if isinstance(value, Struct) else [asdict(each) for each in value] if columns else value
            )
    return found


def _take_reply(scenario: Scenario, exchange: Exchange, message: dict[str, Any], names: Names) -> None:
    exchange.kind, exchange.status, exchange.received = message["type"], message["int_info"], message["bs_len"]
    packed = _bytes(message, "msg")
    exchange.shape = shape(packed)
    if packed:
        item = unpacked(scenario, REPLIES[exchange.call], packed)
        if isinstance(item, structs.QueryReply):
            names.learn(item)
        if isinstance(item, structs.ObjectStat):
            names.learn_one(item.object_id, str((exchange.request or {}).get("path")))
        exchange.reply = json.loads(json.dumps(marked(item)))
        if scenario.native and "msg64" not in message and LOST in message["msg"]:
            exchange.reply = with_losses(exchange.reply)
    if message["error"]:
        stack = dialect(scenario).unpack(structs.ErrorStack, _bytes(message, "error"))
        exchange.said = [each.message for each in stack.messages]


def ordered(folder: Path) -> list[Path]:
    """The recording's files in the order in which they were made."""
    files = sorted(folder.glob("*.jsonl"), key=lambda path: path.name)
    first = [path for path in files if path.name < "B" and path.stem != LAST]
    return [*first, *(path for path in files if path.stem == LAST), *(path for path in files if path.name >= "B")]


def write(scenarios: list[Scenario], target: Path) -> None:
    """Keep scenarios in a file."""
    lines = "".join(json.dumps(asdict(each), ensure_ascii=False, separators=(",", ":")) + "\n" for each in scenarios)
    target.write_bytes(gzip.compress(lines.encode("utf-8", "surrogateescape"), mtime=0))


def read(source: Path) -> list[Scenario]:
    """The scenarios kept in a file."""
    found = []
    for line in gzip.decompress(source.read_bytes()).decode().splitlines():
        kept = json.loads(line)
        for by_connection in ("users", "greetings"):
            kept[by_connection] = {int(number): value for number, value in kept.get(by_connection, {}).items()}
        kept["exchanges"] = [Exchange(**each) for each in kept["exchanges"]]
        found.append(Scenario(**kept))
    return found


if __name__ == "__main__":
    write([distil(path) for path in ordered(Path(sys.argv[1]))], Path(sys.argv[2]))
