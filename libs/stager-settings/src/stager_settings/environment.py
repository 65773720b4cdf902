"""Settings from environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

SEPARATOR = "__"
"""Between a group's name and a key in it: STAGER_API_GRPC__PORT is `port` of `grpc`."""


FROM_FILE = "_FILE"
"""At a variable's end: it names the file in which the value stands, such as a mounted secret."""


def overrides(model: type[BaseModel], prefix: str, environment: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """What the environment says, as a nested document, and what is wrong with variables, a line for each.

    A list is given with commas between its items. `NAME_FILE` gives the text of a file to NAME, less the line's end.
    """
    document: dict[str, Any] = {}
    faults = []
    for name, text in sorted(environment.items()):
        if not name.startswith(prefix) or _place(model, _keys(name, prefix), text, document):
            continue
        plain = name.removesuffix(FROM_FILE)
        if plain == name or not _place(model, _keys(plain, prefix), "", {}):
            faults.append(f"environment: {name}: names no setting")
        elif plain in environment:
            faults.append(f"environment: {name}: {plain} is given, too")
        else:
            try:
                held = Path(text).read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else "is no UTF-8 text"
                faults.append(f"environment: {name}: the file that it names can't be read: {why}")
            else:
                _place(model, _keys(plain, prefix), held, document)
    return document, faults


def _keys(name: str, prefix: str) -> list[str]:
    return name.removeprefix(prefix).lower().split(SEPARATOR)


def _place(model: type[BaseModel], keys: list[str], text: str, document: dict[str, Any]) -> bool:
    fields = {(field.alias or name).lower(): (name, field) for name, field in model.model_fields.items()}
    if keys[0] not in fields:
        return False
    name, field = fields[keys[0]]
    key = field.alias or name
    annotation = _without_none(field.annotation)
    if len(keys) == 1:
        origin = getattr(annotation, "__origin__", None)
        document[key] = [item.strip() for item in text.split(",")] if origin in {list, tuple, frozenset} else text
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _place(annotation, keys[1:], text, document.setdefault(key, {}))
    return False


def _without_none(annotation: Any) -> Any:  # noqa: ANN401 - whatever stands behind a field's colon
    """What a setting is where it is given: `X` of `X | None`."""
    if get_origin(annotation) in {UnionType, Union}:
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else annotation
    return annotation
