"""Keeps secrets out of log lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

HIDDEN = "[hidden]"

_SECRET_KEY = re.compile(r"pass|secret|token|authorization|cookie|credential|api_?key|private", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"(?P<kept>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}"  # an HTTP or gRPC authorization value
    r"|(?P<scheme>\b\w+://[^\s/:@]*:)[^\s/@]+(?=@)"  # a password in a URL
    r"|sealed:v\d+:[\w:.-]+"  # a sealed password: useless without the key, but no business of a log
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]+",  # a JSON web token
    re.IGNORECASE,
)


def redact_text(text: str) -> str:
    """The text with what looks like a secret replaced."""
    return _SECRET_TEXT.sub(lambda m: (m["kept"] or m["scheme"] or "") + HIDDEN, text)


def redact(value: Any) -> Any:  # noqa: ANN401 - log values are of any type
    """The value with secrets replaced, at any depth: by the name of their key, or by how they look."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {key: HIDDEN if _SECRET_KEY.search(str(key)) else redact(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    return value


def redact_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor that does so for a whole event, tracebacks included; it stands last before rendering."""
    for key in list(event):
        event[key] = HIDDEN if _SECRET_KEY.search(key) else redact(event[key])
    return event
