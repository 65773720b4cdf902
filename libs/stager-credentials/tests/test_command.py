"""The command `stager-credentials`, run as a person runs it."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from stager_credentials import Keyring, KeyringError, PublicKeyring
from stager_credentials.cli import main
from stager_credentials.key_files import write_file


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "stager_credentials.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_life_of_a_keyring(tmp_path: Path) -> None:
    """Make, seal, rotate, open the old one still, retire it, and it is gone."""
    keys = tmp_path / "deep" / "keys"
    made = run("new-key", keys)
    assert made.returncode == 0, made.stderr
    first = made.stdout.strip()
    assert stat.S_IMODE((keys / f"{first}.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((keys / f"{first}.pub.pem").stat().st_mode) == 0o644
    text = PublicKeyring.load(keys).current.seal("secret", owner="jan", dr_user="j")

    second = run("rotate", keys).stdout.strip()
    assert second not in {"", first}
    assert PublicKeyring.load(keys).current.key_id == second
    assert Keyring.load(keys).open(text, owner="jan", dr_user="j") == "secret"
    assert run("check", keys).stdout.splitlines() == [first, f"{second} (current)"]

    assert run("rotate", "--to", second, "--retire", first, keys).returncode == 0
    assert Keyring.load(keys).key_ids == {second}
    assert {path.name for path in keys.iterdir()} == {"current", f"{second}.pem", f"{second}.pub.pem"}


def test_first_key_only_becomes_current(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A further key waits until one rotates to it."""
    assert main(["new-key", "--key-id", "three", str(keys)]) == 0
    assert PublicKeyring.load(keys).current.key_id == "one"
    assert main(["rotate", "--to", "three", str(keys)]) == 0
    assert PublicKeyring.load(keys).current.key_id == "three"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["new-key", "--key-id", "one"], "already"),
        (["new-key", "--key-id", "../x"], "key id"),
        (["rotate", "--to", "three"], "not there"),
        (["rotate", "--to", "../one"], "KEYID"),
        (["rotate", "--to", "one", "--retire", "one"], "current key"),
        (["rotate", "--to", "one", "--retire", "three"], "no key three"),
    ],
)
def test_refusals(keys: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    """What can't be done is said in a line, exit code 1, and nothing has changed."""
    before = {path.name: path.read_bytes() for path in keys.iterdir()}
    assert main([*arguments, str(keys)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before


def test_check_finds_every_fault(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Check prints all faults at once."""
    (keys / "one.pub.pem").write_bytes((keys / "two.pub.pem").read_bytes())
    (keys / "two.pub.pem").rename(keys / "three.pub.pem")
    assert main(["check", str(keys)]) == 1
    error = capsys.readouterr().err
    assert "one.pub.pem and one.pem are not of one pair" in error
    assert "two.pem has no two.pub.pem" in error
    assert "three.pub.pem has no three.pem" in error


def test_check_of_the_apis_copy(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A private key among public ones is a fault there."""
    assert main(["check", "--public", str(keys)]) == 1
    assert "one.pem: a private key" in capsys.readouterr().err
    (keys / "one.pem").unlink()
    (keys / "two.pem").unlink()
    assert main(["check", "--public", str(keys)]) == 0
    assert main(["check", str(keys)]) == 1


def test_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage ends with 2."""
    with pytest.raises(SystemExit) as caught:
        main(["destroy", "/x"])
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk gives out, the old content stays under its name and no scrap is left."""
    path = tmp_path / "current"
    write_file(path, b"one\n", 0o644)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(KeyringError, match="No space left"):
        write_file(path, b"two\n", 0o644)
    assert path.read_bytes() == b"one\n"
    assert list(tmp_path.iterdir()) == [path]
