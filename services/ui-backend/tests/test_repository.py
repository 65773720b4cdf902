"""The repository's side, before a server that answers as it is told to."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis
from stager_ui.app import create_app
from stager_ui.entries import EntryType
from stager_ui.estimate import count_in_repository
from stager_ui.multistatus import MalformedAnswerError, read_free_bytes, read_listing
from stager_ui.settings import Repository, UiSettings
from stager_ui.webdav import Account, RepositoryUnreachableError, WebDav
from ui_harness import csrf, sign_in


def multistatus(*responses: str) -> bytes:
    """An answer to PROPFIND."""
    return f'<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">{"".join(responses)}</d:multistatus>'.encode()


def response(href: str, *, size: int | None = None, status: str = "HTTP/1.1 200 OK") -> str:
    """One resource of it: a collection, or a file of some size."""
    kind = (
        "<d:resourcetype><d:collection/></d:resourcetype>"
        if size is None
        else f"<d:resourcetype/><d:getcontentlength>{size}</d:getcontentlength>"
    )
    modified = "<d:getlastmodified>Mon, 23 Nov 2026 14:00:00 GMT</d:getlastmodified>"
    return (
        f"<d:response><d:href>{href}</d:href><d:propstat><d:prop>{kind}{modified}</d:prop>"
        f"<d:status>{status}</d:status></d:propstat></d:response>"
    )


def test_listing() -> None:
    """Names, kinds, sizes and times of what stands in a collection; not the collection itself."""
    answer = multistatus(
        response("/dav/a/"), response("/dav/a/b%20%C3%BC/"), response("http://host/dav/a/%3Cscript%3E", size=12)
    )
    listing = read_listing(answer, "/dav/a/")
    assert listing.is_collection
    folder, file = listing.entries
    assert (folder.name, folder.type) == ("b ü", EntryType.FOLDER)
    assert (file.name, file.type, file.size, file.modified) == ("<script>", EntryType.FILE, 12, 1795442400)


@pytest.mark.parametrize(
    ("value", "status", "expected"),
    [("1234", "200 OK", 1234), ("1234", "404 Not Found", None), ("", "200 OK", None), ("-3", "200 OK", None)],
)
def test_free_bytes(value: str, status: str, expected: int | None) -> None:
    """A server that tells no room, or nonsense, has told nothing."""
    answer = (
        '<d:multistatus xmlns:d="DAV:"><d:response><d:href>/a/</d:href><d:propstat><d:prop>'
        f"<d:quota-available-bytes>{value}</d:quota-available-bytes></d:prop>"
        f"<d:status>HTTP/1.1 {status}</d:status></d:propstat></d:response></d:multistatus>"
    )
    assert read_free_bytes(answer.encode()) == expected


def test_what_a_server_may_not_say() -> None:
    """Other places, names with a slash in them, and dot-dot are left out; bytes that are no text are marked."""
    answer = multistatus(
        response("/dav/a/"),
        response("/dav/b/"),
        response("/dav/a/b/c/"),
        response("/dav/a/%2e%2e"),
        response("/dav/a/x%2Fy", size=1),
        response("/dav/a/x%00y", size=1),
        response("/dav/a/%FF", size=1),
    )
    (entry,) = read_listing(answer, "/dav/a/").entries
    assert (entry.name, entry.undecodable) == ("\\xff", True)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>Welcome</html>",
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><d:multistatus xmlns:d="DAV:">&e;</d:multistatus>',
        b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
        multistatus(response("/elsewhere/")),
        multistatus(response("/dav/a/"))[:-20],
    ],
)
def test_no_listing(answer: bytes) -> None:
    """What is no listing of what was asked for is no empty folder either."""
    with pytest.raises(MalformedAnswerError):
        read_listing(answer, "/dav/a/")


class Server(ThreadingHTTPServer):
    """Knows one account; answers everything else as `answers` says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.seen: list[tuple[str, str, str | None]] = []
        self.piece = 2**20
        self.pause = 0.0

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Of `Server`."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_PROPFIND(self) -> None:
        """Check the password, then answer."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, self.headers.get("Cookie")))
        right = "Basic " + base64.b64encode(b"alice@ru.nl:hunter2").decode()
        status, body = self.server.answers.get(self.path, (207, multistatus(response(self.path))))
        if self.headers.get("Authorization") != right and status == 207:
            status, body = 401, b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "session=alices; Path=/")
        self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()
        for start in range(0, len(body), self.server.piece):
            self.wfile.write(body[start : start + self.server.piece])
            time.sleep(self.server.pause)

    do_MKCOL = do_PROPFIND  # noqa: N815 - the base class's

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that runs."""
    running = Server()
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def browser(server: Server, document: dict[str, Any], redis: Redis) -> FlaskClient:
    """Alice, not yet signed in to the repository."""
    assert redis.ping()
    document["repository"] = {"webdav_url": f"{server.url}/", "collection_root": "/zone"}
    client = create_app(UiSettings.model_validate(document)).test_client()
    sign_in(client, "alice")
    return client


