"""The recording's scenarios of python-irodsclient, done by python-irodsclient, against the zone."""

import gc
import os
import shutil
from collections import defaultdict
from contextlib import ExitStack, suppress
from pathlib import Path
from xml.etree.ElementTree import ParseError

import pytest
from irods.exception import PycommandsException, iRODSException
from irods.session import iRODSSession
from stager_sandbox.zone import Zone
from zone_client_scenarios import SCENARIOS, TRACE, Stage
from zone_player import OWNED, PASSWORDS, differing
from zone_recordings import Exchange, Scenario, distil, read
from zone_wiretap import Wiretap

RECORDED = {each.name: each for each in read(Path(__file__).resolve().parent / "traces" / "recording.jsonl.gz")}
SEEK = 674
UNSEEN = {"42-genquery-pages": range(600), "85-coll-remove-recursive": range(600, 604)}
"""Files put before a scenario by something that python-irodsclient's recording does not show."""
NEGOTIATION = {"client_server_negotiation": "request_server_negotiation", "client_server_policy": "CS_NEG_REFUSE"}


@pytest.fixture(scope="module")
def performed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scenario]:
    """What went through when all scenarios were done, one after another, as they build on each other."""
    folder = tmp_path_factory.mktemp("client")
    with Zone(PASSWORDS, data=folder / "zone", collections=OWNED) as zone, Wiretap((zone.host, zone.port)) as tap:
        found = {name: perform(name, zone, tap, folder) for name in SCENARIOS}
    shutil.rmtree(folder)
    return found


def perform(name: str, zone: Zone, tap: Wiretap, folder: Path) -> Scenario:
    """Let the client do a scenario; what went through."""
    if name in UNSEEN:
        zone.files.make_collection("alice", f"{TRACE}/many", parents=True)
        for number in UNSEEN[name]:
            zone.files.write("alice", f"{TRACE}/many/f{number:04}").close()
    with ExitStack() as sessions:

        def connect(user: str, password: str) -> iRODSSession:
            account = {"user": user, "password": password, "zone": zone.zone_name}
            return sessions.enter_context(iRODSSession(host="127.0.0.1", port=tap.port, **account, **NEGOTIATION))

        stage = Stage(connect("alice", "alicepw"), connect("bob", "bobpw"), connect, folder)
        with suppress(iRODSException, PycommandsException, ParseError):  # as in the recording, if what went through is
            SCENARIOS[name](stage)
    gc.collect()  # the client keeps the connection of a login that was refused
    tap.collect(folder / f"{name}.jsonl")
    return distil(folder / f"{name}.jsonl")


def by_connection(scenario: Scenario) -> list[list[Exchange]]:
    """A scenario's exchanges for each connection, less the seeks to an end that other connections are moving."""
    found: dict[int, list[Exchange]] = defaultdict(list)
    for exchange in scenario.exchanges:
        if exchange.call != SEEK or (exchange.request or {}).get("whence") != os.SEEK_END:
            found[exchange.connection].append(exchange)
    return list(found.values())


@pytest.mark.parametrize("name", SCENARIOS)
def test_client_is_answered_as_by_the_real_server(name: str, performed: dict[str, Scenario]) -> None:
    """It sends the same calls, and gets answers of the same type, status, structure and steady values."""
    recorded, got = RECORDED[name], performed[name]
    assert list(got.greetings.values()) == list(recorded.greetings.values())
    for number, (wanted, had) in enumerate(zip(by_connection(recorded), by_connection(got), strict=True)):
        assert [(each.call, each.sent) for each in had] == [(each.call, each.sent) for each in wanted]
        for step, pair in enumerate(zip(wanted, had, strict=True)):
            assert differing(f"connection {number} call {step}", *pair) == []
