"""The sandbox's identity provider, as a client and a browser see it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet
from stager_sandbox.oidc import Client, OidcProvider
from stager_sandbox.oidc.claims import API_SCOPE, SCOPES, UID_CLAIM, UID_SCOPE
from stager_sandbox.people import Person

CALLBACK = "http://127.0.0.1:5000/callback"
VERIFIER = "v" * 64
PEOPLE = [Person("alice", "alicepw", "jan"), Person("carol", "carolpw", "")]
CLIENTS = [
    Client("ui", "ui-secret", SCOPES, ("authorization_code", "refresh_token")),
    Client("spa", "", SCOPES, ("authorization_code",)),
    Client("streamer", "streamer-secret", (API_SCOPE,), ("client_credentials",)),
]


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[OidcProvider]:
    """A provider that runs."""
    with OidcProvider(PEOPLE, CLIENTS, data=tmp_path) as running:
        yield running


class Browser:
    """Somebody at a browser, and the application that they log in to."""

    def __init__(self, provider: OidcProvider, scope: str = " ".join(SCOPES)) -> None:
        self.http = httpx.Client(base_url=provider.issuer)
        self.app = OAuth2Client(
            "ui",
            "ui-secret",
            scope=scope,
            redirect_uri=CALLBACK,
            code_challenge_method="S256",
        )
        self.issuer = provider.issuer

    def begin(self, **extra: str) -> httpx.Response:
        """Go to the login page."""
        self.nonce = secrets.token_urlsafe()
        self.url, self.state = self.app.create_authorization_url(
            f"{self.issuer}/authorize", code_verifier=VERIFIER, nonce=self.nonce, **extra
        )
        return self.http.get(self.url)

    def log_in(self, name: str, password: str) -> httpx.Response:
        """Fill in the page and send it."""
        page = self.begin()
        form = re.search(r'name="form" value="([^"]+)"', page.text)
        assert form, page.text
        return self.http.post(self.url, data={"form": form[1], "name": name, "password": password})

    def tokens(self, answer: httpx.Response, verifier: str = VERIFIER) -> dict[str, Any]:
        """What the application gets for the code in the answer."""
        return dict(
            self.app.fetch_token(
                f"{self.issuer}/token",
                authorization_response=answer.headers["location"],
                state=self.state,
                code_verifier=verifier,
            )
        )


def claims(provider: OidcProvider, token: str) -> dict[str, Any]:
    """What a token says, checked with the published keys."""
    keys = KeySet.import_key_set(httpx.get(f"{provider.issuer}/jwks").json())
    decoded = jwt.decode(token, keys, algorithms=["RS256"])
    assert decoded.header["kid"]
    return dict(decoded.claims)


def test_a_person_logs_in_and_is_known_by_uid(provider: OidcProvider) -> None:
    """The code flow ends in an access token for the API, an ID token with the nonce, and the uid at userinfo."""
    browser = Browser(provider)
    answer = browser.log_in("alice", "alicepw")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(CALLBACK)
    assert parse_qs(urlsplit(answer.headers["location"]).query)["state"] == [browser.state]
    tokens = browser.tokens(answer)
    access = claims(provider, tokens["access_token"])
    assert (access["iss"], access["aud"], access["sub"]) == (provider.issuer, "data-stager-api", "alice")
    assert {API_SCOPE, UID_SCOPE} <= set(access["scope"].split())
    identity = claims(provider, tokens["id_token"])
    assert (identity["nonce"], identity["aud"], identity["iss"]) == (browser.nonce, "ui", provider.issuer)
    info = httpx.get(f"{provider.issuer}/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"})
    assert (info.json()["sub"], info.json()[UID_CLAIM]) == ("alice", "jan")


def test_somebody_without_a_uid_has_none(provider: OidcProvider) -> None:
    """Carol logs in, and userinfo says nothing of a local user."""
    browser = Browser(provider)
    tokens = browser.tokens(browser.log_in("carol", "carolpw"))
    info = httpx.get(f"{provider.issuer}/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"})
    assert info.json()["sub"] == "carol"
    assert UID_CLAIM not in info.json()


@pytest.mark.parametrize(("name", "password"), [("alice", "wrong"), ("mallory", ""), ("", ""), ("alice", "")])
def test_a_wrong_password_stays_at_the_page(provider: OidcProvider, name: str, password: str) -> None:
    """Nobody gets a code without the right password, and the page doesn't tell which half was wrong."""
    answer = Browser(provider).log_in(name, password)
    assert answer.status_code == 401
    assert "The user name or the password is wrong." in answer.text


def test_a_form_of_another_page_is_refused(provider: OidcProvider) -> None:
    """The right password in a form that the provider didn't make logs nobody in."""
    browser = Browser(provider)
    browser.begin()
    answer = browser.http.post(browser.url, data={"form": "-", "name": "alice", "password": "alicepw"})
    assert answer.status_code == 401