def log_in(browser: FlaskClient, password: str = "hunter2") -> Any:  # noqa: ANN401 - Flask's test response
    """Fill in the repository's login."""
    form = {"user": "alice@ru.nl", "password": password}
    return browser.post("/repository/login", data=form, headers=csrf(browser))


def ask(browser: FlaskClient, path: str) -> tuple[int, dict[str, Any]]:
    """List a collection."""
    answer = browser.get("/repository/list", query_string={"path": path}, headers={"Stager-Script": "1"})
    return answer.status_code, answer.get_json()


def test_login_and_listing(browser: FlaskClient, server: Server, redis: Redis) -> None:
    """`/.login` is asked, then `/`; listings go below the root; the password stands nowhere in clear."""
    assert log_in(browser).get_json() == {"user": "alice@ru.nl"}
    assert [path for _, path, _ in server.seen] == ["/.login", "/"]
    server.answers["/a%20b/"] = (207, multistatus(response("/a%20b/"), response("/a%20b/file", size=3)))
    status, told = ask(browser, "/zone/a b")
    assert status == 200
    assert [entry["name"] for entry in told["entries"]] == ["file"]
    assert "hunter2" not in browser.get("/").text
    for key in redis.scan_iter("*session*"):
        assert "hunter2" not in repr(redis.hvals(key))


def test_wrong_password(browser: FlaskClient) -> None:
    """That is said, and remembered as nothing."""
    answer = log_in(browser, "wrong")
    assert (answer.status_code, answer.get_json()["message"]) == (401, "Wrong user name or password.")
    assert ask(browser, "/zone")[1]["error"] == "repository_login"


@pytest.mark.parametrize("status", [500, 503, 302, 404])
def test_anything_else_is_no_wrong_password(browser: FlaskClient, server: Server, status: int) -> None:
    """A server in trouble, or one that sends us elsewhere, says nothing about the password."""
    server.answers["/"] = (status, b"")
    answer = log_in(browser)
    assert (answer.status_code, answer.get_json()["error"]) == (502, "repository_unreachable")
    assert "9/" not in str(server.seen)


def test_guessing_is_throttled(browser: FlaskClient) -> None:
    """After ten wrong passwords even the right one has to wait."""
    assert {log_in(browser, f"guess {n}").status_code for n in range(10)} == {401}
    assert log_in(browser, "hunter2").status_code == 429


def guess(browser: FlaskClient, person: str, account: str, address: str) -> int:
    """Try a wrong password for an account, as somebody who is signed in, from an address."""
    with browser.session_transaction() as session:
        session["person"] = {"uid": person, "name": person, "email": ""}
    form = {"user": account, "password": "guess"}
    answer = browser.post("/repository/login", data=form, headers=csrf(browser), environ_base={"REMOTE_ADDR": address})
    return answer.status_code


def test_one_person_guesses_for_ten_accounts(browser: FlaskClient) -> None:
    """However many addresses they come from; somebody else isn't held up by that."""
    tried = [guess(browser, "alice", f"account{n}", f"192.0.2.{n}") for n in range(11)]
    assert tried == [401] * 10 + [429]
    assert guess(browser, "bob", "account0", "192.0.2.0") == 401


def test_an_account_is_guessed_at_ten_times(browser: FlaskClient) -> None:
    """However many people do so together, and however they write its name."""
    spelt = ["alice@ru.nl", "Alice@ru.nl", " alice@RU.nl"]
    tried = [guess(browser, f"person{n}", spelt[n % 3], f"192.0.2.{n}") for n in range(11)]
    assert tried == [401] * 10 + [429]
    assert guess(browser, "person10", "bob@ru.nl", "192.0.2.10") == 401


def test_nobody_is_locked_out_by_others(browser: FlaskClient) -> None:
    """Who has logged in with an account before can do so whatever others try, but guesses no more than anybody."""
    assert log_in(browser).status_code == 200
    for n in range(11):
        last = guess(browser, f"person{n}", "Alice@ru.nl", f"192.0.2.{n}")
    assert last == 429
    tried = [guess(browser, "alice", "alice@ru.nl", f"198.51.100.{n}") for n in range(9)]
    assert tried == [401] * 9
    assert log_in(browser).status_code == 200
    assert guess(browser, "alice", "alice@ru.nl", "198.51.100.9") == 401
    assert log_in(browser).status_code == 429


def test_an_address_guesses_fifty_times(browser: FlaskClient) -> None:
    """Whoever is signed in there, and whatever the account."""
    tried = [guess(browser, f"person{n}", f"account{n}", "192.0.2.1") for n in range(51)]
    assert tried == [401] * 50 + [429]
    assert guess(browser, "person51", "account51", "192.0.2.2") == 401


def test_one_persons_cookies_are_not_sent_for_another(browser: FlaskClient, server: Server) -> None:
    """What the server sets with one answer never comes back with the next request."""
    log_in(browser)
    ask(browser, "/zone")
    assert {cookie for _, _, cookie in server.seen} == {None}


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "repository_login"), (403, "not_permitted"), (404, "no_such_collection"), (500, "repository_unreachable")],
)
def test_listings_that_fail(browser: FlaskClient, server: Server, status: int, code: str) -> None:
    """Each kind of failure is told as itself, never as an empty folder."""
    log_in(browser)
    server.answers["/x/"] = (status, b"")
    assert ask(browser, "/zone/x")[1]["error"] == code


