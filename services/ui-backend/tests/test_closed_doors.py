"""What holds for every page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from stager_sandbox.redis_server import RedisServer
from stager_ui.app import create_app
from stager_ui.identity import is_public
from stager_ui.settings import UiSettings
from ui_harness import NOWHERE, csrf, sign_in

OPEN = {
    "assets.asset",
    "health.health",
    "login.page",
    "login.start",
    "login.callback",
    "login.logout",
    "look.choose",
}


def test_only_these_are_open(app: Flask) -> None:
    """A view that isn't named here needs a login, so a new one can't be open by oversight."""
    with app.app_context():
        assert {rule.endpoint for rule in app.url_map.iter_rules() if is_public(rule.endpoint)} == OPEN


def test_nothing_for_strangers(app: Flask, client: FlaskClient) -> None:
    """Every other view sends people to the login, and scripts a 401."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPEN:
            continue
        path = adapter.build(rule.endpoint, {name: "stop" if name == "action" else "x" for name in rule.arguments})
        method = "POST" if "POST" in (rule.methods or set()) else "GET"
        assert client.open(path, method=method).status_code in {303, 400}, path
        answer = client.open(path, method=method, headers={"Stager-Script": "1"})
        assert answer.get_json()["error"] in {"signed_out", "csrf"}, path


def test_every_change_needs_its_token(app: Flask, signed_in: FlaskClient) -> None:
    """No form of another site changes anything."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or set()) and rule.endpoint != "look.choose":
            path = adapter.build(rule.endpoint, dict.fromkeys(rule.arguments, "stop"), method="POST")
            assert signed_in.post(path, data={"id": "x", "user": "x"}).status_code == 400, path


def test_looks_are_chosen_before_the_login(client: FlaskClient) -> None:
    """Language and colours, from the door on; the way back leads to this site, and what is none isn't taken."""
    answer = client.post("/look", data={"language": "nl", "next": "/login"})
    assert (answer.status_code, answer.location) == (303, "/login")
    client.post("/look", data={"theme": "dark"})
    client.post("/look", data={"theme": '"><script>', "language": "../../x"})
    page = client.get("/login").text
    assert '<html lang="nl" data-theme="dark">' in page
    assert client.post("/look", data={"next": "//example.org/"}).location == "/"