def test_a_refresh_token_is_good_once(provider: OidcProvider) -> None:
    """Refreshing gives new tokens and spends the old one; logging out ends it all."""
    browser = Browser(provider)
    tokens = browser.tokens(browser.log_in("alice", "alicepw"))
    ask = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    fresh = httpx.post(f"{provider.issuer}/token", data=ask, auth=("ui", "ui-secret"))
    assert claims(provider, fresh.json()["access_token"])["sub"] == "alice"
    assert httpx.post(f"{provider.issuer}/token", data=ask, auth=("ui", "ui-secret")).status_code == 400
    out = browser.http.get(
        "/logout",
        params={"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": CALLBACK, "state": "out"},
    )
    assert out.headers["location"] == f"{CALLBACK}?state=out"
    last = {"grant_type": "refresh_token", "refresh_token": fresh.json()["refresh_token"]}
    assert httpx.post(f"{provider.issuer}/token", data=last, auth=("ui", "ui-secret")).status_code == 400
    assert "Log in to ui" in browser.begin().text


def test_once_logged_in_no_page_is_shown(provider: OidcProvider) -> None:
    """The second login needs no password, unless the application asks for one."""
    browser = Browser(provider)
    browser.log_in("alice", "alicepw")
    assert browser.begin().status_code == 302
    assert "Log in to ui" in browser.begin(prompt="login").text
    assert "login_required" in Browser(provider).begin(prompt="none").headers["location"]


@pytest.mark.parametrize(
    ("drop", "change"),
    [
        ("code_challenge", {}),
        ("nonce", {}),
        ("", {"code_challenge_method": "plain"}),
        ("", {"redirect_uri": "https://evil.example/callback"}),
        ("", {"redirect_uri": "https://127.0.0.1@evil.example/"}),
        ("", {"client_id": "unknown"}),
        ("", {"response_type": "token"}),
    ],
)
def test_a_careless_request_gets_no_page(provider: OidcProvider, drop: str, change: dict[str, str]) -> None:
    """PKCE with SHA-256, a nonce, a known client and a redirect to loopback are demanded."""
    browser = Browser(provider)
    browser.begin()
    query = {key: values[0] for key, values in parse_qs(urlsplit(browser.url).query).items() if key != drop} | change
    answer = httpx.get(f"{provider.issuer}/authorize", params=query)
    assert "Log in" not in answer.text
    assert "evil" not in answer.headers.get("location", "")


def test_a_code_without_its_verifier_is_worthless(provider: OidcProvider) -> None:
    """A stolen code gets no token, and is spent."""
    browser = Browser(provider)
    answer = browser.log_in("alice", "alicepw")
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    ask = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": "w" * 64}
    first = httpx.post(f"{provider.issuer}/token", data=ask, auth=("ui", "ui-secret"))
    again = httpx.post(f"{provider.issuer}/token", data=ask | {"code_verifier": VERIFIER}, auth=("ui", "ui-secret"))
    assert (first.status_code, again.status_code) == (400, 400)


def test_a_service_gets_a_token_of_its_own(provider: OidcProvider) -> None:
    """Client credentials give a token for the client, with its scopes only, and none without the secret."""
    ask = {"grant_type": "client_credentials", "scope": f"{API_SCOPE} {UID_SCOPE}"}
    answer = httpx.post(f"{provider.issuer}/token", data=ask, auth=("streamer", "streamer-secret"))
    access = claims(provider, answer.json()["access_token"])
    assert (access["client_id"], access["sub"], access["scope"]) == ("streamer", "streamer", API_SCOPE)
    assert httpx.post(f"{provider.issuer}/token", data=ask, auth=("streamer", "wrong")).status_code == 401
    info = httpx.get(
        f"{provider.issuer}/userinfo", headers={"authorization": f"Bearer {answer.json()['access_token']}"}
    )
    assert info.status_code == 401


def test_old_tokens_outlive_a_rotation(provider: OidcProvider) -> None:
    """After a rotation new tokens have a new key, and the old key is still published."""
    ask = {"grant_type": "client_credentials"}
    old = httpx.post(f"{provider.issuer}/token", data=ask, auth=("streamer", "streamer-secret")).json()["access_token"]
    provider.keys.rotate()
    new = httpx.post(f"{provider.issuer}/token", data=ask, auth=("streamer", "streamer-secret")).json()["access_token"]
    assert claims(provider, old)["sub"] == claims(provider, new)["sub"] == "streamer"


def test_tokens_stay_good_over_a_restart(tmp_path: Path) -> None:
    """The signing key is kept, for its owner's eyes only."""
    with OidcProvider(PEOPLE, CLIENTS, data=tmp_path) as provider:
        first = httpx.get(f"{provider.issuer}/jwks").json()
    with OidcProvider(PEOPLE, CLIENTS, data=tmp_path) as provider:
        assert httpx.get(f"{provider.issuer}/jwks").json() == first
    assert (tmp_path / "signing-key.pem").stat().st_mode & 0o077 == 0


def test_an_id_token_opens_no_userinfo(provider: OidcProvider) -> None:
    """Userinfo takes access tokens only."""
    browser = Browser(provider)
    tokens = browser.tokens(browser.log_in("alice", "alicepw"))
    for token in (tokens["id_token"], tokens["access_token"][:-4] + "AAAA", "x"):
        answer = httpx.get(f"{provider.issuer}/userinfo", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401
