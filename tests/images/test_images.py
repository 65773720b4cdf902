"""The images by themselves, and the stack on the networks that a real deployment has."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess

import pytest
from container_stack import ENGINE, ROOT, SERVICES, Stack, run

IMAGES = {
    "stager-api": "",
    "stager-worker": "",
    "stager-ui": "10001:10001",
    "stager-admin": "10001:10001",
    "stager-redis": "10001:10001",
    "stager-sandbox": "10001:10001",
    "s-isync": "10001:10001",
}
"""As whom each runs; API and worker begin as root to become other users."""


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_says_what_it_is(image: str) -> None:
    """Labels name version, revision and licence, and the user is not root where it needn't be."""
    config = json.loads(run(ENGINE, "image", "inspect", f"{image}:latest").stdout)[0]["Config"]
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in config["Labels"].items()}
    assert labels["title"] == image
    assert labels["version"] == (ROOT / "VERSION").read_text().strip()
    assert labels["licenses"] == "Apache-2.0"
    assert len(labels["revision"]) == 40
    assert config.get("User", "") == IMAGES[image]


@pytest.mark.parametrize("image", [name for name in IMAGES if name != "stager-redis"])
def test_an_image_brings_no_more_than_it_runs(image: str) -> None:
    """No installer and no tests of others are in what we add."""
    found = run(
        ENGINE, "run", "--rm", "--network", "none", "--entrypoint", "find", f"{image}:latest",
        "/opt/stager", "(", "-name", "pip", "-o", "-name", "tests", ")", "-path", "*site-packages*",
    )  # fmt: skip
    assert found.stdout.split() == []


@pytest.mark.parametrize("image", [name for name in IMAGES if name != "stager-redis"])
def test_an_image_holds_these_sources(image: str) -> None:
    """Whatever an engine or an installer had in its cache: each module of ours is the one that lies here."""
    sources = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ROOT.glob("*/*/src") if folder.parent.name != "tests"
        for path in folder.rglob("*.py")
    }  # fmt: skip
    found = dict(reversed(line.split()[:2]) for line in contents(image) if line.endswith(".py"))
    own = {name.partition("site-packages/")[2]: digest for name, digest in found.items()}
    packages = {name.split("/")[0] for name in sources}
    held = {name: digest for name, digest in own.items() if name.split("/")[0] in packages}
    assert len(held) > 20
    assert {name for name, digest in held.items() if sources.get(name) != digest} == set()


def test_s_isync_runs_alone() -> None:
    """The command line's image needs no service: it says what it can, and what stands wrong."""
    said = run(
        ENGINE, "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "s-isync:latest", "--help"
    )
    assert "irods" in said.stdout
    refused = subprocess.run(
        [ENGINE, "run", "--rm", "--network", "none", "s-isync:latest", "/nowhere", "i:/zone/home"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr


def test_the_same_sources_give_the_same_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second build from nothing has the same bytes under the same names, compiled ones included: the same layers."""
    before = contents("s-isync"), layers("s-isync")
    monkeypatch.setenv("IMAGE_BUILD_OPTIONS", f"{os.environ.get('IMAGE_BUILD_OPTIONS', '')} --no-cache")
    run("scripts/images", "s-isync")
    assert (contents("s-isync"), layers("s-isync")) == before


def layers(image: str) -> list[str]:
    """The digests of an image's layers; nothing with docker, whose layers hold when they were made."""
    inspected = json.loads(run(ENGINE, "image", "inspect", f"{image}:latest").stdout)[0]
    return list(inspected["RootFS"]["Layers"]) if ENGINE == "podman" else []


def contents(image: str) -> list[str]:
    """Each file that we add to an image, with its checksum and mode."""
    every = "find /opt/stager {} -print0 | sort -z | xargs -0"
    listed = f"{every.format('-type f')} sha256sum && {every.format('')} stat -c '%n %a %u %g'"
    said = run(ENGINE, "run", "--rm", "--network", "none", "--entrypoint", "sh", f"{image}:latest", "-c", listed)
    return said.stdout.splitlines()


def test_a_prepared_directory_starts_as_it_is() -> None:
    """Without a sandbox, on its own networks, every service is well; Redis is on none that leads outside."""
    with Stack("stagerplain", sandbox=False) as stack:
        assert "SERVING" in stack.inside("api", "stager-api", "health")
        for service in SERVICES:
            networks = json.loads(run(ENGINE, "inspect", stack.container(service)).stdout)[0]["NetworkSettings"][
                "Networks"
            ]
            names = {name.rpartition("_")[2] for name in networks}
            assert names == {
                "redis": {"backend"}, "admin": {"backend", "admin"}
            }.get(service, {"backend", "front"})  # fmt: skip
        refused = stack.inside("redis", "redis-cli", "PING")
        assert "NOAUTH" in refused
        refused = stack.inside(
            "redis", "redis-cli", "--no-auth-warning", "--user", "health", "--pass", "-", "KEYS", "*"
        )
        assert "NOPERM" in refused
