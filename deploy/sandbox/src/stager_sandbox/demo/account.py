"""As which local user the demo's transfers run."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

_FIRST_UID = 1000
_NOBODY = 65_534


@dataclass(frozen=True, slots=True)
class Account:
    """A local user.

    Attributes:
        name: The user's name.
        uid: Their number.
        gid: Their group's.
        why: Why it is this one, for a person; empty where that goes without saying.
    """

    name: str
    uid: int
    gid: int
    why: str = ""

    @property
    def is_system(self) -> bool:
        """Whether the services take it for no person's account, unless told otherwise."""
        return self.uid < _FIRST_UID or self.uid == _NOBODY

    def give(self, folder: Path) -> None:
        """Make everything in a folder theirs, where this process may."""
        if os.geteuid() == 0:
            for path in [folder, *folder.rglob("*")]:
                os.lchown(path, self.uid, self.gid)


def choose_account(program: Path, folder: Path) -> Account:
    """Whoever runs the demo; for root: who called sudo, else nobody, else root where others can't get here.

    Args:
        program: What the user has to be able to run.
        folder: Where the user has to be able to go.
    """
    own = pwd.getpwuid(os.geteuid())
    if own.pw_uid != 0:
        return Account(own.pw_name, own.pw_uid, own.pw_gid)
    candidates = {
        os.environ.get("SUDO_USER", ""): "you called sudo as them",
        "nobody": "a transfer runs as the user who asked, and root should not ask",
    }
    for name, why in candidates.items():
        try:
            entry = pwd.getpwnam(name)
        except (KeyError, ValueError):
            continue
        if entry.pw_uid != 0 and _can_use(entry, program, folder):
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, why)
    return Account("root", 0, 0, f"no other user can get to {program.parent}")


def _can_use(user: pwd.struct_passwd, program: Path, folder: Path) -> bool:
    try:
        tried = subprocess.run(  # noqa: S603 - the demo's own program
            [program, "--version"],
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
            cwd="/",
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            timeout=60,
            check=False,
        )
        seen = subprocess.run(  # noqa: S603 - as above
            ["/bin/ls", "-d", "--", folder],
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
            capture_output=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return tried.returncode == 0 and seen.returncode == 0
