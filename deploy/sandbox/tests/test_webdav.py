"""WebDAV over a zone that runs."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import httpx
import pytest
from stager_sandbox.webdav import WebDav
from stager_sandbox.zone import Zone

HOME = "/nl.ru.donders/home/alice"
ODD = ["it's", 'a "b" & <c>', "[(*?", "-rf", ".hidden", "ünï", "%41 #", "a+b;c"]


@pytest.fixture
def zone(tmp_path: Path) -> Iterator[Zone]:
    """A zone with alice and bob."""
    with Zone({"alice": "alicepw", "bob": "bobpw"}, data=tmp_path / "zone", browsable=True) as running:
        yield running


@pytest.fixture
def alice(zone: Zone, tmp_path: Path) -> Iterator[httpx.Client]:
    """Alice at a WebDAV server over the zone's directory."""
    with (
        WebDav(tmp_path / "zone", zone.zone_name) as dav,
        httpx.Client(base_url=dav.url, auth=("alice", "alicepw")) as client,
    ):
        yield client


def names(client: httpx.Client, path: str) -> list[str]:
    """What a PROPFIND lists in a collection."""
    answer = client.request("PROPFIND", path, headers={"depth": "1"})
    assert answer.status_code == 207, answer.text
    listed = [item.text or "" for item in ET.fromstring(answer.content).iter("{DAV:}displayname")]  # noqa: S314 - our own server
    return sorted(listed[1:])


@pytest.mark.parametrize(
    ("user", "password", "status"),
    [("alice", "alicepw", 207), ("alice", "wrong", 401), ("nobody", "", 401), ("alice", "", 401)],
)
def test_login_is_tried_at_its_own_path(alice: httpx.Client, user: str, password: str, status: int) -> None:
    """`/.login` says 401 or 207, and the root after it."""
    for path in ("/.login", "/"):
        assert alice.request("PROPFIND", path, auth=(user, password), headers={"depth": "0"}).status_code == status


def test_login_is_listed_nowhere(alice: httpx.Client) -> None:
    """The root holds the zone only, and `.login` holds nothing."""
    assert names(alice, "/") == ["nl.ru.donders"]
    assert names(alice, "/.login") == []


def test_what_is_put_is_in_the_zone(zone: Zone, alice: httpx.Client) -> None:
    """A PUT is a good data object of the zone's, and comes back whole and in parts."""
    content = bytes(range(256)) * 20_000
    assert alice.put(f"{HOME}/file", content=content).status_code == 201
    entry = zone.files.stat("alice", f"{HOME}/file")
    assert entry
    assert (entry.size, entry.status) == (len(content), 1)
    assert alice.get(f"{HOME}/file").content == content
    part = alice.get(f"{HOME}/file", headers={"range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, content[1000:2000])
    assert alice.put(f"{HOME}/file", content=b"").status_code == 204
    assert alice.get(f"{HOME}/file").content == b""


@pytest.mark.parametrize("name", ODD)
def test_odd_names_go_both_ways(zone: Zone, alice: httpx.Client, name: str) -> None:
    """Names with signs that mean something elsewhere are listed, written and read as they are."""
    path = f"{HOME}/{quote(name, safe='')}"
    assert alice.request("MKCOL", path).status_code == 201
    assert alice.put(f"{path}/{quote(name, safe='')}", content=name.encode()).status_code == 201
    assert zone.files.stat("alice", f"{HOME}/{name}/{name}")
    assert names(alice, path) == [name]
    assert alice.get(f"{path}/{quote(name, safe='')}").text == name


def test_nobody_sees_what_is_anothers(alice: httpx.Client) -> None:
    """Bob's home isn't there for alice, and she can't write into it."""
    bob = "/nl.ru.donders/home/bob"
    assert alice.request("PROPFIND", bob, headers={"depth": "1"}).status_code == 404
    assert alice.put(f"{bob}/file", content=b"x").status_code in {403, 404, 409}
    assert alice.request("MKCOL", "/nl.ru.donders/home/new").status_code == 403


def test_moving_copying_and_removing(alice: httpx.Client) -> None:
    """The other verbs do what they say."""
    alice.put(f"{HOME}/a", content=b"a")
    alice.request("MKCOL", f"{HOME}/c")
    base = str(alice.base_url).rstrip("/")
    assert alice.request("MOVE", f"{HOME}/a", headers={"destination": f"{base}{HOME}/c/b"}).is_success
    assert alice.request("COPY", f"{HOME}/c", headers={"destination": f"{base}{HOME}/d"}).status_code == 201
    assert alice.get(f"{HOME}/d/b").text == "a"
    assert alice.delete(f"{HOME}/c").status_code == 204
    assert names(alice, HOME) == ["d"]
    assert alice.request("MKCOL", f"{HOME}/d").status_code == 405
    assert alice.get(f"{HOME}/c/b").status_code == 404


def test_room_is_told(alice: httpx.Client) -> None:
    """A collection says how much can still be written (RFC 4331)."""
    body = b'<propfind xmlns="DAV:"><prop><quota-available-bytes/></prop></propfind>'
    answer = alice.request("PROPFIND", HOME, headers={"depth": "0"}, content=body)
    (found,) = ET.fromstring(answer.content).iter("{DAV:}quota-available-bytes")  # noqa: S314 - our own server
    assert int(found.text or "") > 0


def test_it_speaks_https(zone: Zone, tmp_path: Path) -> None:
    """With a certificate it is verified by the sandbox's authority."""
    certificate = zone.ca_file.parent / "server.pem"
    with WebDav(tmp_path / "zone", zone.zone_name, certificate=certificate) as dav:
        context = ssl.create_default_context(cafile=str(zone.ca_file))
        answer = httpx.request("PROPFIND", f"{dav.url}/.login", auth=("bob", "bobpw"), verify=context)
        assert (dav.url[:8], answer.status_code) == ("https://", 207)
