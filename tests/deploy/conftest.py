"""What stands in deploy/, held against the tools that read it and the services that it starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel
from stager_admin.settings import AdminSettings
from stager_api.settings import ApiSettings
from stager_ui.settings import UiSettings
from stager_worker.settings import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]
SETTINGS: dict[str, tuple[type[BaseModel], str, str]] = {
    "api": (ApiSettings, "STAGER_API_", "/etc/stager/api-server.yml"),
    "worker": (WorkerSettings, "STAGER_WORKER_", "/etc/stager/worker.yml"),
    "ui": (UiSettings, "STAGER_UI_", "/etc/stager/ui.yml"),
    "admin": (AdminSettings, "STAGER_ADMIN_", "/etc/stager/admin.yml"),
}
"""By service: its settings, what its variables begin with, and where it looks for its file."""
CAPABILITIES = {"api": {"SETUID", "SETGID"}, "worker": {"SETUID", "SETGID", "KILL"}}
"""Of those that have any."""


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What deploy/prepare.py makes, and the one secret that only the institute has."""
    folder = tmp_path_factory.mktemp("deployment")
    command = [sys.executable, "deploy/prepare.py", folder, "--name", "stager-api.example.org"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (folder / "secrets/oidc-client-secret").write_text("given-by-the-provider\n")
    return folder


@pytest.fixture
def settings() -> dict[str, tuple[type[BaseModel], str, str]]:
    """See SETTINGS."""
    return SETTINGS


@pytest.fixture
def capabilities() -> dict[str, set[str]]:
    """See CAPABILITIES."""
    return CAPABILITIES


@pytest.fixture
def root() -> Path:
    """The repository's root."""
    return ROOT
