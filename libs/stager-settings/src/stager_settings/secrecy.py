"""Sees that a settings file with secrets in it can't be read by every user of the machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from stager_settings.errors import SettingsError


def check_secrecy(path: Path, settings: BaseModel) -> None:
    """Refuse a file that holds secrets and is open to others: some services run programs of any user beside them.

    A secret is the value of a `SecretStr` that stands in the file; hashes of passwords are none, nor are addresses
    without a password. A file below a folder that others can't enter is closed to them.

    Raises:
        SettingsError: Every user can read the file, or change it, or it belongs to an ordinary user although its
            reader is root.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    if not any(secret in text for secret in _secrets(settings)):
        return
    status = path.stat()
    if status.st_mode & (stat.S_IROTH | stat.S_IWOTH) and _can_be_reached(path):
        raise SettingsError(f"{path}: holds passwords and is open to every user; chmod 600 it")
    if os.geteuid() == 0 and status.st_uid != 0:
        raise SettingsError(f"{path}: holds passwords and belongs to an ordinary user; chown it to root")


def _secrets(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        if "://" in secret:
            secret = urlsplit(secret).password or ""
        if secret and not secret.startswith("$argon2"):
            yield secret
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _secrets(item)


def _can_be_reached(path: Path) -> bool:
    """Whether others may enter every folder above."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)
