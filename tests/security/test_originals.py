"""The security faults of the earlier stagers: each has a test that fails on it, and none of those tests may go away.

The numbers are those of the list in SECURITY.md. What is tested elsewhere is named here; the rest follows below.
"""

from __future__ import annotations

import ast
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import httpx
import pytest
from api_harness import Authority
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from stager_admin.settings import AdminSettings
from stager_api.bootstrap import _http
from stager_api.errors import UnavailableError
from stager_api.identity.provider import IdentityProvider
from stager_api.projects.answers import SourceError
from stager_api.projects.gateway import Gateway
from stager_api.settings import ApiSettings
from stager_ui.settings import UiSettings
from stager_worker.settings import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]

COVERED = {
    1: [  # a typed name with somebody's token; no audience, issuer, key caching; comparing in variable time
        "services/api/tests/test_identity.py::test_running_service_takes_tokens",
        "services/api/tests/test_identity.py::test_token_that_says_something_else_is_refused",
        "services/api/tests/test_identity.py::test_signature_has_to_be_the_providers",
        "services/api/tests/test_identity.py::test_a_token_is_remembered_no_longer_than_it_lasts",
        "services/api/tests/test_identity.py::test_unknown_kids_dont_make_the_provider_be_asked_each_time",
        "services/api/tests/test_identity.py::test_unknown_name_takes_as_long_as_a_wrong_password",
        "services/api/tests/test_identity.py::test_a_slow_provider_holds_up_nobody_whose_key_is_known",
        "services/api/tests/test_identity.py::test_keys_that_are_no_good_leave_the_others_in_use",
        "services/api/tests/test_logins.py::test_a_name_is_tried_a_few_times_only",
    ],
    2: [  # certificates that nobody verified
        "tests/security/test_originals.py::test_no_source_turns_verification_off",
        "tests/security/test_originals.py::test_workers_always_verify_the_zone",
        "tests/security/test_originals.py::test_https_of_an_unknown_authority_is_not_spoken",
        "tests/security/test_who_answers.py::test_nobody_is_spoken_to_who_could_be_anybody",
        "services/s-isync/tests/test_cli.py::test_over_tls_the_certificate_is_checked",
        "services/s-isync/tests/test_cli.py::test_a_server_that_is_not_verified_is_no_secret",
        "libs/stager-client/tests/test_tls.py::test_not_trusted",
        "libs/stager-jobs/tests/test_tls.py::test_verification_is_not_switched_off_in_passing",
        "libs/stager-redis/tests/test_address.py::test_what_is_no_address_is_refused",
        "services/api/tests/test_server.py::test_what_is_less_safe_is_said_at_each_start",
    ],
    3: [  # PKCS#1 v1.5, told apart failures, a blob bound to nothing
        "libs/stager-credentials/tests/test_sealing.py::test_the_key_is_wrapped_with_oaep",
        "libs/stager-credentials/tests/test_sealing.py::test_bound_to_owner_and_account",
        "libs/stager-credentials/tests/test_sealing.py::test_reasons_look_alike",
        "libs/stager-credentials/tests/test_sealing.py::test_anything_else_is_refused",
        "services/worker/tests/test_identity.py::test_sealed_credentials_open_for_their_job_only",
        "services/worker/tests/test_password.py::test_what_is_not_sealed_is_no_password",
        "services/worker/tests/test_password.py::test_what_was_sealed_for_another_job_is_no_password",
    ],
    4: [  # Redis and dashboard without a password; credentials that outlive their job
        "tests/deploy/test_closed_as_made.py::test_nobody_gets_into_redis_without_a_password",
        "tests/deploy/test_closed_as_made.py::test_each_service_has_its_own_keys",
        "tests/security/test_secrets_nowhere.py::test_no_secret_is_anywhere_but_where_it_belongs",
        "libs/stager-jobs/tests/test_append_only_file.py::test_a_wiped_credential_goes_from_the_disk",
        "services/worker/tests/test_processor.py::test_a_requeue_lends_nobody_a_service_account",
        "deploy/admin/tests/test_admin.py::test_pages_need_the_right_password",
        "deploy/admin/tests/test_admin.py::test_looking_changes_nothing",
        "deploy/admin/tests/test_admin.py::test_pickled_job_runs_nothing",
    ],
    5: [  # passwords in temporary files; everybody's s-isync reads worker.yml
        "tests/security/test_secrets_nowhere.py::test_no_secret_is_anywhere_but_where_it_belongs",
        "services/worker/tests/test_identity.py::test_it_finds_nothing_of_the_worker",
        "services/worker/tests/test_start.py::test_a_private_key_that_others_can_read_ends_the_start",
        "libs/stager-settings/tests/test_secrecy.py::test_open_files_with_secrets_are_refused",
        "tests/security/test_transfer_process.py::test_neighbours_see_nothing_of_it",
    ],
    6: [  # sessions, cookies, CSRF, open routes, an oracle for passwords
        "tests/security/test_originals.py::test_no_secret_stands_in_the_source",
        "services/ui-backend/tests/test_login.py::test_cookie",
        "services/ui-backend/tests/test_login.py::test_a_session_gets_a_new_id_at_login",
        "services/ui-backend/tests/test_login.py::test_signing_out_is_a_change",
        "services/ui-backend/tests/test_closed_doors.py::test_nothing_for_strangers",
        "services/ui-backend/tests/test_closed_doors.py::test_every_change_needs_its_token",
        "services/ui-backend/tests/test_repository.py::test_guessing_is_throttled",
        "services/ui-backend/tests/test_repository.py::test_one_person_guesses_for_ten_accounts",
        "services/ui-backend/tests/test_repository.py::test_an_account_is_guessed_at_ten_times",
        "services/ui-backend/tests/test_repository.py::test_an_address_guesses_fifty_times",
        "services/ui-backend/tests/test_session_store.py::test_redis_holds_neither_values_nor_ids",
    ],
    7: [  # scripts in file names and error texts; scripts from elsewhere
        "services/ui-backend/tests/test_closed_doors.py::test_nothing_is_marked_safe",
        "services/ui-backend/tests/test_closed_doors.py::test_pages_keep_to_their_policy",
        "services/ui-backend/tests/test_closed_doors.py::test_headers",
        "deploy/admin/tests/test_admin.py::test_texts_are_no_markup",
    ],
    8: [  # jan saw jan.smith's
        "services/api/tests/test_access.py::test_people_are_nobody_else",
        "services/api/tests/test_access.py::test_services_are_nobody_who_is_not_listed",
        "services/api/tests/test_jobs.py::test_owners_are_whole_names",
        "services/api/tests/test_jobs.py::test_someone_elses_job_is_not_found_whatever_one_does",
        "services/api/tests/test_reports.py::test_report_and_log_are_the_owners",
    ],
    9: [  # arguments and shells, uids, groups, root's environment
        "tests/security/test_originals.py::test_no_source_starts_a_shell",
        "services/api/tests/test_directories.py::test_odd_names_come_back_as_they_are",
        "services/api/tests/test_directories.py::test_child_has_the_users_identity_and_nothing_of_ours",
        "services/worker/tests/test_identity.py::test_it_is_the_user_and_nobody_else",
        "services/worker/tests/test_identity.py::test_large_uids_are_themselves",
        "services/worker/tests/test_identity.py::test_it_is_held_to_the_roots",
        "services/worker/tests/test_identity.py::test_it_can_gain_nothing",
        "services/api/tests/test_directories.py::test_large_uids_are_themselves",
        "tests/security/test_symlink_races.py::test_downloads_write_nothing_outside",
        "tests/integration/test_transfers.py::test_what_a_user_may_read_is_read_and_nothing_else",
    ],
}
"""By fault: the tests that fail on it."""


