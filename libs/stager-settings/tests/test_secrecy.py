"""Files with secrets that are open to others."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import Field, SecretStr
from stager_settings import Settings, SettingsError, load_settings


class Account(Settings):
    """A group in a list."""

    password: SecretStr


class Example(Settings):
    """What a service might ask for."""

    accounts: tuple[Account, ...] = ()
    users: dict[str, SecretStr] = Field(default={})
    redis_url: SecretStr = SecretStr("redis://127.0.0.1/0")


@pytest.fixture
def file() -> Iterator[Path]:
    """A file in a folder that everybody may enter, as those of pytest are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "service.yml"


def load(file: Path, text: str, mode: int) -> Example:
    """The settings in a file of that mode."""
    file.write_text(text)
    file.chmod(mode)
    return load_settings(Example, file, env_prefix="X_", environment={})


SECRETS = [
    "accounts: [{password: S3cret}]",
    "users: {jan: S3cret}",
    "redis_url: redis://stager:S3cret@redis.example.org/0",
]


@pytest.mark.parametrize("text", SECRETS)
@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602])
def test_open_files_with_secrets_are_refused(file: Path, text: str, mode: int) -> None:
    """Fault 5 of the first stagers: every user's transfer could read the passwords of the service accounts."""
    with pytest.raises(SettingsError, match=f"{file}: holds passwords and is open") as caught:
        load(file, text, mode)
    assert "S3cret" not in str(caught.value)


@pytest.mark.parametrize("text", SECRETS)
def test_closed_files_are_taken(file: Path, text: str) -> None:
    """By their own mode, or since nobody else gets to them."""
    assert load(file, text, 0o600)
    file.parent.chmod(0o700)
    assert load(file, text, 0o644)


@pytest.mark.parametrize(
    "text", ["users: {jan: '$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA'}", "redis_url: redis://redis.example.org/0"]
)
def test_what_is_no_secret_may_be_read(file: Path, text: str) -> None:
    """Hashes, and addresses without a password."""
    assert load(file, text, 0o644)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file to another user, which takes root")
def test_roots_secrets_belong_to_root(file: Path) -> None:
    """Who owns the file could change it."""
    file.touch()
    os.chown(file, 4242, 0)
    with pytest.raises(SettingsError, match="chown it to root"):
        load(file, SECRETS[0], 0o600)
