"""Where settings come from, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stager_client import ClientSettings, ConfigurationError, find_settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a private configuration file."""
    file = tmp_path / ".config" / "stager" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('address = "file:1"\nuser = "jan"\npassword = "pw-file"\nca = "~/ca.pem"\nplaintext = false\n')
    file.chmod(0o600)
    return tmp_path


def test_first_source_wins(home: Path) -> None:
    """What is given goes before the environment, and that before the file."""
    environment = {"HOME": str(home), "STAGER_ADDRESS": "env:2", "STAGER_TIMEOUT": "5"}
    found = find_settings({"address": "given:3", "timeout": None}, environment=environment)
    assert (found.address, found.user, found.password, found.timeout) == ("given:3", "jan", "pw-file", 5.0)
    assert find_settings(environment=environment).address == "env:2"
    assert find_settings(environment={"HOME": str(home)}).address == "file:1"
    assert find_settings(environment={"HOME": "/nonexistent"}) == ClientSettings()


def test_file_elsewhere(home: Path, tmp_path: Path) -> None:
    """XDG_CONFIG_HOME, STAGER_CONFIG and the caller's own file are looked at; a named file must be there."""
    assert find_settings(environment={"XDG_CONFIG_HOME": str(home / ".config")}).user == "jan"
    named = tmp_path / "other.toml"
    named.write_text('address = "named:4"\n')
    assert find_settings(environment={"STAGER_CONFIG": str(named)}).address == "named:4"
    assert find_settings(config=named, environment={"STAGER_CONFIG": str(tmp_path / "gone")}).address == "named:4"
    with pytest.raises(ConfigurationError, match="no such file"):
        find_settings(environment={"STAGER_CONFIG": str(tmp_path / "gone")})


def test_higher_login_replaces_the_lower(home: Path) -> None:
    """A token in the environment does away with user and password in the file, and the other way round."""
    found = find_settings(environment={"HOME": str(home), "STAGER_TOKEN": "t"})
    assert (found.user, found.password, found.token) == (None, None, "t")
    assert found.authorization == "Bearer t"
    found = find_settings({"user": "eva"}, environment={"STAGER_PASSWORD": "p"})
    assert (found.user, found.password) == ("eva", "p")
    with pytest.raises(ConfigurationError, match="one of them"):
        find_settings(environment={"STAGER_TOKEN": "t", "STAGER_USER": "u", "STAGER_PASSWORD": "p"})


def test_secrets_in_files(tmp_path: Path) -> None:
    """Password and token can be the first line of a file; a given secret goes before a lower layer's file."""
    secret = tmp_path / "secret"
    secret.write_text("tök en\nrest\n")
    found = find_settings({"user": "jan", "password_file": secret}, environment={"STAGER_PASSWORD": "lower"})
    assert found.password == "tök en"
    found = find_settings({"user": "jan", "password": "given"}, environment={"STAGER_PASSWORD_FILE": str(secret)})
    assert found.password == "given"
    with pytest.raises(ConfigurationError, match="can't be read"):
        find_settings({"token_file": tmp_path / "none"}, environment={})


def test_password_is_asked_for() -> None:
    """A user without a password is asked for it where somebody can be asked, and refused elsewhere."""
    found = find_settings({"user": "jan"}, environment={}, ask_password=lambda user: f"pw of {user}")
    assert found.password == "pw of jan"
    with pytest.raises(ConfigurationError, match="password is missing"):
        find_settings({"user": "jan"}, environment={})


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_open_file_with_a_secret_is_refused(home: Path, mode: int) -> None:
    """A configuration file that holds a password is the owner's alone."""
    file = home / ".config" / "stager" / "config.toml"
    file.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        find_settings(environment={"HOME": str(home)})
    file.write_text('address = "x"\n')
    assert find_settings(environment={"HOME": str(home)}).address == "x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("adress = 'x'", "unknown setting adress"),
        ("address = 5", "address should be text"),
        ("plaintext = 'maybe'", "true or false"),
        ("timeout = 'long'", "number of seconds"),
        ("timeout = [1]", "number of seconds"),
        ("ca = 1", "ca should be text"),
        ("= x", "not TOML"),
        ("\udcff", "not TOML"),
    ],
)
def test_bad_file(tmp_path: Path, text: str, message: str) -> None:
    """What is wrong in the file is said with its name or the setting's."""
    file = tmp_path / "config.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigurationError, match=message):
        find_settings(config=file, environment={})


@pytest.mark.parametrize(
    "given",
    [
        {"address": ""},
        {"address": "host:0"},
        {"address": "host:99999"},
        {"address": "http://host"},
        {"address": "unix:/x"},
        {"address": "a b"},
        {"user": "a:b", "password": "p"},
        {"user": "", "password": "p"},
        {"password": "p"},
        {"user": "u"},
        {"token": "a b"},
        {"token": "a\nb"},
        {"token": ""},
        {"cert": Path("/x")},
        {"plaintext": True, "ca": Path("/x")},
        {"timeout": 0},
        {"timeout": float("nan")},
    ],
)
def test_refused(given: dict[str, Any]) -> None:
    """Settings that can't be used are refused before anything is sent."""
    with pytest.raises(ConfigurationError):
        ClientSettings(**given)


@pytest.mark.parametrize(
    ("given", "tls"),
    [
        ({"address": "127.0.0.1:1"}, False),
        ({"address": "127.9.9.9"}, False),
        ({"address": "localhost:1"}, False),
        ({"address": "[::1]:1"}, False),
        ({"address": "stager.example.org"}, True),
        ({"address": "10.0.0.1"}, True),
        ({"address": "127.0.0.1.example.org"}, True),
        ({"address": "localhost.example.org"}, True),
        ({"address": "[2001:db8::1]"}, True),
        ({"address": "127.0.0.1", "ca": Path("/x")}, True),
        ({"address": "127.0.0.1", "plaintext": False}, True),
        ({"address": "stager.example.org", "plaintext": True}, False),
    ],
)
def test_tls_unless_loopback_or_told(given: dict[str, Any], tls: bool) -> None:
    """Beyond this machine the connection is encrypted unless one says otherwise."""
    assert ClientSettings(**given).tls is tls


def test_secrets_are_not_shown() -> None:
    """Neither password nor token is in what a log would show of the settings."""
    shown = repr(ClientSettings(user="jan", password="pw")) + repr(ClientSettings(token="tk"))
    assert "pw" not in shown
    assert "tk" not in shown


def test_default_port() -> None:
    """An address without a port means 50051."""
    assert ClientSettings("stager.example.org").target == "stager.example.org:50051"
    assert ClientSettings("[::1]").target == "[::1]:50051"
