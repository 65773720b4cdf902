"""Signing in and out, through a real provider."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from stager_sandbox.oidc import OidcProvider
from stager_ui.app import create_app
from stager_ui.services import KEY
from stager_ui.settings import UiSettings
from stager_ui.views.login import local_address
from ui_harness import back_from_provider, csrf, sign_in


def cookie_of(answer: Any) -> str:  # noqa: ANN401 - Flask's test response
    """The Set-Cookie header of our session."""
    return next(str(value) for name, value in answer.headers if name == "Set-Cookie" and "stager" in value)


def test_signing_in(client: FlaskClient) -> None:
    """Alice comes back signed in, on the page that she wanted."""
    answer = sign_in(client, "alice", "/login/start?next=/jobs/abc")
    assert (answer.status_code, answer.location) == (303, "/jobs/abc")
    assert "Alice" in client.get("/").text


@pytest.mark.parametrize("wanted", ["//evil.example.org/", "https://evil.example.org/", "/\\\\evil.example.org"])
def test_a_login_leads_nowhere_else(client: FlaskClient, wanted: str) -> None:
    """Neither the way through the provider nor the door for somebody who is signed in already."""
    answer = sign_in(client, "alice", "/login/start?" + urlencode({"next": wanted}))
    assert (answer.status_code, answer.location) == (303, "/")
    answer = client.get("/login", query_string={"next": wanted})
    assert (answer.status_code, answer.location) == (302, "/")


def test_the_way_to_the_provider(client: FlaskClient) -> None:
    """State, nonce and an S256 challenge go along; the way back is the configured address, whatever Host says."""
    leave = client.get("/login/start", headers={"Host": "evil.example.org"})
    asked = parse_qs(urlsplit(leave.location).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["state"][0]
    assert asked["nonce"][0]
    assert asked["redirect_uri"] == ["http://localhost/login/callback"]


def test_a_session_gets_a_new_id_at_login(client: FlaskClient, redis: Redis) -> None:
    """An id that somebody knew, or planted, before the login is worth nothing after it."""
    back = back_from_provider(client, "alice")
    before = client.get_cookie("stager")
    assert before
    client.get(back)
    after = client.get_cookie("stager")
    assert after
    assert after.value != before.value
    client.set_cookie("stager", before.value)
    assert client.get("/").status_code == 303
    assert len([key for key in redis.scan_iter() if b"session:" in key]) == 1


def test_a_made_up_id_is_not_taken_over(client: FlaskClient) -> None:
    """The server chooses ids: one that a browser brings and that isn't known is replaced."""
    client.set_cookie("stager", "A" * 43)
    answer = client.get("/login/start")
    assert "A" * 43 not in cookie_of(answer)


@pytest.mark.parametrize("change", ["state=x", "state=", "code=x"])
def test_coming_back_with_something_else(client: FlaskClient, change: str) -> None:
    """An answer that this browser didn't ask for signs nobody in."""
    back = back_from_provider(client, "alice")
    name = change.split("=", maxsplit=1)[0]
    parts = urlsplit(back)
    query = "&".join(change if item.startswith(f"{name}=") else item for item in parts.query.split("&"))
    answer = client.get(f"{parts.path}?{query}")
    assert answer.status_code == 400
    assert client.get("/").status_code == 303


def test_an_answer_is_for_one_browser(client: FlaskClient, app: Flask) -> None:
    """Alice's way back doesn't sign her in in another browser."""
    back = back_from_provider(client, "alice")
    other = app.test_client()
    other.get("/login/start")
    assert other.get(back).status_code == 400
    assert other.get("/").status_code == 303


@pytest.mark.parametrize("subject", ["somebody else", None])
def test_userinfo_about_somebody_else(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch, subject: str | None
) -> None:
    """What it says counts for the person of the ID token alone."""
    told = {"sub": subject, "urn:dccn:uid": "alice", "name": "Alice"}
    monkeypatch.setattr(app.extensions[KEY].provider._client, "userinfo", lambda **_: told)
    assert sign_in(client, "alice").status_code == 400
    assert client.get("/").status_code == 303


