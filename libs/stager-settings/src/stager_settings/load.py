"""Loading a service's settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from stager_settings.environment import SEPARATOR, overrides
from stager_settings.errors import SettingsError
from stager_settings.lines import KeyPath, parse_with_lines
from stager_settings.model import Settings
from stager_settings.secrecy import check_secrecy

M = TypeVar("M", bound=Settings)


def load_settings(
    model: type[M], path: Path | None, *, env_prefix: str, environment: Mapping[str, str] | None = None
) -> M:
    """The settings of a service: defaults, over them the YAML file, over them the environment.

    Args:
        model: The class that says which keys there are.
        path: The YAML file; None where the environment and the defaults are all.
        env_prefix: What the service's variables begin with, such as `STAGER_API_`.
        environment: Instead of the process's own.

    Raises:
        SettingsError: With every fault that was found, or since the file holds passwords and is open to others.
    """
    document, lines = _read(path) if path else ({}, {})
    given, faults = overrides(model, env_prefix, os.environ if environment is None else environment)
    sources = _Sources(path, lines, given, env_prefix)
    try:
        settings = model.model_validate(_merged(document, given))
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            faults.append(f"{sources.place(fault['loc'])}: {fault['msg']}")
    else:
        if not faults:
            if path:
                check_secrecy(path, settings)
            return settings
    raise SettingsError("\n".join(faults))


@dataclass(frozen=True, slots=True)
class _Sources:
    """Where settings came from, to say where a fault stands."""

    path: Path | None
    lines: dict[KeyPath, int]
    given: dict[str, Any]
    env_prefix: str

    def place(self, where: KeyPath) -> str:
        if _stands_in(self.given, where):
            return f"environment: {self.env_prefix}{SEPARATOR.join(str(part) for part in where).upper()}"
        key = ".".join(str(part) for part in where)
        if self.path is None:
            return key
        nearest = max((p for p in self.lines if where[: len(p)] == p), key=len, default=())
        return f"{self.path}:{self.lines.get(nearest, 1)}: {key}"


def _read(path: Path) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    try:
        document, lines = parse_with_lines(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is no UTF-8 text") from error
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SettingsError(f"{path}{line}: {error.problem or 'is no YAML'}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: is no YAML") from error
    if document is None:
        return {}, lines
    if not isinstance(document, dict):
        raise SettingsError(f"{path}:1: has to be a mapping of keys to values")
    return document, lines


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _stands_in(document: dict[str, Any], where: KeyPath) -> bool:
    here: Any = document
    for part in where:
        if not isinstance(here, dict):
            return True
        if part not in here:
            return False
        here = here[part]
    return True
