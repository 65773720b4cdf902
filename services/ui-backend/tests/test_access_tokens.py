"""Access tokens that end while somebody works."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, request
from flask.testing import FlaskClient
from stager_sandbox.oidc import Client, OidcProvider
from stager_sandbox.oidc.claims import SCOPES
from stager_sandbox.people import Person
from stager_ui.app import create_app
from stager_ui.identity import AccessTokens, SignedOutError
from stager_ui.oidc import ADDRESSES, Tokens
from stager_ui.services import KEY, services
from stager_ui.sessions import current_session
from stager_ui.settings import UiSettings
from ui_harness import PASSWORD, sign_in


def tell_tokens(app: Flask) -> Flask:
    """Give the application a view that tells the access token, and one that takes its time after that."""

    def token() -> str:
        return services().tokens.current()

    def slow() -> str:
        first = token()
        quick = app.test_client()
        quick.set_cookie("stager", request.cookies["stager"])
        end_token(quick)
        assert quick.get("/token").text != first
        return first

    app.add_url_rule("/token", "token", token)
    app.add_url_rule("/slow", "slow", slow)
    return app


def end_token(client: FlaskClient) -> None:
    """Let the access token end."""
    with client.session_transaction() as session:
        session["tokens"] = session["tokens"] | {"expires_at": 1}


@pytest.fixture
def app(app: Flask) -> Flask:
    """The application, with those views."""
    return tell_tokens(app)


@pytest.fixture
def alice(client: FlaskClient) -> FlaskClient:
    """Alice, whose first access token has ended."""
    sign_in(client, "alice")
    end_token(client)
    return client


def tokens_of(client: FlaskClient) -> Tokens:
    """What the session remembers."""
    with client.session_transaction() as session:
        return Tokens(**session["tokens"])


def test_an_ended_token_is_renewed(alice: FlaskClient) -> None:
    """The API gets a fresh one, which is kept; the refresh token, which was used up, is replaced."""
    before = tokens_of(alice)
    fresh = alice.get("/token").text
    after = tokens_of(alice)
    assert fresh == after.access != before.access
    assert after.refresh != before.refresh
    assert after.lasts()
    assert alice.get("/token").text == fresh


def test_renewed_once(app: Flask, alice: FlaskClient) -> None:
    """Requests of one page that meet an ended token at the same time don't use up each other's refresh token."""
    cookie = alice.get_cookie("stager")
    assert cookie
    answers: list[tuple[int, str]] = []

    def ask() -> None:
        browser = app.test_client()
        browser.set_cookie("stager", cookie.value)
        answer = browser.get("/token")
        answers.append((answer.status_code, answer.text))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert {status for status, _ in answers} == {200}
    assert len({text for _, text in answers}) == 1


def test_a_slow_request_keeps_no_old_token(alice: FlaskClient) -> None:
    """A request that ends after another one has renewed the token doesn't put its own, used up, one back."""
    first = alice.get("/slow")
    assert first.status_code == 200
    assert alice.get("/token").text != first.text
    end_token(alice)
    assert alice.get("/token").status_code == 200  # its refresh token is the newest


def test_tokens_of_seconds(document: dict[str, Any], tmp_path: Path) -> None:
    """A provider whose tokens end at once: the login keeps the refresh token that is good, and so does each renewal."""
    clients = [Client("stager-ui", "client-secret", SCOPES, ("authorization_code", "refresh_token"))]
    people = [Person("alice", PASSWORD, "alice")]
    with OidcProvider(people, clients, data=tmp_path / "oidc", token_seconds=20) as provider:
        document["oidc"]["issuer"] = provider.issuer
        browser = tell_tokens(create_app(UiSettings.model_validate(document))).test_client()
        sign_in(browser, "alice")
        answers = [browser.get("/token") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.text for answer in answers}) == 3


def test_the_provider_has_ended_the_login(alice: FlaskClient) -> None:
    """Then the person has to sign in again, and nothing is told as a failure of the stager's."""
    with alice.session_transaction() as session:
        session["tokens"] = session["tokens"] | {"refresh": "used up"}
    answer = alice.get("/token", headers={"Stager-Script": "1"})
    assert (answer.status_code, answer.get_json()["error"]) == (401, "signed_out")


def test_the_provider_is_gone(document: dict[str, Any], provider: OidcProvider, client: FlaskClient) -> None:
    """A login that can't begin says why; the page can be tried again."""
    document["oidc"]["issuer"] = "http://127.0.0.1:9"
    lonely = create_app(UiSettings.model_validate(document)).test_client()
    answer = lonely.get("/login/start")
    assert answer.status_code == 503
    assert "sign-in service" in answer.text
    assert provider.issuer not in answer.text
    assert client.get("/login").status_code == 200


def test_another_issuer_is_not_believed(document: dict[str, Any], provider: OidcProvider) -> None:
    """Discovery that names another issuer than the configured one starts no login."""
    document["oidc"]["issuer"] = provider.issuer.replace("127.0.0.1", "localhost")
    stranger = create_app(UiSettings.model_validate(document)).test_client()
    assert stranger.get("/login/start").status_code == 503


@pytest.mark.parametrize("name", sorted(ADDRESSES))
@pytest.mark.parametrize("address", ["http://login.example.org/x", "ftp://127.0.0.1/x", "https://[", "/x", None])
def test_secrets_go_nowhere_in_clear(
    document: dict[str, Any], provider: OidcProvider, monkeypatch: pytest.MonkeyPatch, name: str, address: str | None
) -> None:
    """Discovery that leads away from https, as behind a proxy that ends it, starts no login."""
    app = create_app(UiSettings.model_validate(document))
    assert app.test_client().get("/login/start").status_code == 302
    asked = requests.get(f"{provider.issuer}/.well-known/openid-configuration", timeout=10).json()
    client = app.extensions[KEY].provider._client
    monkeypatch.setattr(client, "load_server_metadata", lambda: asked | {name: address})
    assert app.test_client().get("/login/start").status_code == 503


def test_nobody(app: Flask) -> None:
    """Without a login there is no token."""
    with app.test_request_context("/"):
        assert not current_session()
        found: AccessTokens = app.extensions[KEY].tokens
        with pytest.raises(SignedOutError):
            found.current()
