"""The example streamer against the whole stager: a project's number and a folder in, a verified upload out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Stack

pytestmark = pytest.mark.xdist_group("stack")

EXAMPLE = Path(__file__).resolve().parents[2] / "libs/stager-client/examples/streamer.py"
PROJECT = "3010000.02"
"""The service account's own, which the form knows."""


def test_streamer_uploads_with_the_service_account(stack: Stack) -> None:
    """No repository password is given anywhere; what arrives is the service account's, byte for byte."""
    service = stack.services.sandbox["service_account"]["name"]
    folder = stack.folder("sub-01", stack.user)
    contents = {f"{number}.dcm": os.urandom(5000) for number in range(5)}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        stack.give(folder / name, stack.user, 0o600)
    done = subprocess.run(
        [sys.executable, EXAMPLE, PROJECT, folder],
        env=stack.environment | {"STREAMER_DR_USER": service, "STREAMER_STAGER_USER": stack.user},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].endswith("completed, 5 files")
    collection = stack.stager("project", PROJECT).stdout.strip()
    for name in contents:
        assert stack.zone.stat(service, f"{collection}/raw/sub-01/{name}")


def test_streamer_says_what_is_wrong(stack: Stack) -> None:
    """An unknown project and a service account that isn't the caller's: a line, and a code other than 0."""
    for project, account, says in (
        ("9999999.99", "stager-service", "no collection of project"),
        (PROJECT, "somebody-else", "may not use"),
    ):
        done = subprocess.run(
            [sys.executable, EXAMPLE, project, stack.place.root / "project"],
            env=stack.environment | {"STREAMER_DR_USER": account, "STREAMER_STAGER_USER": stack.user},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert says in done.stderr
        assert "Traceback" not in done.stderr
