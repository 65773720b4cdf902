"""Write the dependency locks: one for development, one for each distribution that is installed alone.

A lock holds exact versions and the hashes of every file that may be installed, and no index address: where
packages come from is the machine's own setting. `requirements/dev.txt` is resolved first and constrains the rest,
so what a service's image installs is what the tests ran with.

    python scripts/lock.py [options of uv pip compile, such as --upgrade-package NAME]
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
FIRST_LINE = "# Made by `make lock`; edit the pyproject.toml files or requirements/dev.in instead.\n"
OLDEST_PYTHON = "3.11.2"
"""What Debian 12 has; a lock resolved for a newer one may name versions that don't install there."""


def packages() -> dict[str, Path]:
    """Every distribution of this repository by name, with its directory."""
    found = {}
    for path in sorted(
        path for folder in ("libs", "services", "deploy") for path in ROOT.glob(f"{folder}/*/pyproject.toml")
    ):
        found[tomllib.loads(path.read_text())["project"]["name"]] = path.parent
    return found


def name_of(requirement: str) -> str:
    """The distribution's name at the front of a requirement."""
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()


def outside_requirements(name: str, local: dict[str, Path]) -> set[str]:
    """What `name` and the local distributions it needs ask of the world, extras included."""
    wanted: set[str] = set()
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        project = tomllib.loads((local[current] / "pyproject.toml").read_text())["project"]
        extras = [r for extra in project.get("optional-dependencies", {}).values() for r in extra]
        for requirement in [*project["dependencies"], *extras]:
            if name_of(requirement) in local:
                waiting.append(name_of(requirement))
            else:
                wanted.add(requirement)
    return wanted


def compile_lock(target: Path, requirements: set[str], options: Sequence[str | Path]) -> None:
    """Resolve `requirements` into `target`, keeping the versions it already names unless told to upgrade."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"{target.stem}.in"
        source.write_text("\n".join(sorted(requirements)) + "\n")
        options = ["--universal", "--python-version", OLDEST_PYTHON, *options]
        subprocess.run(
            [
                "uv",
                "pip",
                "compile",
                "--quiet",
                "--generate-hashes",
                "--no-header",
                "--no-annotate",
                "--output-file",
                target,
                *options,
                source,
            ],
            check=True,
            cwd=ROOT,
        )
    target.write_text(FIRST_LINE + target.read_text().removeprefix(FIRST_LINE))


def main() -> None:
    """Write every lock."""
    local = packages()
    options = sys.argv[1:]
    development = {line for line in (LOCKS / "dev.in").read_text().splitlines() if line and line[0] != "#"}
    for name in local:
        development |= outside_requirements(name, local)
    compile_lock(LOCKS / "dev.txt", development, options)
    constraint = ["--constraint", LOCKS / "dev.txt"]
    compile_lock(LOCKS / "build.txt", {"editables", "hatchling", "uv"}, constraint)
    # No constraint: nothing is shared, and it has builds for some machines only.
    compile_lock(
        LOCKS / "fuzz.txt", {"atheris>=3,<3.1; sys_platform == 'linux' and platform_machine == 'x86_64'"}, options
    )
    for name, directory in local.items():
        if directory.parent.name != "libs":
            compile_lock(LOCKS / f"{name}.txt", outside_requirements(name, local), constraint)


if __name__ == "__main__":
    main()
