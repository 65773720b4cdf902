"""ProjectService: configuration, form, gateway, in this order; whatever goes wrong with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_harness import SECONDS, Api, RedisServer, WebServer, code, refused, start_api, violations
from grpc import StatusCode
from stager.v1 import project_service_pb2 as pb
from stager_api.errors import NotFoundError, PreconditionError, UnavailableError
from stager_api.projects.answers import SourceError
from stager_api.projects.gateway import Gateway
from stager_api.projects.ppm import PpmForm
from stager_api.projects.refreshed import RefreshedCollections
from stager_api.projects.resolve import ResolveCollection

FORM = "/api/RepositoryCollections?organizationalUnit=DCC"
ENTRIES = [
    {"id": "di.dcc.DAC_2025.00012_345", "organizationalUnit": "DCC", "project": "2025.00012"},
    {"id": "di.dcc.DAC_A", "organizationalUnit": "DCC", "project": "twice"},
    {"id": "di.dcc.DAC_B", "organizationalUnit": "DCC", "project": "twice"},
]
DAC = {"path": "/nl.ru.donders/di/dccn/DAC_1", "type": "DAC"}


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """A client of the services."""
    with httpx.Client(timeout=5) as client:
        yield client


@pytest.fixture
def form(web: WebServer, http: httpx.Client) -> PpmForm:
    """A form that answers with the entries."""
    web.answers["/token"] = (200, {"access_token": "t0ken", "token_type": "Bearer"})
    web.answers[FORM] = (200, ENTRIES)
    return PpmForm(http, web.url + "/", f"{web.url}/token", "id", "secret", "a:scope", "DCC", "nl.ru.donders")


@pytest.fixture
def gateway(web: WebServer, http: httpx.Client) -> Gateway:
    """A gateway that knows no project yet."""
    return Gateway(http, web.url)


def wait_for(true: Callable[[], object]) -> None:
    """Until it is true, but not for long."""
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_form_is_asked_with_client_credentials(form: PpmForm, web: WebServer) -> None:
    """Ids become paths at their first two dots; the token is for the right scope."""
    assert form.collections() == {
        "2025.00012": {"/nl.ru.donders/di/dcc/DAC_2025.00012_345"},
        "twice": {"/nl.ru.donders/di/dcc/DAC_A", "/nl.ru.donders/di/dcc/DAC_B"},
    }
    (_, asked, body), (_, listed, _) = web.asked
    assert asked["authorization"].startswith("Basic ")
    assert body == "grant_type=client_credentials&scope=a%3Ascope"
    assert listed["authorization"] == "Bearer t0ken"


@pytest.mark.parametrize(
    "entry",
    [{"id": "a.b", "project": "p"}, {"id": "a..c", "project": "p"}, {"id": "a/../b.c.d", "project": "p"}, {}, 7, None],
)
def test_entries_that_make_no_sense_are_left_out(form: PpmForm, web: WebServer, entry: object) -> None:
    """The others count all the same."""
    web.answers[FORM] = (200, [entry, *ENTRIES])
    assert set(form.collections()) == {"2025.00012", "twice"}


@pytest.mark.parametrize(("path", "answer"), [
    ("/token", (401, {})), ("/token", (200, {})), ("/token", (200, [])), (FORM, (500, {})), (FORM, (200, {})),
    (FORM, (200, b"<html>")), (FORM, (302, {})),
])  # fmt: skip
def test_form_that_fails_is_an_error(form: PpmForm, web: WebServer, path: str, answer: tuple[int, object]) -> None:
    """Never an empty list."""
    web.answers[path] = answer
    with pytest.raises(SourceError):
        form.collections()


def test_refresh_survives_errors_and_keeps_what_it_has(form: PpmForm, web: WebServer) -> None:
    """Fault 20 of the originals: the refresh died at its first error."""
    web.answers[FORM] = (500, {})
    kept = RefreshedCollections(form.collections, every=0.02, again=0.02)
    kept.start()
    wait_for(lambda: len(web.asked) >= 4)
    assert kept.known() is None
    web.answers[FORM] = (200, ENTRIES)
    wait_for(kept.known)
    web.answers[FORM] = (200, b"nonsense")
    count = len(web.asked)
    wait_for(lambda: len(web.asked) >= count + 6)
    assert "2025.00012" in (kept.known() or {})
    web.answers[FORM] = (200, ENTRIES[:1])
    wait_for(lambda: kept.known() and "twice" not in (kept.known() or {}))
    kept.close()


def test_refresh_survives_what_nobody_foresaw() -> None:
    """Also an error in our own code."""
    calls = []

    def fetch() -> dict[str, frozenset[str]]:
        calls.append(1)
        raise ZeroDivisionError

    kept = RefreshedCollections(fetch, every=0.01, again=0.01)
    kept.start()
    wait_for(lambda: len(calls) > 3)
    kept.close()


class Known:
    """A form of which this is known."""

    def __init__(self, collections: dict[str, frozenset[str]] | None) -> None:
        self._collections = collections

    def known(self) -> dict[str, frozenset[str]] | None:
        """What is known."""
        return self._collections


def test_first_source_that_knows_the_project_wins(gateway: Gateway, web: WebServer) -> None:
    """Configuration, form, gateway; only collections of type DAC count there."""
    web.answers["/collections/project/1"] = (200, {"collections": [DAC, {"path": "/z/DSC", "type": "DSC"}]})
    resolve = ResolveCollection({"3": "/z/static"}, Known({"2": frozenset({"/z/form"}), "3": frozenset()}), gateway)
    assert [resolve("3"), resolve("2"), resolve("1"), resolve("1")] == [
        "/z/static", "/z/form", "/nl.ru.donders/di/dccn/DAC_1", "/nl.ru.donders/di/dccn/DAC_1"
    ]  # fmt: skip
    assert web.paths() == ["/collections/project/1"]


def test_more_than_one_collection_is_an_error_with_their_count(gateway: Gateway, web: WebServer) -> None:
    """From the form as from the gateway."""
    web.answers["/collections/project/1"] = (200, {"collections": [DAC, {"path": "/z/b", "type": "dac"}]})
    resolve = ResolveCollection({}, Known({"2": frozenset({"/z/a", "/z/b", "/z/c"})}), gateway)
    with pytest.raises(PreconditionError, match="2 collections"):
        resolve("1")
    with pytest.raises(PreconditionError, match="3 collections"):
        resolve("2")


def test_unknown_is_not_found_only_if_all_could_be_asked(gateway: Gateway, web: WebServer) -> None:
    """Else UNAVAILABLE: the project may well have one."""
    with pytest.raises(NotFoundError):
        ResolveCollection({}, Known({}), gateway)("1")
    with pytest.raises(UnavailableError):
        ResolveCollection({}, Known(None), gateway)("1")
    web.answers["/collections/project/2"] = (502, {})
    with pytest.raises(UnavailableError):
        ResolveCollection({}, Known({}), gateway)("2")
    web.answers["/collections/project/2"] = (200, {"unexpected": 1})
    with pytest.raises(UnavailableError):
        ResolveCollection({}, Known({}), gateway)("2")


@pytest.mark.parametrize("path", ["relative", "/z/../x", "/z/a\nb", 7, None])
def test_paths_of_the_gateway_are_checked(gateway: Gateway, web: WebServer, path: object) -> None:
    """One that is no collection's is none."""
    web.answers["/collections/project/1"] = (200, {"collections": [{"path": path, "type": "DAC"}, 7]})
    assert gateway.collections("1") == frozenset()


