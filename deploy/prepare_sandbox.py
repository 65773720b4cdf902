"""What the sandbox's stack needs beside a deployment's own: passwords, people, and something to move.

Used by `prepare.py DIR --sandbox`. The sandbox makes up passwords at its first start; here they are made up before, so
that the services can be told.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from argon2 import PasswordHasher
from stager_sandbox.demo.sample_data import make_sample_data
from stager_sandbox.sandbox import DEFAULT_PEOPLE
from stager_sandbox.scenery import FORM_CLIENT, SERVICE_ACCOUNT, UI_CLIENT
from stager_sandbox.secrets_file import SecretsFile
from stager_sandbox.zone import tls

IMAGE_UID = 10001
"""As whom the sandbox's container runs."""
FIRST_UID = 2001
PROJECT = "3010000.01"


def prepare(target: Path) -> dict[str, str]:
    """Make the sandbox's part of the directory.

    Returns:
        What stands as `${...}` in the sandbox's configuration.
    """
    if os.geteuid() != 0:
        sys.exit("prepare: the sandbox's people have files of their own: run this as root")
    world = target / "sandbox"
    world.mkdir(mode=0o700, exist_ok=True)
    secrets = SecretsFile(world / "secrets.json")
    authority = tls.prepare(world / "zone" / "tls").ca_file
    certificate = target / "certs" / "zone-ca.pem"
    shutil.copyfile(authority, certificate)
    certificate.chmod(0o644)
    passwords = {who.name: secrets.get(f"user {who.name}") for who in DEFAULT_PEOPLE}
    values = {
        "service_account_password": secrets.get(f"user {SERVICE_ACCOUNT}"),
        "demo_password": secrets.get("demo"),
        "demo_password_hash": PasswordHasher().hash(secrets.get("demo")),
        "ui_client_secret": secrets.get(f"client {UI_CLIENT}"),
        "form_client_secret": secrets.get(f"client {FORM_CLIENT}"),
    }
    _give(world, IMAGE_UID, IMAGE_UID)
    _people(target)
    (target / "secrets" / "people").write_text("".join(f"{name} {word}\n" for name, word in passwords.items()))
    (target / "secrets" / "people").chmod(0o600)
    return values


def _people(target: Path) -> None:
    """The local users alice and bob, and their folders in the project storage."""
    users = target / "users"
    users.mkdir(mode=0o755, exist_ok=True)
    passwd = ["root:x:0:0:root:/root:/usr/sbin/nologin", "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin"]
    group = ["root:x:0:", "nogroup:x:65534:"]
    folders = {"alice": PROJECT, "bob": "3010000.03"}
    project = target / "project"
    project.mkdir(mode=0o755, exist_ok=True)
    for number, (name, folder) in enumerate(folders.items(), FIRST_UID):
        passwd.append(f"{name}:x:{number}:{number}:{name}:/nonexistent:/usr/sbin/nologin")
        group.append(f"{name}:x:{number}:")
        home = project / folder
        if not home.exists():
            home.mkdir(mode=0o750)
            if name == "alice":
                make_sample_data(home / "raw")
            _give(home, number, number)
    for file, lines in (("passwd", passwd), ("group", group)):
        (users / file).write_text("\n".join(lines) + "\n")


def _give(folder: Path, uid: int, gid: int) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.lchown(path, uid, gid)
