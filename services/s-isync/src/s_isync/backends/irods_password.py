"""The password that `iinit` keeps, scrambled, in a file of its user."""

import os
from pathlib import Path

from irods.password_obfuscation import decode

from s_isync.zone_settings import bad_configuration


def kept_password(path: str | None) -> str | None:
    """The password in `.irodsA`, or in the file that `IRODS_AUTHENTICATION_FILE` or the settings name; None if none.

    Raises:
        EndOfRunError: the file is there but can't be read.
    """
    file = Path(os.environ.get("IRODS_AUTHENTICATION_FILE") or path or Path.home() / ".irods" / ".irodsA")
    try:
        scrambled = file.read_text(encoding="ascii").rstrip("\n")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise bad_configuration(f"{file}: can't be read; log in again with iinit") from error
    try:
        password: str = decode(scrambled)
    except Exception as error:
        raise bad_configuration(f"{file}: holds no password that can be read; log in again with iinit") from error
    return password
