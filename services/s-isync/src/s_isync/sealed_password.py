"""Opens a password that was sealed for the user who runs this."""

import os
import pwd
from pathlib import Path

from s_isync.zone_settings import bad_configuration


def open_sealed(text: str, key: Path, user: str) -> str:
    """The password in a sealed credential (see stager-credentials).

    Args:
        text: the sealed credential.
        key: the file of the private key, this user's own and closed to others.
        user: the iRODS user that it was sealed for.

    Raises:
        EndOfRunError: it can't be opened; the message holds no secret.
    """
    try:
        from stager_credentials import CredentialError, Keyring
    except ImportError:
        raise bad_configuration("-e: to open sealed passwords, install s-isync[sealed]") from None
    try:
        return Keyring.load_files([key]).open(text, owner=pwd.getpwuid(os.getuid()).pw_name, dr_user=user)
    except CredentialError as error:
        raise bad_configuration(f"-e: {error}") from error
    except KeyError:
        raise bad_configuration("-e: the user who runs this has no name") from None
