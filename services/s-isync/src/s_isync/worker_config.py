"""The `dr` section of a worker.yml, whose keys are those of the first stagers."""

import json
from pathlib import Path
from typing import Any

from s_isync.zone_settings import bad_configuration

_KEYS = {
    "irodshost": "irods_host",
    "irodsport": "irods_port",
    "irodszone": "irods_zone_name",
    "irodsuser": "irods_user_name",
    "irodspass": "password",
    "irodsauthscheme": "irods_authentication_scheme",
    "irodsclientserverpolicy": "irods_client_server_policy",
    "irodssslcacert": "irods_ssl_ca_certificate_file",
    "irodssslverifyserver": "irods_ssl_verify_server",
    "irodssslkeysize": "irods_encryption_key_size",
    "irodssslalgorithm": "irods_encryption_algorithm",
    "irodssslsaltsize": "irods_encryption_salt_size",
    "irodshashrounds": "irods_encryption_num_hash_rounds",
    "irodsdefaultresource": "irods_default_resource",
    "irodsdefaulthashscheme": "irods_default_hash_scheme",
}


def read_worker_config(path: Path, user: str | None) -> dict[str, Any]:
    """The settings in the keys of `irods_environment.json`.

    Args:
        path: YAML, or JSON where no YAML parser is installed.
        user: the iRODS user; one of the service accounts (`organisationalUnits`) brings its password.

    Raises:
        EndOfRunError: the file can't be read or has no `dr` section.
    """
    document = _parse(path)
    section = next((value for key, value in document.items() if str(key).lower() == "dr"), None)
    if not isinstance(section, dict):
        raise bad_configuration(f"{path}: has no section 'dr'")
    keys = {str(key).lower(): value for key, value in section.items()}
    found = {_KEYS[key]: value for key, value in keys.items() if key in _KEYS}
    if found.get("irods_ssl_ca_certificate_file"):
        found.setdefault("irods_client_server_policy", "CS_NEG_REQUIRE")
    units = keys.get("organisationalunits")
    for unit in units if isinstance(units, list) else []:
        account = {str(key).lower(): value for key, value in unit.items()} if isinstance(unit, dict) else {}
        if user is not None and account.get("irodsuser") == user:
            found["irods_user_name"], found["password"] = user, account.get("irodspass")
            break
    return found


def _parse(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise bad_configuration(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        document: object = json.loads(text)
    except ValueError:
        document = _parse_yaml(text, path)
    if not isinstance(document, dict):
        raise bad_configuration(f"{path}: holds no settings")
    return document


def _parse_yaml(text: str, path: Path) -> object:
    try:
        import yaml
    except ImportError:
        raise bad_configuration(f"{path}: is no JSON; to read YAML, install s-isync[yaml]") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        raise bad_configuration(f"{path}: is no YAML{'' if line is None else f', line {line + 1}'}") from None
