"""What is compared of a reply: its values with marks in the place of what differs from run to run, and its shape."""

import hashlib
import json
import re
from dataclasses import asdict
from typing import Any

from stager_sandbox.zone.protocol import structs
from stager_sandbox.zone.protocol.packing import QueryColumn, Struct

LOST = "\ufffd"
ID_COLUMNS = {201, 301, 401, 402, 423, 500, 603, 613, 703, 704, 713, 714, 900, 2200, 2203, 2204, 2220}
IDS = {"data_id", "collection_id", "resource_id", "replica_token"}
SECRETS = {"request_result", "digest"}
"""Of the login plug-in's JSON: the challenge, and the answer to it."""
PHYSICAL_PATH = 410
SHORT = 200
OBJECT_NAME, COLLECTION_NAME = 403, 501


def marked(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """A reply with marks in place of what differs from run to run."""
    if isinstance(value, Struct):
        return marked_struct(value)
    if isinstance(value, dict):
        return {
            key: "<id>" if key in IDS else f"<{key}>" if key in SECRETS else marked(each) for key, each in value.items()
        }
    if isinstance(value, list):
        return [marked(each) for each in value]
    if isinstance(value, str):
        if value.startswith('[["'):
            return sorted(marked(json.loads(value)))  # a GenQuery2's rows
        value = re.sub(r"sha2:[A-Za-z0-9+/]{43}=", "<checksum>", value)
        value = re.sub(r"\b0\d{10}\b", "<time>", value)
        return re.sub(r"^/\S*/[Vv]ault(?=/|$)", "<vault>", value)
    return value


def marked_struct(value: Struct) -> Any:  # noqa: ANN401 - whatever JSON holds
    """A structure as JSON, marked."""
    if isinstance(value, structs.Bytes):
        return marked(json.loads(value.content.rstrip(b"\0")))
    if isinstance(value, structs.ServerInfo):
        value.certificate = None  # type: ignore[assignment] # JSON within
    found = asdict(value)  # type: ignore[call-overload] # every Struct is a dataclass
    if isinstance(value, structs.ObjectStat):
        found["object_id"] = "<id>"
    if isinstance(value, structs.QueryReply):
        del found["columns"]
        found["widths"] = [[column.index, column.width] for column in value.columns]
        named = [column for column in value.columns if column.index in {COLLECTION_NAME, OBJECT_NAME}]
        rows = [marked_column(column) for column in value.columns]
        found["rows_by_value"] = summed(sorted([list(row) for row in zip(*rows, strict=True)]))
        if PHYSICAL_PATH in dict(found["widths"]):
            del found["widths"]  # they depend on where the server keeps its files
        found["names_in_order"] = [summed(marked_column(column)) for column in named]
        return found
    return marked(found)


def marked_column(column: QueryColumn) -> list[str]:
    """A column's values, marked."""
    return ["<id>"] * len(column.values) if column.index in ID_COLUMNS else [marked(each) for each in column.values]


def shape(packed: bytes) -> str:
    """The tags of what is packed in XML, in order; of many, their number and a digest. Native packing has none."""
    tags = " ".join(tag.decode() for tag in re.findall(rb"</?\w+>", packed)) if packed.startswith(b"<") else ""
    return tags if len(tags) <= SHORT else f"{tags.count(' ') + 1} tags, {hashlib.sha256(tags.encode()).hexdigest()}"


def summed(values: list[Any]) -> list[Any]:
    """A list that stays short: of a long one, its length, its ends and a digest."""
    if len(values) <= 30:
        return values
    digest = hashlib.sha256(json.dumps(values).encode()).hexdigest()
    return [len(values), values[0], values[-1], digest]


def with_losses(reply: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """A reply with a mark for each number that holds a lost byte."""
    if isinstance(reply, dict):
        return {key: with_losses(value) for key, value in reply.items()}
    if isinstance(reply, list):
        return [with_losses(value) for value in reply]
    if isinstance(reply, int) and 0xFF in reply.to_bytes(8, "big", signed=True):
        return "<lost>"
    return reply


def alike(want: Any, have: Any) -> bool:  # noqa: ANN401 - whatever JSON holds
    """Whether two replies are the same, but for what was lost of the first."""
    if isinstance(want, dict) and isinstance(have, dict):
        return want.keys() == have.keys() and all(alike(want[key], have[key]) for key in want)
    if isinstance(want, list) and isinstance(have, list):
        return len(want) == len(have) and all(alike(*pair) for pair in zip(want, have, strict=True))
    return bool(want in {"<lost>", have} if isinstance(want, str) else want == have)


def where(want: Any, have: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    """The first place at which two values differ."""
    if isinstance(want, dict) and isinstance(have, dict):
        for key in [*want, *(key for key in have if key not in want)]:
            if not alike(want.get(key, "(nothing)"), have.get(key, "(nothing)")):
                return f"{key}: {where(want.get(key, '(nothing)'), have.get(key, '(nothing)'))}"
    if isinstance(want, list) and isinstance(have, list):
        for index, (left, right) in enumerate(zip(want, have, strict=False)):
            if not alike(left, right):
                return f"[{index}] {where(left, right)}"
    return f"{str(want)[:150]!r}, got {str(have)[:150]!r}"
