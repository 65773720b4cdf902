"""An s-isync that every user of this machine can run, wherever the repository and its Python lie."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).parent / "s-isync"
SYSTEM_PYTHON = Path("/usr/bin/python3")
_LAUNCHER = """#!{python} -I
import sys
sys.path.insert(0, {modules!r})
from s_isync.cli import main
sys.exit(main())
"""


def runnable_isync(folder: Path, uid: int) -> Path | None:
    """The installed program where the user can run it, else a copy in `folder`; None where neither is to be had."""
    if _runs(PROGRAM, uid):
        return PROGRAM
    if not _runs(SYSTEM_PYTHON, uid):
        return None
    modules = folder / "isync-modules"
    for file in _files_of("s-isync"):
        target = modules / file[1]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file[0], target)
    copy = folder / "s-isync"
    copy.write_text(_LAUNCHER.format(python=SYSTEM_PYTHON, modules=str(modules)))
    copy.chmod(0o755)
    return copy if _runs(copy, uid) else None


def _runs(program: Path, uid: int) -> bool:
    try:
        tried = subprocess.run(
            [program, "--version"],
            user=uid,
            group=uid,
            extra_groups=[],
            cwd="/",
            env={},
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return tried.returncode == 0


def _files_of(name: str) -> list[tuple[Path, Path]]:
    """Each file of a distribution and of those that it needs, with its path among the modules."""
    found: dict[Path, Path] = {}
    waiting, seen = [name], set()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        try:
            distribution = importlib.metadata.distribution(current)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system or an extra
        needed = [text for text in distribution.requires or [] if "extra ==" not in text]
        waiting += [re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0] for text in needed]
        for file in distribution.files or []:
            source = Path(str(distribution.locate_file(file)))
            if ".." not in file.parts and "__pycache__" not in file.parts and source.is_file():
                found[source] = Path(file)
    root = Path(str(sys.modules[__name__].__file__)).parents[2]
    for package in ("services/s-isync/src", "libs/stager-credentials/src"):
        for source in (root / package).rglob("*.py"):
            found[source] = source.relative_to(root / package)
    return list(found.items())
