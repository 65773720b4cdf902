"""Which password a job gets, and that no job gets another one's."""

from __future__ import annotations

import pytest
from stager_credentials import Keyring, SealingKey
from stager_credentials.key_directory import add_key
from stager_jobs.job import Task
from stager_jobs.rq_store.lease import Claim
from stager_worker.errors import TransferRefusedError
from stager_worker.repository import login_password
from stager_worker.settings import Repository

LENT = "service-pw"
UNIT = {"name": "dccn", "irodsUser": "service", "irodsPass": LENT}
REPOSITORY = Repository.model_validate({"organisationalUnits": [UNIT]})


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    """The worker's, with one key."""
    folder = tmp_path_factory.mktemp("keys")
    add_key(folder, "one")
    return Keyring.load(folder)


@pytest.fixture(scope="module")
def key(keyring: Keyring) -> SealingKey:
    """What passwords are sealed with."""
    return keyring.sealing_key("one")


def password(
    keyring: Keyring | None, dr_user: str, credential: str, *, user: str = "jan", sealed: bool | None = True
) -> str:
    """What a user's job with this account and credential gets; `sealed`: whether it had one, None: it doesn't say."""
    task = Task("scans", dr_user, "/project/a", "i:/zone/a", user)
    record = {} if sealed is None else {"stager_sealed": str(int(sealed)).encode()}
    if credential:
        record["stager_credential"] = credential.encode()
    return login_password(task, Claim("1", "default", "e", record), REPOSITORY, keyring)


def test_a_job_gets_its_own_password(keyring: Keyring, key: SealingKey) -> None:
    """Or, if it never had one, that of the service account that it names."""
    sealed = key.seal("jan's own", owner="jan", dr_user="service")
    assert password(keyring, "service", sealed) == "jan's own"
    assert password(keyring, "service", "", sealed=False) == LENT
    assert password(None, "service", "", sealed=False) == LENT


@pytest.mark.parametrize(
    "credential",
    ["clear-password", "9f" * 256, "U2FsdGVkX1" + "A" * 40, "sealed:v0:one:AAAA", "sealed:v1:one:AAAA", "\ufffd"],
)
def test_what_is_not_sealed_is_no_password(keyring: Keyring, credential: str) -> None:
    """Nor is a format of the earlier stagers; neither is handed on, replaced by another password, or repeated."""
    with pytest.raises(TransferRefusedError) as refused:
        password(keyring, "service", credential)
    assert refused.value.error.code == "credential"
    assert credential not in str(refused.value)


@pytest.mark.parametrize(("owner", "dr_user"), [("piet", "service"), ("jan", "other"), ("", ""), ("service", "jan")])
def test_what_was_sealed_for_another_job_is_no_password(
    keyring: Keyring, key: SealingKey, owner: str, dr_user: str
) -> None:
    """Whoever may write to Redis moves no password into another one's job."""
    with pytest.raises(TransferRefusedError) as refused:
        password(keyring, "service", key.seal("secret", owner=owner, dr_user=dr_user))
    assert refused.value.error.code == "credential"
    assert "secret" not in str(refused.value)
    with pytest.raises(TransferRefusedError):
        password(keyring, "service", key.seal("secret", owner="jan", dr_user="service"), user="piet")


@pytest.mark.parametrize(("dr_user", "sealed"), [("service", True), ("service", None), ("servic", False), ("", False)])
def test_a_service_account_is_lent_to_jobs_that_came_without_a_password(
    keyring: Keyring, dr_user: str, sealed: bool | None
) -> None:
    """And name it as a whole; a job whose own password was wiped, or whose record doesn't say, is lent none."""
    with pytest.raises(TransferRefusedError) as refused:
        password(keyring, dr_user, "", sealed=sealed)
    assert refused.value.error.code == "credential_missing"
