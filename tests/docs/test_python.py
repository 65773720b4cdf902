"""The Python in the documentation is run as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from code_blocks import Block, blocks
from scenes import SCENES

if TYPE_CHECKING:
    from docs_stack import Stack

pytestmark = pytest.mark.xdist_group("docs")

BLOCKS = blocks("python")
ALONE = [page for page in dict.fromkeys(block.page for block in BLOCKS) if page in SCENES]
WITH_STAGER = [block for block in BLOCKS if block.page not in SCENES]
PROJECT = "/project/3010000.02/raw"


def run(program: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run a program in a folder; what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", "-c", program],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{program}\n{done.stderr}"
    return done.stdout


def replaced(text: str, words: Mapping[str, str]) -> str:
    """A page's code with the names that things have here."""
    if not words:
        return text
    longest_first = sorted(words, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: words[found[0]], text)


@pytest.mark.parametrize("page", ALONE)
def test_code_of_a_package(page: str, tmp_path: Path) -> None:
    """A package's README shows code that runs, from its first block to its last."""
    scene = SCENES[page]
    own = [block for block in BLOCKS if block.page == page]
    program = "".join(scene.before.get(number, "") + block.text for number, block in enumerate(own))
    assert len(own) > max(scene.before, default=-1)
    tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    run(replaced(program + scene.after, scene.instead), tmp_path, os.environ | {"PATH": tools})


@pytest.fixture(scope="module")
def raw(stack: Stack) -> Path:
    """A project's folder with something in it."""
    raw = stack.folder("3010000.02", stack.user) / "raw"
    for name in ("sub-01", "sub-02"):
        (raw / name).mkdir(parents=True)
        (raw / name / "scan.dcm").write_bytes(os.urandom(1000))
    for path in (raw, *raw.rglob("*")):
        stack.give(path, stack.user, 0o700)
    return raw


def names_here(stack: Stack, raw: Path) -> dict[str, str]:
    """What stands for the documentation's names."""
    return {
        PROJECT: str(raw),
        "127.0.0.1:50051": stack.services.address,
        '"streamer:': '"demo:',
        'f"streamer:': 'f"demo:',
        '"jan@ru.nl"': '"alice"',
        '"jan"': f'"{stack.user}"',
        "--of jan": f"--of {stack.user}",
        "the repository's password": stack.passwords["alice"],
        "/project/elsewhere": f"{stack.place.root}/project/elsewhere",
    }


@pytest.mark.parametrize("block", WITH_STAGER, ids=str)
def test_code_that_calls_the_stager(block: Block, stack: Stack, raw: Path, tmp_path: Path) -> None:
    """Each block runs by itself; where it follows a transfer, that completes."""
    environment = stack.environment | {"STAGER_PASSWORD": "demo-password", "PATH": os.environ["PATH"]}
    said = run(replaced(block.text, names_here(stack, raw)), tmp_path, environment)
    if "stager.watch" in block.text:
        assert said.splitlines()[-1] == "completed 1 files"
    if "submit_many" in block.text:
        assert said.startswith("not submitted: ['dstURL")


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_shell_that_calls_the_stager(block: Block, stack: Stack, raw: Path, tmp_path: Path) -> None:
    """Each line of shell does what it is there for; lines with programs that aren't here are left out."""
    words = names_here(stack, raw)
    here = {"/project/3010000.01/raw": str(raw), "/nl.ru.donders/di/dccn/DAC_3010000.01_173": stack.home("alice")}
    for task in blocks("json"):
        if task.page == block.page:
            (tmp_path / "task.json").write_text(replaced(task.text, {**here, **words}))
    tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    lines = [line for line in block.text.splitlines() if line.strip() and shutil.which(line.split()[0], path=tools)]
    assert lines
    environment = stack.environment | {"PATH": tools, "HOME": str(tmp_path)}
    for line in lines:
        done = subprocess.run(
            ["bash", "-ec", replaced(line, words)],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stdout
