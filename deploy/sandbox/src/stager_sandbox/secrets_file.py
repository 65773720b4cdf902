"""Passwords that the sandbox made up, kept so that a second start has the same ones."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path


class SecretsFile:
    """Makes up a secret for each name that is asked for first.

    Args:
        path: A JSON file that its owner alone can read; made if missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str) -> str:
        """The secret of that name."""
        if name not in self._known:
            self._known[name] = secrets.token_urlsafe(12)
            write_private(self._path, json.dumps(self._known, indent=2))
        return self._known[name]


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)
