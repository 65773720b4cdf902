"""Settings that would send secrets in clear, or make none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from stager_settings import SettingsError, load_settings
from stager_ui.cli import main
from stager_ui.settings import UiSettings

GOOD: dict[str, Any] = {
    "public_url": "https://stager.example.org",
    "session": {"secret": "x" * 32},
    "oidc": {"issuer": "https://login.example.org", "client_id": "ui"},
    "api": {"target": "api:50051"},
    "repository": {"webdav_url": "https://webdav.example.org"},
}


def load(folder: Path, **changes: dict[str, Any] | str) -> UiSettings:
    """Write them down and read them."""
    path = folder / "ui.yml"
    path.write_text(yaml.safe_dump(GOOD | changes))
    return load_settings(UiSettings, path, env_prefix="STAGER_UI_", environment={})


def test_good_ones(tmp_path: Path) -> None:
    """What is needed is little."""
    assert load(tmp_path).secure


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"public_url": "http://stager.example.org"}, "public_url has to be https"),
        ({"oidc": {"issuer": "http://login.example.org", "client_id": "ui"}}, "oidc.issuer has to be https"),
        ({"repository": {"webdav_url": "http://webdav.example.org"}}, "webdav_url has to be https"),
        ({"api": {"target": "api:50051", "plaintext": True}}, "loopback"),
        ({"session": {"secret": "short"}}, "session.secret"),
        ({"session": {}}, "session.secret"),
        ({"session": {"secret": "x" * 32, "seconds": 86400}}, "session.seconds"),
        ({"listen": {"certificate": "/x.pem"}}, "belong together"),
        ({"sesion": {}}, "sesion"),
    ],
)
def test_bad_ones(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    """Each is refused at the start, by name, without its value."""
    with pytest.raises(SettingsError, match=word) as refused:
        load(tmp_path, **changes)
    assert "short" not in str(refused.value)


def test_command(tmp_path: Path) -> None:
    """A person reads a sentence, not a traceback."""
    done = CliRunner().invoke(main, ["--config", str(tmp_path / "none.yml")])
    assert done.exit_code == 1
    assert "can't be read" in done.output
    assert not isinstance(done.exception, SettingsError)


def test_health_command_without_a_service(tmp_path: Path) -> None:
    """Where nothing answers, that is what it says, and fails."""
    path = tmp_path / "ui.yml"
    path.write_text(yaml.safe_dump(GOOD | {"listen": {"port": 9}}))
    done = CliRunner().invoke(main, ["health", "--config", str(path)])
    assert done.exit_code == 1
    assert "nothing answers at 127.0.0.1:9" in done.output
