"""The application before a real Redis and a real OpenID provider; the API and the repository are out of reach."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from stager_sandbox.oidc import Client, OidcProvider
from stager_sandbox.oidc.claims import SCOPES
from stager_sandbox.people import Person
from stager_sandbox.redis_server import RedisServer
from stager_ui.app import create_app
from stager_ui.settings import UiSettings

sys.path.insert(0, str(Path(__file__).parent))

from ui_harness import NOWHERE, PASSWORD, sign_in

SECRET = "s" * 40


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Redis]:
    """A connection to an empty Redis."""
    connection = Redis.from_url(redis_server.url)
    connection.flushall()
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    """A provider with alice, who is a local user, and carol, who is none."""
    people = [Person("alice", PASSWORD, "alice"), Person("carol", PASSWORD, "")]
    clients = [Client("stager-ui", "client-secret", SCOPES, ("authorization_code", "refresh_token"))]
    with OidcProvider(people, clients, data=tmp_path_factory.mktemp("oidc"), token_seconds=3600) as running:
        yield running


@pytest.fixture
def document(redis_server: RedisServer, provider: OidcProvider) -> dict[str, Any]:
    """Settings as they stand in ui.yml."""
    return {
        "public_url": "http://localhost",
        "redis": {"url": redis_server.url},
        "session": {"secret": SECRET},
        "oidc": {"issuer": provider.issuer, "client_id": "stager-ui", "client_secret": "client-secret"},
        "api": {"target": NOWHERE, "plaintext": True},
        "repository": {"webdav_url": f"http://{NOWHERE}/"},
    }


@pytest.fixture
def app(redis: Redis, document: dict[str, Any]) -> Flask:
    """The application, with an empty Redis."""
    assert redis.ping()
    return create_app(UiSettings.model_validate(document))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without cookies."""
    return app.test_client()


@pytest.fixture
def signed_in(client: FlaskClient) -> FlaskClient:
    """A browser in which alice is signed in."""
    assert sign_in(client, "alice").status_code == 303
    return client
