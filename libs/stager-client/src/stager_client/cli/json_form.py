"""Messages of the contract as JSON that is easy to use: numbers as numbers, states by their short names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from stager_client.errors import StagerError


def to_json(message: Message) -> dict[str, Any]:
    """A message by its JSON keys.

    64-bit numbers are numbers, enum values lose their prefix (`completed`), times are RFC 3339 in UTC; what can be
    absent and is, is left out. A password is never in it.
    """
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.json_name == "drPass" or (field.has_presence and not message.HasField(field.name)):
            continue
        value = getattr(message, field.name)
        names: dict[int, str] = {}
        if field.enum_type is not None:
            prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", field.enum_type.name).upper() + "_"
            names = {known.number: known.name.removeprefix(prefix).lower() for known in field.enum_type.values}
        found[field.json_name] = [_value(names, item) for item in value] if field.is_repeated else _value(names, value)
    return found


def error_json(error: StagerError) -> dict[str, Any]:
    """An error, with every fault of the task where it was refused."""
    found: dict[str, Any] = {"code": error.code, "message": str(error), "transient": error.transient}
    if error.violations:
        found["violations"] = [
            {"field": violation.field, "description": violation.description} for violation in error.violations
        ]
    return found


def _value(names: Mapping[int, str], value: Any) -> Any:  # noqa: ANN401 - values of messages are of any type
    if isinstance(value, Timestamp):
        return value.ToJsonString()
    if isinstance(value, Message):
        return to_json(value)
    return names.get(value, value) if names else value