def test_signatures_that_anybody_could_make(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """None at all, or one with the secret that this application holds, whatever the provider offers."""
    provider = app.extensions[KEY].provider
    offered = {"id_token_signing_alg_values_supported": ["none", "HS256", "RS256", "HS512", "ES256"]}
    told = provider._metadata() | offered
    monkeypatch.setattr(provider._client, "load_server_metadata", lambda: told)
    assert provider._metadata()["id_token_signing_alg_values_supported"] == ["RS256", "ES256"]


def test_the_provider_says_no(client: FlaskClient) -> None:
    """A refusal there is told here; its description isn't put into the page."""
    client.get("/login/start")
    answer = client.get("/login/callback?error=access_denied&error_description=<b>bad</b>")
    assert answer.status_code == 400
    assert "bad</b>" not in answer.text


def test_no_local_user(client: FlaskClient) -> None:
    """Somebody without urn:dccn:uid is told so kindly and stays outside."""
    answer = sign_in(client, "carol")
    assert answer.status_code == 403
    assert "Hello Carol" in answer.text
    assert client.get("/").status_code == 303


def test_signing_out(signed_in: FlaskClient, redis: Redis, provider: OidcProvider) -> None:
    """The session is gone, here and, by the way that is answered, at the provider; the cookie too."""
    token = csrf(signed_in)["X-CSRFToken"]
    answer = signed_in.post("/logout", data={"csrf_token": token})
    assert answer.location.startswith(f"{provider.issuer}/logout?")
    assert "id_token_hint" in answer.location
    assert not [key for key in redis.scan_iter() if b"session:" in key]
    assert signed_in.get("/").status_code == 303


def test_signing_out_is_a_change(signed_in: FlaskClient) -> None:
    """Neither a link nor a form of another site signs anybody out."""
    assert signed_in.get("/logout").status_code == 405
    assert signed_in.post("/logout").status_code == 400
    assert signed_in.get("/").status_code == 200


def test_signing_out_after_the_session_has_ended(signed_in: FlaskClient, redis: Redis) -> None:
    """A page that was left open knows only its old token; it leads to the login, and changes nothing."""
    token = csrf(signed_in)["X-CSRFToken"]
    for key in redis.scan_iter("*session:*"):
        redis.delete(key)
    answer = signed_in.post("/logout", data={"csrf_token": token})
    assert (answer.status_code, answer.location) == (303, "/login")
    assert "Set-Cookie" not in answer.headers
    assert not list(redis.scan_iter("*session:*"))


def test_cookie(client: FlaskClient, document: dict[str, Any]) -> None:
    """It is for the server only, for our own pages only, and over https for nothing else."""
    plain = cookie_of(client.get("/login/start"))
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    secure = create_app(
        UiSettings.model_validate(document | {"public_url": "https://stager.example.org"})
    ).test_client()
    cookie = cookie_of(secure.get("/login/start"))
    assert cookie.startswith("__Host-stager=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_a_session_ends(signed_in: FlaskClient, redis: Redis) -> None:
    """What a page asks by itself doesn't prolong it; what the person does, does."""
    (key,) = [key for key in redis.scan_iter() if b"session:" in key]
    redis.expire(key, 50)
    signed_in.get("/health", headers={"Stager-Background": "1"})
    assert redis.ttl(key) <= 50
    signed_in.get("/")
    assert redis.ttl(key) > 14_000
    redis.delete(key)
    assert signed_in.get("/jobs", headers={"Stager-Script": "1"}).get_json()["error"] == "signed_out"
    assert signed_in.get("/jobs?state=failed").location == "/login?next=/jobs?state%3Dfailed"


def test_logins_are_throttled(client: FlaskClient) -> None:
    """Nobody begins logins without end."""
    answers = [client.get("/login/start").status_code for _ in range(61)]
    assert answers[0] == 302
    assert answers[-1] == 429


@pytest.mark.parametrize(("hops", "last"), [(0, 429), (1, 302)])
def test_whoever_says_that_they_are_others(document: dict[str, Any], redis: Redis, hops: int, last: int) -> None:
    """Only the header of a proxy that is configured tells addresses apart; anybody can write one."""
    assert redis.ping()
    client = create_app(UiSettings.model_validate(document | {"proxy": {"hops": hops}})).test_client()
    answers = [client.get("/login/start", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(61)]
    assert (answers[0], answers[-1]) == (302, last)


@given(st.text() | st.from_regex(r"[/\\]{1,3}[a-z.:@/\\]{0,20}", fullmatch=True))
def test_nobody_is_sent_elsewhere(text: str) -> None:
    """Whatever a link says, after the login people land on this site."""
    address = local_address(text)
    assert address.startswith("/")
    assert not address.startswith(("//", "/\\"))
    parts = urlsplit(address)
    assert not parts.scheme
    assert not parts.netloc


@pytest.mark.parametrize(
    "bad", ["https://evil", "//evil", "/\\evil", "\\\\evil", "/a\n/evil", "javascript:x", "", None]
)
def test_addresses_that_are_not_followed(bad: str | None) -> None:
    """The usual tricks."""
    assert local_address(bad) == "/"
