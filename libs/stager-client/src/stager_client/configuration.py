"""Settings from several sources: what a caller gives, then the environment, then a file.

For each setting the first source that has it wins. Environment: STAGER_ and the setting's name in capitals, such as
STAGER_ADDRESS. File: `~/.config/stager/config.toml` (XDG_CONFIG_HOME is honoured), or the one that STAGER_CONFIG names.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from stager_client.errors import ConfigurationError
from stager_client.settings import DEFAULT_ADDRESS, DEFAULT_TIMEOUT, ClientSettings

PATHS: Final = ("ca", "cert", "key", "password_file", "token_file")
KEYS: Final = ("address", "user", "password", "token", *PATHS, "plaintext", "timeout")
SECRETS: Final = ("password", "token")
_LOGIN: Final = {"token": "token", "token_file": "token", "user": "user", "password": "user", "password_file": "user"}
"""Which kind of login a setting belongs to."""

Layer = Mapping[str, object]
"""Settings of one source; a value of None is not given."""


def find_settings(
    given: Layer | None = None,
    *,
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    ask_password: Callable[[str], str] | None = None,
) -> ClientSettings:
    """Collect the settings.

    Besides the attributes of ClientSettings, `password_file` and `token_file` name files that hold the secret (in
    their first line), so that it needn't stand in an environment or a configuration file.

    Args:
        given: What the caller has; wins over all else.
        config: The file to read instead of the usual one.
        environment: Instead of the process's own.
        ask_password: Called with the user's name where there is a user without a password.

    Raises:
        ConfigurationError: A source can't be read, has an unknown setting, or the settings don't go together.
    """
    environment = os.environ if environment is None else environment
    layers: list[Layer] = [
        {key: value for key, value in (given or {}).items() if value is not None},
        {key: environment[f"STAGER_{key.upper()}"] for key in KEYS if environment.get(f"STAGER_{key.upper()}")},
        _read_file(config, environment),
    ]
    layers = _one_login(layers)
    merged: dict[str, object] = {}
    for layer in reversed(layers):
        merged |= layer
    for secret in SECRETS:
        holder = merged.pop(f"{secret}_file", None)
        level = next((layer for layer in layers if secret in layer or f"{secret}_file" in layer), {})
        if holder is not None and secret not in level:
            merged[secret] = read_secret(_path(f"{secret}_file", holder))
    paths = {key: _path(key, merged[key]) for key in ("ca", "cert", "key") if key in merged}
    texts = {key: _text(key, merged[key]) for key in ("user", *SECRETS) if key in merged}
    if ask_password is not None and "user" in texts and not {"password", "token"} & texts.keys():
        texts["password"] = ask_password(texts["user"])
    return ClientSettings(
        address=_text("address", merged.get("address", DEFAULT_ADDRESS)),
        user=texts.get("user"),
        password=texts.get("password"),
        token=texts.get("token"),
        ca=paths.get("ca"),
        cert=paths.get("cert"),
        key=paths.get("key"),
        plaintext=_flag("plaintext", merged["plaintext"]) if "plaintext" in merged else None,
        timeout=_seconds("timeout", merged.get("timeout", DEFAULT_TIMEOUT)),
    )


def _one_login(layers: list[Layer]) -> list[Layer]:
    """Take a token's or a user's settings from lower layers away where a higher one has the other kind of login."""
    kind: str | None = None
    kept: list[Layer] = []
    for layer in layers:
        kept.append({key: value for key, value in layer.items() if kind is None or _LOGIN.get(key, kind) == kind})
        kind = kind or next((_LOGIN[key] for key in layer if key in _LOGIN), None)
    return kept


def _read_file(config: Path | None, environment: Mapping[str, str]) -> Layer:
    named = config or (Path(environment["STAGER_CONFIG"]) if environment.get("STAGER_CONFIG") else None)
    home = Path(environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME", "/nonexistent")) / ".config")
    path = named or home / "stager" / "config.toml"
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            document = tomllib.load(file)
    except FileNotFoundError:
        if named is None:
            return {}
        raise ConfigurationError(f"{path}: there is no such file") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from error
    unknown = sorted(document.keys() - set(KEYS))
    if unknown:
        raise ConfigurationError(f"{path}: unknown setting {', '.join(unknown)}; there are {', '.join(KEYS)}")
    if any(secret in document for secret in SECRETS) and stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigurationError(f"{path}: holds a password or token and is open to others; chmod 600 it")
    return document


def read_secret(path: Path) -> str:
    """Return the first line of a file, without its end; raises ConfigurationError if it can't be read."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline(65536).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: can't be read: {getattr(error, 'strerror', 'not UTF-8')}") from None


def _path(key: str, value: object) -> Path:
    if isinstance(value, Path):
        return value
    return Path(_text(key, value)).expanduser()


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"{key} should be text")
    return value


def _flag(key: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    meaning = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if not isinstance(value, str) or value.lower() not in meaning:
        raise ConfigurationError(f"{key} should be true or false")
    return meaning[value.lower()]


def _seconds(key: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # anything else is caught
    except (TypeError, ValueError):
        raise ConfigurationError(f"{key} should be a number of seconds") from None
