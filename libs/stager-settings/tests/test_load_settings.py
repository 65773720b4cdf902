"""Loading settings from YAML and environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, SecretStr
from stager_settings import Settings, SettingsError, load_settings


class Tls(Settings):
    """A group."""

    certificate: Path | None = None
    """Where the certificate is."""


class Proxy(Settings):
    """A group that may be absent."""

    secret: SecretStr
    hops: int = 0


class Example(Settings):
    """What a service might ask for."""

    port: int = Field(default=50051, ge=0, le=65535)
    names: tuple[str, ...] = ()
    tls: Tls = Tls()
    proxy: Proxy | None = None
    password: SecretStr


def load(tmp_path: Path, text: str, **environment: str) -> Example:
    """The settings that the text and the variables give."""
    file = tmp_path / "service.yml"
    file.write_text(text)
    return load_settings(Example, file, env_prefix="X_", environment=environment)


def test_file_gives_values(tmp_path: Path) -> None:
    """Keys of the file fill the model, groups included."""
    settings = load(tmp_path, "port: 1\npassword: p\ntls:\n  certificate: /a\n")
    assert (settings.port, settings.tls.certificate) == (1, Path("/a"))


def test_environment_stands_over_the_file(tmp_path: Path) -> None:
    """A variable wins over the file, also inside a group and for a list."""
    settings = load(tmp_path, "port: 1\npassword: p\n", X_PORT="2", X_TLS__CERTIFICATE="/b", X_NAMES="a, b")
    assert (settings.port, settings.tls.certificate, settings.names) == (2, Path("/b"), ("a", "b"))


def test_environment_completes_a_group_that_may_be_absent(tmp_path: Path) -> None:
    """The file has what everybody may know of such a group, a variable its secret."""
    settings = load(tmp_path, "password: p\nproxy: {hops: 2}\n", X_PROXY__SECRET="s")
    assert settings.proxy
    assert (settings.proxy.secret.get_secret_value(), settings.proxy.hops) == ("s", 2)
    assert load(tmp_path, "password: p\n").proxy is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("password: p\nport: many\n", "service.yml:2: port: "),
        ("password: p\ntls:\n  certifikate: /a\n", "service.yml:3: tls.certifikate: "),
        ("port: 1\n", "service.yml:1: password: Field required"),
        ("password: p\npassword: q\n", "service.yml:2: the key password stands twice"),
        ("password: [\n", "service.yml:2: "),
        ("- a\n", "service.yml:1: has to be a mapping"),
        ("password: !!python/object/apply:os.getcwd []\n", "service.yml:1: "),
    ],
)
def test_faults_are_named_by_file_and_line(tmp_path: Path, text: str, fault: str) -> None:
    """Every kind of fault says where it stands."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert fault in str(caught.value)


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    """Two faults in the file and one in the environment are three lines."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, "port: many\nother: 1\npassword: p\n", X_TLZ="1")
    assert len(str(caught.value).splitlines()) == 3


def test_fault_of_a_variable_names_it(tmp_path: Path) -> None:
    """A wrong value from the environment is reported by the variable's name."""
    with pytest.raises(SettingsError, match="environment: X_PORT: "):
        load(tmp_path, "password: p\n", X_PORT="many")


def test_no_value_stands_in_an_error(tmp_path: Path) -> None:
    """A secret in the wrong place isn't printed."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, "password:\n  - hunter2\nport: hunter2\n")
    assert "hunter2" not in str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A file that isn't there is an error with its name, not an empty configuration."""
    with pytest.raises(SettingsError, match=r"nothing\.yml: can't be read"):
        load_settings(Example, tmp_path / "nothing.yml", env_prefix="X_", environment={})


def test_a_variable_may_name_the_file_that_holds_the_value(tmp_path: Path) -> None:
    """As mounted secrets come; the line's end is no part of the value, spaces are."""
    secret = tmp_path / "secret"
    secret.write_text(" s3cret \n")
    settings = load(tmp_path, "proxy: {hops: 2}\n", X_PASSWORD_FILE=str(secret), X_PROXY__SECRET_FILE=str(secret))
    assert settings.password.get_secret_value() == " s3cret "
    assert settings.proxy
    assert settings.proxy.secret.get_secret_value() == " s3cret "


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"X_PASSWORD_FILE": "/nonexistent/secret"}, "X_PASSWORD_FILE: .*can't be read: No such file"),
        ({"X_PASSWORD_FILE": "/"}, "X_PASSWORD_FILE: .*can't be read: Is a directory"),
        ({"X_PASSWORD_FILE": "/dev/null", "X_PASSWORD": "p"}, "X_PASSWORD_FILE: X_PASSWORD is given, too"),
        ({"X_PASWORD_FILE": "/dev/null", "X_PASSWORD": "p"}, "X_PASWORD_FILE: names no setting"),
        ({"X_TLS_FILE": "/dev/null", "X_PASSWORD": "p"}, "tls|TLS"),
    ],
)
def test_a_file_that_gives_no_value_is_named(tmp_path: Path, variables: dict[str, str], says: str) -> None:
    """With the variable that names it, and why."""
    with pytest.raises(SettingsError, match=says):
        load(tmp_path, "", **variables)