def test_outside_the_root(browser: FlaskClient, server: Server) -> None:
    """What the server doesn't show isn't asked for."""
    log_in(browser)
    before = len(server.seen)
    assert ask(browser, "/zonealike")[1]["error"] == "no_such_collection"
    assert ask(browser, "/other")[1]["error"] == "no_such_collection"
    assert len(server.seen) == before


def test_a_data_object(browser: FlaskClient, server: Server) -> None:
    """A file is no folder."""
    log_in(browser)
    server.answers["/file/"] = (207, multistatus(response("/file", size=1)))
    assert ask(browser, "/zone/file")[1]["error"] == "not_a_collection"


def test_new_collection(browser: FlaskClient, server: Server) -> None:
    """It is made in the folder that is named, under a name that is one."""
    log_in(browser)
    server.answers["/a/%5Bnew%5D/"] = (201, b"")
    headers = csrf(browser)
    made = browser.post("/repository/collections", data={"folder": "/zone/a", "name": "[new]"}, headers=headers)
    assert (made.status_code, made.get_json()["path"]) == (201, "/zone/a/[new]")
    for name in ["", ".", "..", "a/b", "x" * 300]:
        answer = browser.post("/repository/collections", data={"folder": "/zone/a", "name": name}, headers=headers)
        assert answer.status_code == 400


def test_signing_out_wipes_the_account(browser: FlaskClient, redis: Redis) -> None:
    """Nothing of it is left in the session."""
    log_in(browser)
    assert browser.post("/repository/logout", headers=csrf(browser)).status_code == 204
    (key,) = redis.scan_iter("*session*")
    assert not redis.hexists(key, "repository")
    assert ask(browser, "/zone")[1]["error"] == "repository_login"


def estimate(browser: FlaskClient, *names: str) -> list[dict[str, Any]]:
    """What is told about a download of names in /zone, line by line."""
    form = {"direction": "download", "source": "/zone", "destination": "/project", "name": list(names)}
    answer = browser.post("/transfers/estimate", data=form, headers=csrf(browser))
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_counting_below_collections(browser: FlaskClient, server: Server) -> None:
    """Files and bytes of all depths; what can't be looked into is said; where the room isn't told, that is."""
    log_in(browser)
    server.answers["/a/"] = (207, multistatus(response("/a/"), response("/a/x", size=3), response("/a/b%20c/")))
    server.answers["/a/b%20c/"] = (
        207,
        multistatus(response("/a/b%20c/"), response("/a/b%20c/y", size=4), response("/a/b%20c/closed/")),
    )
    server.answers["/a/b%20c/closed/"] = (403, b"")
    first, *_, last = estimate(browser, "a", "empty")
    assert first == {"free": None}
    assert last["final"]
    assert last["counts"]["a"] == {"files": 2, "bytes": 7, "left_out": 0, "unreadable": 1}
    assert last["counts"]["empty"]["files"] == 0


def test_counting_has_an_end(server: Server) -> None:
    """A tree too large for the time is told as far as it is known, and not as the whole."""
    webdav = WebDav(Repository.model_validate({"webdav_url": f"{server.url}/"}))
    (told,) = count_in_repository(webdav, Account("alice@ru.nl", "hunter2"), "/", ["a"], seconds=0)
    assert not told.final


def slow_repository(server: Server, at_once: int) -> WebDav:
    """A repository whose answers come a few bytes at a time, each before the patience with a silence ends."""
    server.piece, server.pause = 1, 0.1
    settings = Repository.model_validate({"webdav_url": f"{server.url}/", "timeout_seconds": 2})
    return WebDav(settings, at_once=at_once)


def test_an_answer_that_drips(server: Server) -> None:
    """Patience with a server has an end even if it never falls silent."""
    begun = time.monotonic()
    # Where this process itself stands still for long, the server seems to fall silent.
    with pytest.raises(RepositoryUnreachableError, match=r"longer than 8 s|ReadTimeout"):
        slow_repository(server, 1).list_collection(Account("alice@ru.nl", "hunter2"), "/")
    assert time.monotonic() - begun < 20


def test_a_slow_repository_takes_some_threads_only(server: Server) -> None:
    """Beyond so many requests under way, further ones fail soon instead of waiting with the others."""
    webdav = slow_repository(server, 1)
    failures: list[Exception] = []

    def list_it() -> None:
        try:
            webdav.list_collection(Account("alice@ru.nl", "hunter2"), "/")
        except RepositoryUnreachableError as error:
            failures.append(error)

    threads = [threading.Thread(target=list_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(error) for error in failures)[:3] == ["PoolTimeout"] * 3


def test_nothing_to_count(browser: FlaskClient) -> None:
    """Files alone are known already; only the room is asked for."""
    log_in(browser)
    assert estimate(browser) == [{"free": None}, {"counts": {}, "final": True}]