def test_running_service_resolves_without_a_login(
    form: PpmForm, web: WebServer, settings: dict[str, Any], redis_server: RedisServer, tmp_path: Path
) -> None:
    """All three sources, from the configuration's settings."""
    assert form
    web.answers["/collections/project/1"] = (200, {"collections": [DAC]})
    ppm = {"endpoint": web.url, "token_url": f"{web.url}/token", "client_id": "id", "client_secret": "marked"}
    projects = {**settings["projects"], "ppm": ppm, "gateway": {"endpoint": web.url}}
    api = start_api(tmp_path, {**settings, "projects": projects}, redis_server.url)

    def resolve(project: str) -> str:
        request = pb.ResolveCollectionRequest(project=project)
        return api.projects.ResolveCollection(request, timeout=SECONDS).collection

    try:
        wait_for(lambda: FORM in web.paths())
        assert resolve("3010000.01") == "/nl.ru.donders/di/dccn/DAC_3010000.01_173"
        assert resolve("2025.00012") == "/nl.ru.donders/di/dcc/DAC_2025.00012_345"
        assert resolve("1") == "/nl.ru.donders/di/dccn/DAC_1"
        assert code(lambda: resolve("twice")) is StatusCode.FAILED_PRECONDITION
        assert code(lambda: resolve("nowhere")) is StatusCode.NOT_FOUND
        assert set(violations(refused(lambda: resolve("../x")))) == {"project"}
    finally:
        assert api.stop() == 0
    assert "marked" not in api.log.read_text()


def test_api_without_sources_knows_its_own_map(running_api: Api) -> None:
    """And nothing else."""
    request = pb.ResolveCollectionRequest(project="1")
    assert code(lambda: running_api.projects.ResolveCollection(request, timeout=SECONDS)) is StatusCode.NOT_FOUND
