"""What a worker looks at before it takes a job."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from stager_credentials.key_directory import add_key
from stager_sandbox.redis_server import RedisServer
from stager_worker.settings import WorkerSettings

COMMAND = Path(sys.executable).parent / "stager-worker"
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(folder: Path, stand_in: Path, redis_server: RedisServer) -> Start:
    """Starts `stager-worker` with these settings."""

    def do(**settings: object) -> subprocess.Popen[str]:
        config = folder / "worker.yml"
        config.touch(0o600)
        usual = {"isync": {"program": str(stand_in)}, "log_directory": str(folder / "log"), "concurrency": 1}
        config.write_text(yaml.safe_dump(usual | settings))
        environment = {**os.environ, "STAGER_REDIS_URL": redis_server.url}
        return subprocess.Popen(
            [COMMAND, "--config", config], env=environment, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )

    return do


def test_a_private_key_that_others_can_read_ends_the_start(start: Start, tmp_path: Path) -> None:
    """Before any job is taken, and with the file's name."""
    keys = tmp_path / "keys"
    key_id = add_key(keys)
    (keys / f"{key_id}.pem").chmod(0o644)
    worker = start(keyring=str(keys))
    _, said = worker.communicate(timeout=60)
    assert worker.returncode == 1
    assert f"{key_id}.pem: a private key with mode 0644, open to others" in said
    assert "Traceback" not in said


def test_what_is_less_safe_is_said_at_the_start(start: Start) -> None:
    """In the log, where an administrator looks."""
    worker = start(dr={"ssl_verify_server": "cert"})
    assert worker.stderr
    said = ""
    while "worker starts" not in said:
        line = worker.stderr.readline()
        assert line, said
        said += line
    worker.terminate()
    worker.communicate(timeout=60)
    assert "any host with a certificate of the authority" in said


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"dr": {"host": "icat.example.org", "client_server_policy": "CS_NEG_REFUSE"}}, "CS_NEG_REFUSE"),
        ({"dr": {"host": "icat.example.org", "client_server_policy": "CS_NEG_DONT_CARE"}}, "CS_NEG_DONT_CARE"),
        ({"dr": {"ssl_verify_server": "cert"}}, "ssl_verify_server"),
        (
            {"mail": {"host": "m.example.org", "sender": "a@b", "security": "none", "plaintext_beyond_loopback": True}},
            "mail.security",
        ),
        ({"metrics": {"port": 9, "host": "192.0.2.1"}}, "metrics"),
    ],
)
def test_every_such_choice_has_its_warning(settings: dict[str, Any], word: str) -> None:
    """One each; without such choices there is none."""
    (warning,) = WorkerSettings.model_validate(settings).warnings()
    assert word in warning
    assert not list(WorkerSettings.model_validate({"dr": {"host": "icat.example.org"}}).warnings())