@pytest.mark.parametrize("path", ["/login", "/", "/no-such-page", "/health", "/jobs/x"])
def test_headers(signed_in: FlaskClient, path: str) -> None:
    """No script or style but our own files, no frame around us, no cached copies, no guessed types."""
    headers = signed_in.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_browsers_come_back_by_https(document: dict[str, Any], client: FlaskClient) -> None:
    """Where they come by it at all; a loopback address has none."""
    secure = create_app(UiSettings.model_validate(document | {"public_url": "https://stager.example.org"}))
    assert "max-age=31536000" in secure.test_client().get("/login").headers["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in client.get("/login").headers


def test_pages_keep_to_their_policy() -> None:
    """No template has a script, a style or a handler of its own; none names another host."""
    templates = Path(__file__).parents[1] / "src/stager_ui/templates"
    for path in templates.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|https?://", text), path
        for script in re.findall(r"<script[^>]*>", text):
            assert 'src="{{ asset(' in script or 'type="application/json"' in script, path


def test_nothing_is_marked_safe() -> None:
    """All that comes from outside is escaped: no template or module goes round it, no script writes HTML of its own."""
    package = Path(__file__).parents[1] / "src/stager_ui"
    for path in package.rglob("*.html"):
        assert not re.search(r"\|\s*safe\b|autoescape false", path.read_text()), path
    for path in package.rglob("*.py"):
        assert "Markup(" not in path.read_text(), path
    ways = (
        r"(inner|outer)HTML|insertAdjacentHTML|setHTML|document\.write|createContextualFragment|DOMParser|srcdoc"
        r"|\beval\(|new Function"
    )
    writers = [path.name for path in package.rglob("*.js") if re.search(ways, path.read_text())]
    assert writers == ["parts.js"]


def test_hostile_names_in_addresses(signed_in: FlaskClient) -> None:
    """A folder's name in the address comes back as text."""
    page = signed_in.get("/?storage=/%22%3E%3Cscript%3Ealert(1)%3C/script%3E&repository=/x").text
    assert "<script>alert" not in page


def test_no_api(signed_in: FlaskClient) -> None:
    """Where the API is out of reach, the page stands and the pane says so."""
    assert signed_in.get("/").status_code == 200
    answer = signed_in.get("/storage/list?path=/project", headers={"Stager-Script": "1"})
    assert (answer.status_code, answer.get_json()["error"]) == (503, "api_unavailable")
    assert NOWHERE not in answer.text


@pytest.mark.parametrize("path", ["", "project", "/a/../b", "/a\0b", "/" + "x" * 5000, "/\ud800"])
def test_bad_paths(signed_in: FlaskClient, path: str) -> None:
    """What is no path is refused before anybody is asked."""
    query = {"path": path.encode("utf-8", "surrogatepass")}
    answer = signed_in.get("/storage/list", query_string=query, headers={"Stager-Script": "1"})
    assert (answer.status_code, answer.get_json()["error"]) in {(400, "bad_path"), (503, "api_unavailable")}
    if path != "/\ud800":  # Flask reads it as U+FFFD, which is a name as good as any
        assert answer.status_code == 400


def test_repository_out_of_reach(signed_in: FlaskClient) -> None:
    """That is no wrong password, and it isn't counted as one."""
    headers = csrf(signed_in)
    for _ in range(12):
        answer = signed_in.post("/repository/login", data={"user": "a", "password": "b"}, headers=headers)
        assert (answer.status_code, answer.get_json()["error"]) == (502, "repository_unreachable")


def test_no_redis(document: dict[str, Any], tmp_path: Path) -> None:
    """While its store is down the service says so, to people and scripts; afterwards everybody is still signed in."""
    with RedisServer(tmp_path / "redis") as server:
        client = create_app(UiSettings.model_validate(document | {"redis": {"url": server.url}})).test_client()
        assert sign_in(client, "alice").status_code == 303
        headers = csrf(client)
        server.stop()
        for answer in (
            client.get("/"),
            client.get("/login/start"),
            client.get("/health"),
            client.get("/", headers={"Accept-Language": "nl"}),
            client.post("/logout", headers=headers),
            client.get("/storage/list?path=/", headers=headers),
            client.get("/nowhere"),
        ):
            assert answer.status_code == 503, answer.text
            assert "session store" in answer.text or "sessieopslag" in answer.text
            assert "Location" not in answer.headers
            assert "Set-Cookie" not in answer.headers
            assert "Content-Security-Policy" in answer.headers
        assert client.get("/storage/list?path=/", headers=headers).get_json()["error"] == "sessions_unavailable"
        server.start()
        assert client.get("/").status_code == 200


def test_no_redis_for_a_stranger(document: dict[str, Any], tmp_path: Path) -> None:
    """A login that can't be remembered isn't begun."""
    with RedisServer(tmp_path / "redis") as server:
        client = create_app(UiSettings.model_validate(document | {"redis": {"url": server.url}})).test_client()
        server.stop()
        answer = client.get("/login/start")
    assert (answer.status_code, answer.headers.get("Location")) == (503, None)
    assert "session store" in answer.text


def test_health(client: FlaskClient, redis: Redis) -> None:
    """A proxy that asks makes no sessions."""
    assert client.get("/health").get_json() == {"status": "ok"}
    assert not [key for key in redis.scan_iter() if b"session:" in key]


def test_keys_of_its_own(redis_server: RedisServer, redis: Redis, document: dict[str, Any]) -> None:
    """A Redis user that may touch keys with the service's prefix only is enough for sessions, throttles and locks."""
    rights = ["+@all", "-@dangerous", "+client|setname"]
    redis.acl_setuser("ui", enabled=True, passwords=["+pw"], keys=["stager-ui:*"], commands=rights)
    address = f"redis://ui:pw@127.0.0.1:{redis_server.port}/0"
    client = create_app(UiSettings.model_validate(document | {"redis": {"url": address}})).test_client()
    assert sign_in(client, "alice").status_code == 303
    (key,) = redis.scan_iter("*session*")
    assert client.get("/").status_code == 200
    assert all(found.startswith(b"stager-ui:") for found in redis.scan_iter())
    assert key.startswith(b"stager-ui:session:")
