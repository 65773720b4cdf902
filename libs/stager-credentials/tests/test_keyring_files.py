"""The keyring's files: who may read them, what must be in them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from stager_credentials import (
    Keyring,
    KeyringError,
    MalformedCredentialError,
    PublicKeyring,
    SealingKey,
    UnknownKeyError,
)
from stager_credentials.key_directory import add_key
from stager_credentials.key_files import write_file
from stager_credentials.rsa_keys import write_private, write_public
from stager_credentials.sealed_text import join_sealed, split_sealed


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610])
def test_private_key_open_to_others_is_refused(keys: Path, mode: int) -> None:
    """One private key with any bit for group or others, and nothing is loaded."""
    (keys / "two.pem").chmod(mode)
    with pytest.raises(KeyringError, match=r"two\.pem.*open to others"):
        Keyring.load(keys)


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757, 0o1777])
@pytest.mark.parametrize("load", [Keyring.load, PublicKeyring.load])
def test_a_directory_that_others_may_change_is_refused(keys: Path, load: Callable[[Path], object], mode: int) -> None:
    """Whoever puts a key of their own in reads every password that is sealed with it."""
    assert load(keys)
    keys.chmod(mode)
    with pytest.raises(KeyringError, match="others can put keys in"):
        load(keys)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user, which takes root")
@pytest.mark.parametrize("name", ["one.pub.pem", "current"])
def test_public_file_of_an_ordinary_user_is_refused(keys: Path, name: str) -> None:
    """Who owns it may change it, whatever its mode."""
    os.chown(keys / name, 4242, 0)
    with pytest.raises(KeyringError, match="chown it to root"):
        PublicKeyring.load(keys)


def test_read_only_private_key_is_fine(keys: Path) -> None:
    """Mode 0400, as secrets are mounted, is private enough."""
    (keys / "two.pem").chmod(0o400)
    assert Keyring.load(keys).key_ids == {"one", "two"}


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
def test_private_key_of_somebody_else_is_refused(keys: Path) -> None:
    """A key that belongs to another user is refused even by root, who could read it."""
    os.chown(keys / "two.pem", 12345, -1)
    with pytest.raises(KeyringError, match="uid 12345"):
        Keyring.load(keys)


def test_links_are_judged_by_their_target(keys: Path, tmp_path: Path) -> None:
    """A key behind a symbolic link (as Kubernetes mounts them) is taken, and its own mode counts."""
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "one.pem").symlink_to(keys / "one.pem")
    assert Keyring.load(mounted).key_ids == {"one"}
    (keys / "one.pem").chmod(0o644)
    with pytest.raises(KeyringError, match="open to others"):
        Keyring.load(mounted)


def test_pipe_is_refused_at_once(keys: Path) -> None:
    """A pipe by the name of a key does not hold the reader up."""
    os.mkfifo(keys / "three.pem", 0o600)
    with pytest.raises(KeyringError, match="not a regular file"):
        Keyring.load(keys)


def test_no_keys(tmp_path: Path) -> None:
    """An empty or missing directory is an error that says what to do."""
    with pytest.raises(KeyringError, match="new-key"):
        Keyring.load(tmp_path)
    with pytest.raises(KeyringError, match="can't be read"):
        Keyring.load(tmp_path / "nothing")
    with pytest.raises(KeyringError, match="can't be read"):
        PublicKeyring.load(tmp_path)


def test_single_key_file(keys: Path) -> None:
    """One key can be loaded by its file, under the id in its name."""
    assert Keyring.load_files([keys / "two.pem"]).key_ids == {"two"}


@pytest.mark.parametrize("name", ["bad name.pem", "x" * 65 + ".pem", "ö.pem"])
def test_file_names_must_be_key_ids(keys: Path, name: str) -> None:
    """A file whose name is no key id is an error, not a key that never matches."""
    (keys / "two.pem").rename(keys / name)
    with pytest.raises(KeyringError, match="KEYID"):
        Keyring.load(keys)


def _ed25519() -> bytes:
    return ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _with_passphrase() -> bytes:
    return rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )


def _weak_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)  # noqa: S505 - to see that it is refused


def _weak() -> bytes:
    return write_private(_weak_key())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: b"", "not a private key"),
        (lambda: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not a private key"),
        (lambda: b"x" * 100_000, "more than"),
        (_ed25519, "not an RSA key"),
        (_with_passphrase, "passphrase"),
        (_weak, "1024 bits"),
    ],
)
def test_what_is_no_key(keys: Path, content: object, message: str) -> None:
    """Files that hold something else are named and refused."""
    assert callable(content)
    write_file(keys / "three.pem", content(), 0o600)
    with pytest.raises(KeyringError, match=message) as caught:
        Keyring.load(keys)
    assert "three.pem" in str(caught.value)


def test_public_files_only_are_enough_for_the_api(keys: Path) -> None:
    """The API's copy needs no private key; it accepts credentials of every key in use and seals with the current."""
    for path in (keys / "one.pem", keys / "two.pem"):
        path.unlink()
    ring = PublicKeyring.load(keys)
    assert ring.current.key_id == "one"
    assert ring.accept(ring.keys["two"].seal("secret", owner="jan", dr_user="j")) == "two"
    with pytest.raises(UnknownKeyError):
        ring.accept("sealed:v1:gone:AAAA")


@pytest.mark.parametrize("name", ["one.pub.pem", "current"])
def test_public_file_that_others_may_change_is_refused(keys: Path, name: str) -> None:
    """Who can change the public key reads all passwords to come."""
    (keys / name).chmod(0o666)
    with pytest.raises(KeyringError, match="changed by others"):
        PublicKeyring.load(keys)


@pytest.mark.parametrize("content", ["", "three\n", "../one\n", "one two\n", "ö"])
def test_current_must_name_a_key(keys: Path, content: str) -> None:
    """`current` that names no key here is an error."""
    (keys / "current").write_text(content)
    with pytest.raises(KeyringError, match="current"):
        PublicKeyring.load(keys)


def test_sealing_key_from_elsewhere() -> None:
    """What a server hands out is checked: the key id, the PEM, the kind and size of the key."""
    good = write_public(rsa.generate_private_key(65537, 2048).public_key())
    assert SealingKey.from_pem("k", good.decode()).pem.encode() == good
    weak = write_public(_weak_key().public_key())
    bad: list[tuple[str, str | bytes]] = [("", good), ("a:b", good), ("k", b""), ("k", "\ud800"), ("k", weak)]
    for key_id, pem in [*bad, ("k", _ed25519())]:
        with pytest.raises(KeyringError):
            SealingKey.from_pem(key_id, pem)


def test_cut_or_padded_credentials_are_not_accepted(tmp_path: Path) -> None:
    """The length tells what needs no private key to be told."""
    add_key(tmp_path, "one")
    ring = PublicKeyring.load(tmp_path)
    key_id, blob = split_sealed(ring.current.seal("x" * 100, owner="jan", dr_user="j"))
    assert ring.accept(join_sealed(key_id, blob)) == "one"
    for changed in (blob[:-1], blob[:-128], blob + b"\0", blob + bytes(1024), blob[:100]):
        with pytest.raises(MalformedCredentialError):
            ring.accept(join_sealed(key_id, changed))
