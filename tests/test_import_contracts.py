"""The import contracts hold, and each of them would notice a violation."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [*ROOT.glob("libs/*/src"), *ROOT.glob("services/*/src"), ROOT / "deploy/sandbox/src"]


def lint_imports(sources: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts of the repository over the packages in a folder."""
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [program, "--config", ROOT / "pyproject.toml", "--no-cache"],
        env={**os.environ, "PYTHONPATH": str(sources)},
        cwd=sources,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copied_sources(tmp_path: Path) -> Path:
    """All packages in one folder, which stands before the installed ones."""
    for source in SOURCES:
        shutil.copytree(source, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_contracts_hold(copied_sources: Path) -> None:
    """The packages as they are keep every contract."""
    result = lint_imports(copied_sources)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "planted", "contract"),
    [
        ("stager_api", "stager_worker", "no service imports another"),
        ("stager_ui", "stager_api", "no service imports another"),
        ("s_isync", "stager_sandbox", "no service imports another"),
        ("stager_client", "stager_api", "libs do not know the services"),
        ("stager_jobs", "stager_credentials", "libs stand alone"),
        ("stager_settings", "stager_telemetry", "libs stand alone"),
        ("s_isync", "redis", "s-isync knows nothing of the services"),
        ("s_isync", "grpc", "s-isync knows nothing of the services"),
    ],
)
def test_planted_violation_is_found(copied_sources: Path, module: str, planted: str, contract: str) -> None:
    """One forbidden import in a package breaks the contract that forbids it."""
    with (copied_sources / module / "__init__.py").open("a") as file:
        file.write(f"\nimport {planted}\n")
    result = lint_imports(copied_sources)
    assert result.returncode != 0
    broken = [line for line in result.stdout.splitlines() if line.endswith("BROKEN")]
    assert any(line.startswith(contract) for line in broken), result.stdout