@pytest.mark.parametrize("name", sorted({name for names in COVERED.values() for name in names}))
def test_the_test_is_there(name: str) -> None:
    """So that none is renamed or removed without another in its place."""
    file, _, function = name.partition("::")
    tree = ast.parse((ROOT / file).read_text())
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def sources() -> Iterator[tuple[Path, str]]:
    """Every source of what is installed."""
    for folder in ("libs", "services", "deploy"):
        for path in (ROOT / folder).glob("*/src/**/*.py"):
            if "stager-protos" not in str(path):
                yield path, path.read_text()


VERIFIED_OTHERWISE = {
    # Probes of their own service: its own certificate alone is trusted, whatever host that names.
    "deploy/admin/src/stager_admin/cli.py",
    "services/ui-backend/src/stager_ui/cli.py",
    # A person's own irods_environment.json may say so, as with icommands; a worker's settings can't (below).
    "services/s-isync/src/s_isync/backends/irods_connection.py",
}


def test_no_source_turns_verification_off() -> None:
    """Fault 2. No switch that does so silently, in any library's words."""
    words = re.compile(
        r"verify\s*=\s*False|CERT_NONE|_create_unverified|check_hostname\s*=\s*False|ssl_cert_reqs\W+none"
        r"|disable_warnings|insecure_skip|ssl_check_hostname\W+False",
        re.IGNORECASE,
    )
    found = [str(path.relative_to(ROOT)) for path, text in sources() if words.search(text)]
    assert set(found) == VERIFIED_OTHERWISE


