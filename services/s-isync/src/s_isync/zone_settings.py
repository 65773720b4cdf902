"""Which zone, as whom, and how to be sure of it: the keys of `irods_environment.json`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from s_isync.errors import EndOfRunError
from s_isync.exit_codes import ExitCode

_POLICIES = ("CS_NEG_REQUIRE", "CS_NEG_DONT_CARE", "CS_NEG_REFUSE")
_VERIFY = ("hostname", "cert", "none")
_SCHEMES = ("native", "pam_password", "pam_interactive")


@dataclass(frozen=True, slots=True)
class ZoneSettings:
    """How to reach a zone and log in to it.

    Attributes:
        host: name of the iRODS server.
        port: its port.
        zone: name of the zone.
        user: name of the user.
        password: of the user; never shown.
        authentication_scheme: `native`, `pam_password` or `pam_interactive`.
        client_server_policy: whether TLS is required, refused, or the server's choice.
        ca_file: certificates that the server's is checked against; None takes the system's.
        verify_server: `hostname`, `cert` (any name) or `none`.
        encryption_algorithm: for the shared secret that iRODS sends after the TLS handshake.
        encryption_key_size: bytes.
        encryption_salt_size: bytes.
        encryption_num_hash_rounds: count.
        default_resource: where new data objects go; None leaves it to the server.
        default_hash_scheme: in which checksums of new objects are made: `SHA256` or `MD5`.
    """

    host: str
    port: int
    zone: str
    user: str
    password: str = field(repr=False)
    authentication_scheme: str = "native"
    client_server_policy: str = "CS_NEG_DONT_CARE"
    ca_file: str | None = None
    verify_server: str = "hostname"
    encryption_algorithm: str = "AES-256-CBC"
    encryption_key_size: int = 32
    encryption_salt_size: int = 8
    encryption_num_hash_rounds: int = 16
    default_resource: str | None = None
    default_hash_scheme: str = "SHA256"

    def __post_init__(self) -> None:
        if self.client_server_policy not in _POLICIES:
            raise bad_configuration(f"irods_client_server_policy is one of {', '.join(_POLICIES)}")
        if self.verify_server not in _VERIFY:
            raise bad_configuration(f"irods_ssl_verify_server is one of {', '.join(_VERIFY)}")
        if self.authentication_scheme not in _SCHEMES:
            raise bad_configuration(f"irods_authentication_scheme is one of pam, {', '.join(_SCHEMES)}")
        if self.ca_file is not None and not Path(self.ca_file).is_file():
            raise bad_configuration(f"{self.ca_file}: the file of certificates doesn't exist or may not be read")
        if not 0 < self.port < 65536:
            raise bad_configuration(f"irods_port {self.port} is no port number")


_KEYS = {
    "host": "irods_host",
    "port": "irods_port",
    "zone": "irods_zone_name",
    "user": "irods_user_name",
    "password": "password",
    "authentication_scheme": "irods_authentication_scheme",
    "client_server_policy": "irods_client_server_policy",
    "ca_file": "irods_ssl_ca_certificate_file",
    "verify_server": "irods_ssl_verify_server",
    "encryption_algorithm": "irods_encryption_algorithm",
    "encryption_key_size": "irods_encryption_key_size",
    "encryption_salt_size": "irods_encryption_salt_size",
    "encryption_num_hash_rounds": "irods_encryption_num_hash_rounds",
    "default_resource": "irods_default_resource",
    "default_hash_scheme": "irods_default_hash_scheme",
}
KNOWN_KEYS = frozenset(_KEYS.values())


def from_environment_keys(document: Mapping[str, Any], where: str) -> ZoneSettings:
    """Settings from the keys of `irods_environment.json` and `password`; other keys are left alone, as iRODS does.

    Raises:
        EndOfRunError: a key is missing or makes no sense; `where` tells the person where to look.
    """
    values: dict[str, Any] = {}
    for setting in fields(ZoneSettings):
        key = _KEYS[setting.name]
        given = document.get(key)
        if given is None or given == "":
            continue
        wanted = int if setting.type in {int, "int"} else str
        try:
            values[setting.name] = wanted(given)
        except ValueError:
            raise bad_configuration(f"{where}: {key} is a whole number, not {given!r}") from None
    values.setdefault("port", 1247)
    if "authentication_scheme" in values:
        values["authentication_scheme"] = _scheme(values["authentication_scheme"])
    missing = [_KEYS[name] for name in ("host", "zone", "user", "password") if name not in values]
    if missing:
        hint = "; log in with iinit, or name a file that holds it with --fdrpass" if missing == ["password"] else ""
        raise bad_configuration(f"{where}: {', '.join(missing)} missing{hint}")
    return ZoneSettings(**values)


def _scheme(given: str) -> str:
    """An authentication scheme by today's name: before iRODS 4.3 `pam_password` was called `pam`."""
    name = given.lower()
    return "pam_password" if name == "pam" else name


def bad_configuration(message: str) -> EndOfRunError:
    """The error that ends a run for want of usable settings."""
    return EndOfRunError(ExitCode.BAD_CONFIGURATION, message)
