"""The command `stager-credentials`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from stager_credentials.errors import CredentialError
from stager_credentials.key_directory import add_key, faults, retire, set_current
from stager_credentials.public_keyring import PublicKeyring


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0: done, or all is well; 1: not done, or `check` found a fault; wrong usage ends with 2.
    """
    arguments = _parser().parse_args(argv)
    try:
        return _run(arguments)
    except CredentialError as error:
        sys.stderr.write(f"stager-credentials: {error}\n")
        return 1


def _run(arguments: argparse.Namespace) -> int:
    directory: Path = arguments.directory
    if arguments.action == "check":
        found = faults(directory, public_only=arguments.public)
        for fault in found:
            sys.stderr.write(f"stager-credentials: {fault}\n")
        if not found:
            keyring = PublicKeyring.load(directory)
            for key_id in sorted(keyring.keys):
                sys.stdout.write(f"{key_id}{' (current)' if key_id == keyring.current.key_id else ''}\n")
        return 1 if found else 0
    if arguments.action == "new-key":
        sys.stdout.write(f"{add_key(directory, arguments.key_id)}\n")
        return 0
    key_id = arguments.to or add_key(directory)
    set_current(directory, key_id)
    for old in arguments.retire:
        retire(directory, old)
    sys.stdout.write(f"{key_id}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stager-credentials",
        description="Keep the keys that repository passwords are sealed with. DIRECTORY holds KEYID.pem (private, for "
        "the worker alone), KEYID.pub.pem and current (for the API).",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="new-key|rotate|check")
    new_key = actions.add_parser("new-key", help="make a key pair; the first one becomes current")
    new_key.add_argument("--key-id", help="its name; default: today's date")
    rotate = actions.add_parser("rotate", help="have new passwords sealed with a new key; old ones still open")
    rotate.add_argument("--to", metavar="KEYID", help="a key that is there already, instead of a new one")
    rotate.add_argument(
        "--retire", metavar="KEYID", action="append", default=[], help="then remove this old key (may be repeated)"
    )
    check = actions.add_parser("check", help="look, as the user who runs this, whether all is well; list the keys")
    check.add_argument("--public", action="store_true", help="the API's copy: public keys only")
    for action in (new_key, rotate, check):
        action.add_argument("directory", type=Path, metavar="DIRECTORY")
    return parser


if __name__ == "__main__":
    sys.exit(main())
