"""A stager in memory behind a real gRPC server, and clients for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from memory_stager import PASSWORD, QUICK, USER, MemoryStager, serve
from stager_client import ClientSettings, StagerClient
from stager_credentials import Keyring
from stager_credentials.key_directory import add_key


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    """Private keys `one` and `two`."""
    directory = tmp_path_factory.mktemp("keys")
    add_key(directory, "one")
    add_key(directory, "two")
    return Keyring.load(directory)


@pytest.fixture
def stager(keyring: Keyring) -> MemoryStager:
    """A stager without jobs."""
    return MemoryStager(keyring, "one")


@pytest.fixture
def address(stager: MemoryStager) -> Iterator[str]:
    """Where that stager listens, without TLS."""
    server, port = serve(stager)
    yield f"127.0.0.1:{port}"
    stager.closing = True
    server.stop(0).wait(10)


@pytest.fixture
def settings(address: str) -> ClientSettings:
    """Settings that reach that stager."""
    return ClientSettings(address, user=USER, password=PASSWORD, timeout=10)


@pytest.fixture
def client(settings: ClientSettings) -> Iterator[StagerClient]:
    """A client that doesn't wait long between tries."""
    with StagerClient(settings, QUICK) as client:
        yield client


@pytest.fixture
def task() -> dict[str, Any]:
    """A task in its JSON form, with a clear password."""
    return {
        "title": "DICOM series",
        "drUser": "jan@ru.nl",
        "drPass": "S3cret-päss",
        "srcURL": "/project/3010000.01/raw",
        "dstURL": "irods:/nl.ru.donders/di/dccn/DAC_3010000.01_173/raw",
        "stagerUser": "jan",
        "stagerEmail": "jan@ru.nl",
        "timeout": 86400,
        "timeout_noprogress": 0,
    }
