"""What s-isync needs to log in to the repository, for one job."""

from __future__ import annotations

import json
from typing import Protocol

from stager_credentials import CredentialError
from stager_jobs.job import Task
from stager_jobs.rq_store.lease import Claim

from stager_worker.errors import TransferRefusedError
from stager_worker.settings import Repository


class Opener(Protocol):
    """Opens sealed credentials: `stager_credentials.Keyring`."""

    def open(self, text: str, *, owner: str, dr_user: str) -> str:
        """The secret."""
        ...


def login_password(task: Task, claim: Claim, repository: Repository, keyring: Opener | None) -> str:
    """The password for a task: from its sealed credential, else that of a service account of this worker.

    A job that brought a password of its own never gets a service account's: who may use those was asked for jobs
    without one only, and an admin's requeue of a job whose password is wiped by now must not grant it.

    Raises:
        TransferRefusedError: The credential doesn't open, or there is neither one nor such an account.
    """
    credential = claim.credential
    if credential:
        if keyring is None:
            raise TransferRefusedError("no_keyring", "This worker has no keys to open sealed passwords; ask an admin.")
        try:
            return keyring.open(credential, owner=task.stager_user, dr_user=task.dr_user)
        except CredentialError as error:
            raise TransferRefusedError("credential", f"The sealed password can't be used: {error}") from error
    for unit in () if claim.brought_credential else repository.organisationalUnits:
        if unit.irodsUser == task.dr_user:
            return unit.irodsPass.get_secret_value()
    raise TransferRefusedError(
        "credential_missing",
        f"There is no password for {task.dr_user!r}: the job's own was wiped when it ended, or it never had one. "
        "Restart it with a fresh password.",
    )


def connection_document(repository: Repository, user: str, password: str) -> bytes:
    """The JSON document that s-isync reads from its pipe (docs/isync-protocol.md)."""
    document: dict[str, object] = {
        "irods_host": repository.host,
        "irods_port": repository.port,
        "irods_zone_name": repository.zone,
        "irods_user_name": user,
        "irods_authentication_scheme": repository.authentication_scheme,
        "irods_client_server_policy": repository.client_server_policy,
        "irods_ssl_verify_server": repository.ssl_verify_server,
        "irods_encryption_key_size": repository.encryption_key_size,
        "irods_encryption_algorithm": repository.encryption_algorithm,
        "irods_encryption_salt_size": repository.encryption_salt_size,
        "irods_encryption_num_hash_rounds": repository.encryption_num_hash_rounds,
        "password": password,
    }
    if repository.ssl_ca_certificate_file:
        document["irods_ssl_ca_certificate_file"] = str(repository.ssl_ca_certificate_file)
    if repository.default_resource:
        document["irods_default_resource"] = repository.default_resource
    return json.dumps(document).encode()
