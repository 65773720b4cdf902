"""What deploy/prepare.py makes is closed as it is: Redis, the files, the sample configuration, compose's networks."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from stager_api.settings import ApiSettings
from stager_sandbox.free_port import free_port
from stager_sandbox.redis_server import find_redis_server
from stager_settings import load_settings
from stager_ui.settings import UiSettings
from stager_worker.settings import WorkerSettings

OWN_KEYS = {"stager": "rq:job:x", "ui": "stager-ui:session:x", "admin": "rq:job:x"}
"""By user of Redis: a key of those that it is for."""
ELSEWHERE = {"stager": "stager-ui:session:x", "ui": "rq:job:x", "admin": "stager-ui:session:x"}
"""And one of those that it isn't for."""


@pytest.fixture(scope="module")
def port(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Redis with the deployment's own configuration and users."""
    folder = tmp_path_factory.mktemp("redis")
    free = free_port()
    here = {
        "/run/secrets/redis-acl": str(prepared / "secrets/redis-acl"), "dir /data": f"dir {folder}",
        "bind * -::*": "bind 127.0.0.1", "port 6379": f"port {free}",
    }  # fmt: skip
    text = (prepared / "config/redis.conf").read_text()
    for there, instead in here.items():
        assert there in text
        text = text.replace(there, instead)
    (folder / "redis.conf").write_text(text)
    command = [find_redis_server(), folder / "redis.conf"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    deadline = time.monotonic() + 30
    with Redis(port=free, username="health", password="any") as probe:
        while time.monotonic() < deadline:
            with suppress(RedisError):
                if probe.ping():
                    break
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
    yield free
    server.terminate()
    server.wait(20)


@pytest.mark.parametrize("login", [{}, {"password": ""}, {"password": "x"}, {"username": "stager", "password": "x"}])
def test_nobody_gets_into_redis_without_a_password(port: int, login: dict[str, str]) -> None:
    """Fault 4: neither without one, nor with a wrong one, nor as the user that every Redis has."""
    with Redis(port=port, **login) as redis, pytest.raises(AuthenticationError):
        redis.get("rq:job:x")


def test_the_health_check_may_do_nothing_else(port: int) -> None:
    """Anybody on Redis's network may ask whether it is well."""
    with Redis(port=port, username="health", password="any") as redis:
        assert redis.ping()
        for refused in (lambda: redis.get("rq:job:x"), lambda: redis.keys("*"), redis.info):
            with pytest.raises(NoPermissionError):
                refused()


@pytest.mark.parametrize("name", OWN_KEYS)
def test_each_service_has_its_own_keys(port: int, prepared: Path, name: str) -> None:
    """And no way to the others', to Redis's users and configuration, or to all of it at once."""
    url = (prepared / f"secrets/redis-url-{name}").read_text().strip()
    with Redis.from_url(url.replace("@redis:6379", f"@127.0.0.1:{port}")) as redis:
        assert redis.set(OWN_KEYS[name], "1")
        refused: list[Callable[[], object]] = [
            lambda: redis.get(ELSEWHERE[name]),
            lambda: redis.set(ELSEWHERE[name], "1"),
            lambda: redis.config_get("*"),
            redis.acl_list,
            redis.flushall,
            lambda: redis.execute_command("MONITOR"),
        ]
        for attempt in refused:
            with pytest.raises(NoPermissionError):
                attempt()


def test_secrets_are_their_owners_alone(prepared: Path) -> None:
    """Nobody else can even look into the folder; what is readable in it holds hashes."""
    for folder in ("secrets", "keys/private"):
        assert (prepared / folder).stat().st_mode & 0o777 == 0o700
    open_to_others = {
        path.name for path in prepared.rglob("*") if path.is_file() and path.parent.name == "secrets"
        and path.stat().st_mode & 0o077
    } - {"oidc-client-secret"}  # which isn't of its making here  # fmt: skip
    assert open_to_others == {"redis-acl"}
    # Service accounts' passwords go in there.
    assert (prepared / "config/worker.yml").stat().st_mode & 0o077 == 0
    assert "PRIVATE KEY" not in "".join(path.read_text() for path in (prepared / "keys/public").iterdir())
    for path in [*prepared.rglob("*-key.pem"), *(prepared / "keys/private").glob("*.pem")]:
        assert path.name.endswith(".pub.pem") or path.stat().st_mode & 0o077 == 0, path


def test_the_samples_are_as_safe_as_can_be(prepared: Path) -> None:
    """TLS on gRPC, https before browsers, iRODS verified, and no warning at any start."""

    def load(model: type[BaseModel], name: str, prefix: str, **environment: str) -> Any:  # noqa: ANN401 - its settings
        return load_settings(model, prepared / "config" / name, env_prefix=prefix, environment=environment)

    api = load(ApiSettings, "api-server.yml", "STAGER_API_")
    assert api.grpc.tls
    worker = load(WorkerSettings, "worker.yml", "STAGER_WORKER_")
    assert [*api.warnings(), *worker.warnings()] == []
    ui = load(UiSettings, "ui.yml", "STAGER_UI_", STAGER_UI_SESSION__SECRET="x" * 40)
    assert ui.secure
    assert not ui.api.plaintext


def test_compose_keeps_redis_and_dashboard_inside(root: Path) -> None:
    """Redis is on a network that leads nowhere, the dashboard on this machine alone and with nobody else."""
    stack = yaml.safe_load((root / "deploy/compose.yaml").read_text())
    services = stack["services"]
    assert services["redis"]["networks"] == ["backend"]
    assert "ports" not in services["redis"]
    assert stack["networks"]["backend"]["internal"]
    assert [name for name, service in services.items() if "admin" in service["networks"]] == ["admin"]
    assert set(services["admin"]["networks"]) == {"backend", "admin"}
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published.keys() == {"api", "ui", "admin"}
    assert all(port.startswith("127.0.0.1:") for name in ("ui", "admin") for port in published[name])
