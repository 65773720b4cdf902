"""Build a wheel of every package into dist/, and check that each installs alone in an empty environment.

Usage: python scripts/dist.py [PACKAGE...]. Versions of what a package needs come from requirements/dev.txt.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PACKAGES = {
    tomllib.loads(path.read_text())["project"]["name"]: path.parent
    for folder in ("libs", "services", "deploy")
    for path in sorted(ROOT.glob(f"{folder}/*/pyproject.toml"))
}
STANDS_WITHOUT = {"s-isync": {"grpcio", "redis", "flask", "rq"}, "stager-client": {"redis", "rq", "flask"}}
"""What must not come along with a package."""


def run(*words: str | Path) -> str:
    """Run a program; its output, or the end of this one with what it said."""
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"dist: {' '.join(map(str, words))} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def pip(python: Path | str, *words: str | Path) -> str:
    """Run pip for an environment."""
    return run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", python, *words)


def build() -> None:
    """Put a wheel of every package into an empty dist/."""
    DIST.mkdir(exist_ok=True)
    for old in DIST.glob("*.whl"):
        old.unlink()
    for directory in PACKAGES.values():
        pip(sys.executable, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", DIST, directory)


def constraints(folder: Path) -> Path:
    """The locked versions without their hashes, since the wheels built here have none in the lock."""
    versions = [
        line.removesuffix("\\").rstrip()  # with its marker: a package may have a version for each
        for line in (ROOT / "requirements/dev.txt").read_text().splitlines()
        if line and line[0] not in " #"
    ]
    path = folder / "constraints.txt"
    path.write_text("\n".join(versions) + "\n")
    return path


def check(name: str) -> None:
    """Install one wheel into a new environment, import it and run its commands' help."""
    project = tomllib.loads((PACKAGES[name] / "pyproject.toml").read_text())
    module = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"][0].removeprefix("src/")
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        run(sys.executable, "-m", "venv", "--without-pip", environment)
        python = environment / "bin/python"
        pip(python, "install", "--find-links", DIST, "--constraint", constraints(Path(folder)), name)
        run(python, "-c", f"import {module}")
        for command in project["project"].get("scripts", {}):
            run(environment / "bin" / command, "--help")
        installed = {line.split("==")[0].lower() for line in pip(python, "freeze").splitlines()}
    unwanted = installed & STANDS_WITHOUT.get(name, set())
    if unwanted:
        sys.exit(f"dist: {name} brings along {', '.join(sorted(unwanted))}")
    print(f"{name}: installs alone, with {len(installed) - 1} others")


def main() -> None:
    """Build all, check those that are named, or all."""
    build()
    for name in sys.argv[1:] or PACKAGES:
        check(name)


if __name__ == "__main__":
    main()
