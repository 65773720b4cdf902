"""Who is measured, and how each is called."""

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

_PEERS = Path(__file__).parent / "peers"
_Words = tuple[str, ...]
_BY_ICOMMANDS: tuple[tuple[str, _Words, _Words], ...] = (
    (
        "irsync -K",
        ("irsync", "-r", "-K", "{local}", "i:{remote}"),
        ("irsync", "-r", "-K", "i:{remote}", "{local}"),
    ),
    (
        "iput/iget",
        ("iput", "-r", "-K", "-f", "{local}", "{remote}"),
        ("iget", "-r", "-K", "-f", "{remote}", "{local}"),
    ),
    (
        "gocmd",
        ("gocmd", "put", "-K", "{local}", "{remote}"),
        ("gocmd", "get", "-K", "{remote}", "{local}"),
    ),
)


@dataclass(frozen=True)
class Call:
    """What a contender is asked to do: `up` or `down`, which folder, which collection."""

    direction: str
    local: Path
    remote: str


@dataclass(frozen=True)
class Contender:
    """A program. Words of its commands may be `{local}` and `{remote}`.

    Attributes:
        name: in the table.
        up: the command that uploads a folder's contents.
        down: the command that downloads them; None where that is no different from another contender's.
        by_icommands: whether it finds the zone by `IRODS_ENVIRONMENT_FILE`, so that no tap can be put between.
    """

    name: str
    up: tuple[str, ...]
    down: tuple[str, ...] | None
    by_icommands: bool = False

    def command(self, call: Call) -> list[str] | None:
        """What to run."""
        words = self.up if call.direction == "up" else self.down
        return None if words is None else [w.format(local=call.local, remote=call.remote) for w in words]


def contenders(zone_file: Path, *, ibridges: bool) -> list[Contender]:
    """Those that can run here."""
    isync = str(Path(sys.executable).with_name("s-isync"))
    peer = (sys.executable, str(_PEERS / "python_irodsclient.py"), str(zone_file))
    found = [
        Contender("s-isync", (isync, "-q", "{local}", "i:{remote}"), (isync, "-q", "i:{remote}", "{local}")),
        Contender("s-isync --bundle", (isync, "-q", "--bundle", "{local}", "i:{remote}"), None),
        Contender("python-irodsclient", (*peer, "up", "{local}", "{remote}"), (*peer, "down", "{local}", "{remote}")),
    ]
    if ibridges and (python := _ibridges_python()) is not None:
        sync = (python, str(_PEERS / "ibridges_sync.py"), str(zone_file))
        found.append(
            Contender("iBridges", (*sync, "up", "{local}", "{remote}"), (*sync, "down", "{local}", "{remote}"))
        )
    if "IRODS_ENVIRONMENT_FILE" in os.environ:
        for name, up, down in _BY_ICOMMANDS:
            if shutil.which(up[0]):
                found.append(Contender(name, up, down, by_icommands=True))
    return found


def _ibridges_python() -> str | None:
    """The interpreter of a virtual environment with iBridges in it, made when there is none."""
    place = Path.home() / ".cache/s-isync-bench/ibridges"
    python = place / "bin/python"
    if not python.exists():
        venv.create(place, with_pip=True)
        done = subprocess.run([python, "-m", "pip", "install", "-q", "ibridges>=2,<3"], check=False)
        if done.returncode:
            shutil.rmtree(place)
            return None
    return str(python)
