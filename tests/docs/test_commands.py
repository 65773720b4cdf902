"""Commands in the documentation are commands that exist, with options that they have."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from code_blocks import ROOT, Block, blocks, code_spans
from command_reference import COMMANDS, Command, load

BIN = ROOT / ".venv/bin"
LINES = [block for block in blocks("", "sh") if "│" not in block.text]
_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
_SCRIPT = re.compile(r"(deploy|scripts|tests|fuzz|services|libs)/[\w./-]+")


@cache
def command(name: str) -> Command:
    """What a command's parser knows."""
    return load(name, COMMANDS[name])


def command_lines(block: Block) -> Iterator[list[str]]:
    """Each command of a block, as words; what stands beside it as a comment is left out."""
    for line in block.text.replace("\\\n", " ").splitlines():
        for part in re.split(r" && | \| ", re.split(r"\s#|(?<=\S) {2,}", line.strip())[0]):
            try:
                words = shlex.split(re.sub(r"[\[\]]|\.\.\.", " ", part).replace("$(", "").replace(")", ""))
            except ValueError:
                continue
            while words and (words[0] in {"sudo", "time", "."} or re.fullmatch(r"[A-Z_]+=.*", words[0])):
                words = words[1:]
            if words:
                yield [words[0].removeprefix(".venv/bin/"), *words[1:]]


def fault(words: list[str]) -> str:
    """What is wrong with a command; empty if nothing is."""
    program, arguments = words[0], words[1:]
    if program == "make":
        targets = set(_TARGET.findall((ROOT / "Makefile").read_text()))
        asked = {word for word in arguments if "=" not in word}
        return f"make has no target {', '.join(asked - targets)}" if asked - targets else ""
    if program in COMMANDS:
        return _fault_of_options(command(program), arguments)
    scripts = [word for word in words if _SCRIPT.fullmatch(word)]
    missing = [word for word in scripts if not (ROOT / word).exists()]
    return f"there is no {', '.join(missing)}" if missing else ""


def _fault_of_options(known: Command, words: list[str]) -> str:
    options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", " ".join(option.written for option in known.options)))
    verbs = {verb.name.split()[-1]: verb for verb in known.verbs}
    for number, word in enumerate(words):
        if word == "--":
            break
        if word in verbs:
            return _fault_of_options(verbs[word], words[number + 1 :])
        name = word.partition("=")[0]
        if re.match(r"--?[a-z]", name) and name not in options | {"--help", "-h"}:
            return f"{known.name} has no option {name}"
    return "" if not verbs or not words or words[0].startswith("-") else f"{known.name} has no verb {words[0]}"


@pytest.mark.parametrize("block", LINES, ids=str)
def test_commands_in_blocks_exist(block: Block) -> None:
    """Programs, verbs, options, make's targets and scripts are there."""
    assert [found for words in command_lines(block) if (found := fault(words))] == []


def test_commands_in_sentences_exist() -> None:
    """The same within sentences."""
    programs = {"make", *COMMANDS}
    faults = {
        str(span): found
        for span in code_spans()
        for words in command_lines(span)
        if len(words) > 1 and words[0] in programs and (found := fault(words))
    }
    assert faults == {}


@pytest.mark.parametrize(
    "line",
    ["make tests", "stager submit --chekc task.json", "stager submti task.json", "deploy/backups.sh save X",
     "stager-worker heath", "s-isync --dry a b", "stager-credentials rotate --from 2026 DIR"],
)  # fmt: skip
def test_a_wrong_command_is_found(line: str) -> None:
    """The checks above find a command that isn't there."""
    assert [words for words in command_lines(Block("", 0, "", line)) if fault(words)] != []


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_shell_can_be_read(block: Block) -> None:
    """A block that is shell is good shell."""
    read = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")


def test_every_command_is_in_the_reference() -> None:
    """Whatever the packages install has its place in the reference."""
    installed = set()
    for project in ROOT.glob("*/*/pyproject.toml"):
        scripts = re.search(r"^\[project\.scripts\]\n((?:.+\n)+)", project.read_text(), re.MULTILINE)
        installed |= set(re.findall(r"^([a-z-]+) =", scripts[1], re.MULTILINE)) if scripts else set()
    assert installed == set(COMMANDS)
    assert all(f"\n## {name}\n" in Path(ROOT / "docs/commands.md").read_text() for name in installed)