def test_workers_always_verify_the_zone() -> None:
    """Fault 2. Its configuration has no word for trusting anybody."""
    for said in ("none", "NONE", "false", ""):
        with pytest.raises(ValueError, match="ssl_verify_server"):
            WorkerSettings.model_validate({"dr": {"ssl_verify_server": said}})


def secrets_of(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Every setting that is a secret, with those of the sections below."""
    for name, setting in model.model_fields.items():
        kinds = [kind for kind in (setting.annotation, *get_args(setting.annotation)) if isinstance(kind, type)]
        if any(issubclass(kind, SecretStr) for kind in kinds):
            yield f"{model.__module__}.{model.__name__}.{name}", setting
        for kind in kinds:
            if issubclass(kind, BaseModel):
                yield from secrets_of(kind)


def test_no_secret_stands_in_the_source() -> None:
    """Fault 6. What has a value before anybody has set it is empty, or an address that holds no password."""
    models: list[type[BaseModel]] = [ApiSettings, WorkerSettings, UiSettings, AdminSettings]
    found = dict(pair for model in models for pair in secrets_of(model))
    assert {
        "stager_ui.settings.Session.secret", "stager_api.settings.ServiceUser.password_hash",
        "stager_worker.settings.OrganisationalUnit.irodsPass", "stager_worker.settings.Redis.url",
    } <= found.keys()  # fmt: skip
    for name, setting in found.items():
        given = setting.default
        value = given.get_secret_value() if isinstance(given, SecretStr) else given
        assert value in {PydanticUndefined, None, ""} or not urlsplit(value).password, name
        assert value in {PydanticUndefined, None, ""} or urlsplit(value).scheme, name


def test_no_source_starts_a_shell() -> None:
    """Fault 9. Programs are started by path with a list of arguments."""
    for path, text in sources():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in {"os.system", "os.popen", "subprocess.getoutput", "os.execvp"}, path
                shells = [word for word in node.keywords if word.arg == "shell"]
                assert not shells, path


def test_no_source_reads_pickle_or_runs_what_it_reads() -> None:
    """Fault 4. Whoever writes to Redis must not run code."""
    for path, text in sources():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in {"pickle.loads", "eval", "exec", "yaml.load"}, path
                own_scratch = path.name == "spill_sort.py"  # a file without a name that the process has just written
                assert called != "pickle.load" or own_scratch, path


class Answer(BaseHTTPRequestHandler):
    """Says that it was asked, and answers with an empty document."""

    asked = 0

    def do_GET(self) -> None:
        """Count."""
        type(self).asked += 1
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def https(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server whose certificate is of an authority that this machine doesn't know: its address, that authority."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server", "localhost", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    # The handshake is for the thread of the connection: a client that never shakes hands holds nothing up.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    Answer.asked = 0
    yield f"https://127.0.0.1:{server.server_port}", authority.certificate
    server.shutdown()
    server.server_close()


def test_https_of_an_unknown_authority_is_not_spoken(https: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 2. Neither tokens nor project numbers go to a server that anybody could be; with its authority they do."""
    url, authority = https
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with ExitStack() as stack:
        strange: httpx.Client = _http(None, stack)
        known: httpx.Client = _http(authority, stack)
        with pytest.raises(UnavailableError):
            IdentityProvider(strange, url, userinfo_url=f"{url}/userinfo").userinfo("token")
        with pytest.raises(SourceError):
            Gateway(strange, url).collections("3010000.01")
        assert Answer.asked == 0
        assert IdentityProvider(known, url, userinfo_url=f"{url}/userinfo").userinfo("token") == {}
        with pytest.raises(UnavailableError):
            IdentityProvider(known, url.replace("127.0.0.1", "127.0.0.2")).keys()  # its certificate names others
    assert Answer.asked == 1


def test_every_fault_has_a_test() -> None:
    """All nine."""
    assert set(COVERED) == set(range(1, 10))
    text = (ROOT / "SECURITY.md").read_text()
    assert all(f"\n{number}. " in text for number in COVERED)
