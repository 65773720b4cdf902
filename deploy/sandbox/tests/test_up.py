"""The whole sandbox by its command."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from irods.session import iRODSSession
from stager_sandbox.serving import EVERYWHERE
from stager_sandbox.zone import tell

PROGRAM = Path(sys.executable).parent / "stager-sandbox"
SECONDS = 60


class Up:
    """A running `stager-sandbox up`."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.log = (data.parent / f"{data.name}.log").open("w+")
        self.process = subprocess.Popen(
            [PROGRAM, "up", "--data", data, *options], stdout=self.log, stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + SECONDS
        while not (data / "sandbox.json").exists():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        self.told = json.loads((data / "sandbox.json").read_text())
        self.family = [self.process.pid, *(c.pid for c in psutil.Process(self.process.pid).children(recursive=True))]

    def said(self) -> str:
        """All that it printed."""
        return Path(self.log.name).read_text()

    def end(self, number: signal.Signals) -> int:
        """Send it a signal and wait until it and all its children are gone."""
        self.process.send_signal(number)
        code = self.process.wait(SECONDS)
        deadline = time.monotonic() + 30
        while left := [pid for pid in self.family if runs(pid)]:
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
        return code


def runs(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked about doesn't."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """A sandbox that runs."""
    running = Up(tmp_path / "sandbox")
    yield running
    if running.process.poll() is None:
        running.end(signal.SIGTERM)


def test_everything_answers_with_the_same_accounts(up: Up) -> None:
    """What sandbox.json says is true: alice gets into the zone and WebDAV, the provider and gateway answer."""
    alice = up.told["users"][0]
    zone = up.told["zone"]
    with iRODSSession(
        host=zone["host"], port=zone["port"], zone=zone["name"], user=alice["name"], password=alice["password"]
    ) as session:
        assert session.collections.exists(up.told["projects"]["3010000.01"])
    login = httpx.request("PROPFIND", up.told["webdav"]["url"] + "/.login", auth=(alice["name"], alice["password"]))
    assert login.status_code == 207
    issuer = up.told["oidc"]["issuer"]
    assert httpx.get(f"{issuer}/.well-known/openid-configuration").json()["issuer"] == issuer
    form = up.told["ppm"]
    token = httpx.post(
        form["token_url"],
        data={"grant_type": "client_credentials", "scope": form["scope"]},
        auth=(form["client_id"], form["client_secret"]),
    ).json()["access_token"]
    listed = httpx.get(
        f"{form['url']}/api/RepositoryCollections?organizationalUnit=DCC", headers={"authorization": f"Bearer {token}"}
    )
    assert [item["project"] for item in listed.json()] == ["3010000.02"]


def test_its_zone_takes_faults(up: Up) -> None:
    """As the guide shows: what is told to the zone's folder reaches the zone that runs."""
    assert tell(up.data / "zone", "add", on="DATA_OBJ_WRITE", cut=True)
    assert tell(up.data / "zone", "struck") == 0
    assert tell(up.data / "zone", "clear")


def test_its_secrets_stay_its_owners(up: Up) -> None:
    """No list of processes and no output shows a password, and nobody else can enter the folder."""
    secrets = [who["password"] for who in up.told["users"]] + list(up.told["oidc"]["clients"].values())
    shown = up.said() + "".join(
        Path(f"/proc/{pid}/{of}").read_text() for pid in up.family for of in ("cmdline", "environ")
    )
    assert not [secret for secret in secrets if secret in shown]
    assert up.data.stat().st_mode & 0o077 == 0
    assert (up.data / "sandbox.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything(up: Up, number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end it with code 0 and leave neither a process nor a description."""
    assert up.end(number) == 0
    assert not (up.data / "sandbox.json").exists()


def test_nothing_outlives_a_kill(up: Up) -> None:
    """Kill -9 of the sandbox takes the zone and Redis with it."""
    assert len(up.family) == 3
    up.end(signal.SIGKILL)


def test_the_end_of_a_part_is_the_end_of_all(up: Up) -> None:
    """When the zone dies, the sandbox says so and ends with code 1."""
    zone = next(pid for pid in up.family if "zone_process" in " ".join(psutil.Process(pid).cmdline()))
    os.kill(zone, signal.SIGKILL)
    assert up.process.wait(SECONDS) == 1
    assert "zone ended with code -9" in up.said()


def test_a_second_start_has_the_same_accounts(tmp_path: Path) -> None:
    """Passwords and clients stay, and two sandboxes don't share a folder."""
    first = Up(tmp_path / "sandbox")
    second = subprocess.run(
        [PROGRAM, "up", "--data", first.data], check=False, capture_output=True, text=True, timeout=SECONDS
    )
    assert second.returncode == 1
    assert "runs in" in second.stderr
    first.end(signal.SIGTERM)
    again = Up(tmp_path / "sandbox")
    assert (again.told["users"], again.told["oidc"]["clients"]) == (first.told["users"], first.told["oidc"]["clients"])
    again.end(signal.SIGTERM)


@pytest.mark.parametrize("part", ["zone", "webdav", "oidc", "gateway", "mail", "redis"])
def test_a_taken_port_is_an_error(tmp_path: Path, part: str) -> None:
    """A port that was asked for and is taken ends the start with a sentence, no traceback, no process left."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        command = [PROGRAM, "up", "--data", tmp_path / "sandbox", "--port", f"{part}:{port}"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 1
    assert "in use" in done.stderr or "taken" in done.stderr
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


def test_tls_everywhere(tmp_path: Path) -> None:
    """With --tls the web servers speak HTTPS under the sandbox's own authority, and the form still opens."""
    up = Up(tmp_path / "sandbox", "--tls", "--user", "alice:alicepw:jan")
    verify = up.told["ca_file"]
    assert (
        httpx.request(
            "PROPFIND", up.told["webdav"]["url"] + "/.login", auth=("alice", "alicepw"), verify=verify
        ).status_code
        == 207
    )
    form = up.told["ppm"]
    token = httpx.post(
        form["token_url"],
        data={"grant_type": "client_credentials"},
        auth=(form["client_id"], form["client_secret"]),
        verify=verify,
    ).json()["access_token"]
    listed = httpx.get(
        f"{form['url']}/api/RepositoryCollections?organizationalUnit=DCC",
        headers={"authorization": f"Bearer {token}"},
        verify=verify,
    )
    assert (form["url"][:8], listed.status_code) == ("https://", 200)
    assert up.told["users"] == [{"name": "alice", "password": "alicepw", "uid": "jan"}]
    up.end(signal.SIGTERM)


def test_an_open_part_still_calls_itself_by_loopback(tmp_path: Path) -> None:
    """What a container publishes listens on all addresses, and names the one that its host publishes it on."""
    up = Up(tmp_path / "sandbox", "--open", "oidc")
    try:
        listening = {c.laddr.port: c.laddr.ip for c in psutil.Process(up.process.pid).net_connections("tcp4")}
        issuer = httpx.URL(up.told["oidc"]["issuer"])
        assert (issuer.host, listening[issuer.port or 0]) == ("127.0.0.1", EVERYWHERE)
        assert listening[httpx.URL(up.told["webdav"]["url"]).port or 0] == "127.0.0.1"
    finally:
        assert up.end(signal.SIGTERM) == 0
