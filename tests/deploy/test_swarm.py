"""The swarm's stack, as docker's own client reads it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from stager_settings import load_settings

NAMES = {"redis", "api", "worker", "ui", "admin"}
IN_A_SWARM_ALREADY = {"edge"}


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What `docker stack config`, or where there is none Debian's docker-compose, makes of it."""
    root, prepared = Path(__file__).resolve().parents[2], request.getfixturevalue("prepared")
    file = "deploy/swarm/stack.yaml"
    if shutil.which("docker"):
        command = ["docker", "stack", "config", "-c", file]
    elif shutil.which("docker-compose"):
        command = ["docker-compose", "-f", file, "config"]
    else:
        pytest.skip("neither docker nor docker-compose is installed: scripts/system-packages compose")
    done = subprocess.run(
        ["sh", "-c", '. "$0" && exec "$@"', prepared / "env.sh", *command],
        cwd=root, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "unsupported" not in done.stderr.lower(), done.stderr
    return dict(yaml.safe_load(done.stdout))


def seconds(text: str) -> float:
    """Of docker's way to write times."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)([hms])", text))


def test_every_file_is_there(stack: dict[str, Any], prepared: Path) -> None:
    """What the stack takes in as secrets and configs is what deploy/prepare.py makes."""
    assert stack["services"].keys() == NAMES
    files = {Path(entry["file"]) for kind in ("secrets", "configs") for entry in stack[kind].values()}
    assert [file for file in files if not file.is_file()] == []
    assert all(file.is_relative_to(prepared) for file in files)


def test_secrets_are_no_configs(stack: dict[str, Any]) -> None:
    """Anybody may read a config: none of them holds what its owner alone may read on the disk."""
    for entry in stack["configs"].values():
        assert Path(entry["file"]).stat().st_mode & 0o004, entry


@pytest.mark.parametrize("service", ["api", "worker", "ui", "admin"])
def test_a_service_finds_its_settings(
    stack: dict[str, Any], settings: dict[str, tuple[type[BaseModel], str, str]], service: str
) -> None:
    """Its file and each secret are mounted where it looks for them, and are enough for it to start."""
    told, (model, prefix, usual) = stack["services"][service], settings[service]
    mounted = {}
    for kind in ("secrets", "configs"):
        for entry in told.get(kind, []):
            target = entry["target"] if entry["target"].startswith("/") else f"/run/secrets/{entry['target']}"
            mounted[target] = stack[kind][entry["source"]]["file"]
    environment = {name: mounted[path] for name, path in told.get("environment", {}).items()}
    loaded = load_settings(model, Path(mounted[usual]), env_prefix=prefix, environment=environment)
    url = loaded.redis_url if service == "admin" else loaded.redis.url
    assert url.get_secret_value().endswith("@redis:6379/0")
    for path in re.findall(r"/etc/stager/(?:certs|keys)\S*", Path(mounted[usual]).read_text()):
        assert [target for target in mounted if target.startswith(path)], f"{service}: nothing is mounted at {path}"


def test_a_service_has_no_more_rights_than_it_needs(stack: dict[str, Any], capabilities: dict[str, set[str]]) -> None:
    """A root file system that can't be written, and two or three capabilities at most."""
    for name, service in stack["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert set(service.get("cap_add", [])) == capabilities.get(name, set())


def test_an_update_loses_no_job(stack: dict[str, Any]) -> None:
    """One after the other; a worker has the time to hand its jobs back, and never are two servers on Redis's files."""
    services = stack["services"]
    for name, service in services.items():
        update = service["deploy"]["update_config"]
        assert (update["parallelism"], update["failure_action"]) == (1, "rollback"), name
    from stager_worker.settings import WorkerSettings

    grace = WorkerSettings.model_fields["stop_grace"].default
    assert seconds(services["worker"]["stop_grace_period"]) >= grace + 15
    assert services["redis"]["deploy"]["update_config"]["order"] == "stop-first"
    assert services["redis"]["deploy"]["replicas"] == 1


def test_redis_is_reached_from_the_inside_alone(stack: dict[str, Any]) -> None:
    """On one network, which leads nowhere and is encrypted between machines; only the API is published."""
    assert list(stack["services"]["redis"]["networks"]) == ["backend"]
    assert stack["networks"]["backend"]["internal"]
    assert "encrypted" in stack["networks"]["backend"]["driver_opts"]
    assert [name for name, service in stack["services"].items() if service.get("ports")] == ["api"]


def test_the_dashboard_has_a_network_of_its_own(stack: dict[str, Any]) -> None:
    """Besides Redis's; nothing else of the stack is on it, and what goes over it is encrypted between machines."""
    on_it = [name for name, service in stack["services"].items() if "admin" in service["networks"]]
    assert on_it == ["admin"]
    assert set(stack["services"]["admin"]["networks"]) == {"backend", "admin"}
    assert "encrypted" in stack["networks"]["admin"]["driver_opts"]
