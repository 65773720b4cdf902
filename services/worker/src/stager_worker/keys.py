"""The keyring, read again when its directory has changed, so that a rotation needs no restart."""

from __future__ import annotations

from pathlib import Path

from stager_credentials import CredentialError, Keyring
from stager_telemetry import get_logger

log = get_logger(__name__)

_Seen = tuple[tuple[str, int, int], ...]


class KeyDirectory:
    """Opens sealed credentials with the keys that the directory holds now.

    Raises:
        CredentialError: It can't be used.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen = self._look()
        self._keyring = Keyring.load(directory)

    def open(self, text: str, *, owner: str, dr_user: str) -> str:
        """See `Keyring.open`. Where the directory can't be used any more, the keys read before go on being used."""
        seen = self._look()
        if seen != self._seen:
            try:
                self._keyring, self._seen = Keyring.load(self._directory), seen
                log.info("the keyring was read again", keys=len(self._keyring.key_ids))
            except CredentialError as error:
                log.warning("the keyring has changed and can't be read", reason=str(error))
        return self._keyring.open(text, owner=owner, dr_user=dr_user)

    def _look(self) -> _Seen:
        """What would show a change: names, sizes and times."""
        try:
            found = [(path.name, path.stat()) for path in sorted(self._directory.glob("*.pem"))]
        except OSError:
            return ()
        return tuple((name, status.st_mtime_ns, status.st_size) for name, status in found)
