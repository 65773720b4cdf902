"""A keyring on disk; the keys are made once, since making one takes a while."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from stager_credentials import Keyring, SealingKey
from stager_credentials.key_directory import add_key


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the keys `one` (current) and `two`; not to be changed."""
    directory = tmp_path_factory.mktemp("keys")
    add_key(directory, "one")
    add_key(directory, "two")
    return directory


@pytest.fixture
def keys(made_keys: Path, tmp_path: Path) -> Path:
    """A copy of that directory that a test may change."""
    return Path(shutil.copytree(made_keys, tmp_path / "keys"))


@pytest.fixture(scope="session")
def keyring(made_keys: Path) -> Keyring:
    """Both private keys."""
    return Keyring.load(made_keys)


@pytest.fixture(scope="session")
def key(made_keys: Path) -> SealingKey:
    """The public side of `one`."""
    return SealingKey.from_pem("one", (made_keys / "one.pub.pem").read_text())
