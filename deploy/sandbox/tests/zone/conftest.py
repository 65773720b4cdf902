"""A zone to talk to, and python-irodsclient to talk with."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from irods.session import iRODSSession
from stager_sandbox.zone import Zone

PASSWORDS = {"alice": "alicepw", "bob": "bobpw"}
PROJECT = "/nl.ru.donders/di/dccn/DAC_3010000.01_173"

Connect = Callable[..., iRODSSession]


@pytest.fixture
def zone(tmp_path: Path) -> Iterator[Zone]:
    """A zone with alice and bob, and a project collection of alice's."""
    with Zone(PASSWORDS, data=tmp_path / "zone", admin=("rods", "rodspw"), collections={PROJECT: "alice"}) as running:
        yield running


@pytest.fixture
def connect(zone: Zone) -> Iterator[Connect]:
    """Opens sessions as a user, and closes them at the end of the test."""
    with ExitStack() as sessions:

        def open_session(user: str = "alice", password: str | None = None, **options: object) -> iRODSSession:
            session = iRODSSession(
                host="localhost",
                port=zone.port,
                user=user,
                password=PASSWORDS.get(user, "") if password is None else password,
                zone=zone.zone_name,
                **options,
            )
            session.connection_timeout = 20
            return sessions.enter_context(session)

        yield open_session


@pytest.fixture
def alice(connect: Connect) -> iRODSSession:
    """Alice, who owns the project."""
    return connect("alice")


@pytest.fixture
def bob(connect: Connect) -> iRODSSession:
    """Bob, who has no access to the project."""
    return connect("bob")


@pytest.fixture
def project() -> str:
    """The path of alice's project collection."""
    return PROJECT


@pytest.fixture
def tls_options(zone: Zone) -> dict[str, object]:
    """What a session needs to speak TLS and verify the zone."""
    return {
        "ssl_context": ssl.create_default_context(cafile=str(zone.ca_file)),
        "client_server_negotiation": "request_server_negotiation",
        "client_server_policy": "CS_NEG_REQUIRE",
        "encryption_algorithm": "AES-256-CBC",
        "encryption_key_size": 32,
        "encryption_num_hash_rounds": 16,
        "encryption_salt_size": 8,
    }
