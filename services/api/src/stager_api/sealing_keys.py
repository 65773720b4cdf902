"""The public keys that passwords are sealed with, read again as the admin rotates them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from stager_credentials import CredentialError, MalformedCredentialError, PublicKeyring, SealingKey, UnknownKeyError
from stager_telemetry import get_logger

from stager_api.errors import Violation
from stager_api.reasons import Fault

log = get_logger(__name__)

_RELOAD_SECONDS = 10.0


class SealingKeys:
    """A directory of public keys. A rotation is seen within 10 seconds; if that fails the old keys stay in use."""

    def __init__(self, directory: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the keys.

        Raises:
            KeyringError: They can't be used.
        """
        self._directory = directory
        self._clock = clock
        self._lock = Lock()
        self._keys = PublicKeyring.load(directory)
        self._loaded = clock()

    def current(self) -> SealingKey:
        """The key for new passwords."""
        return self._fresh().current

    def violation(self, text: str) -> Violation | None:
        """What is wrong with a sealed password as far as can be told without opening it. It never repeats the text."""
        try:
            self._fresh().accept(text)
        except MalformedCredentialError:
            return Violation(
                "drPass",
                Fault.NOT_SEALED,
                "is not sealed: a clear password is refused; `stager` seals it, or see CredentialService",
            )
        except UnknownKeyError:
            return Violation(
                "drPass",
                Fault.KEY_RETIRED,
                "is sealed with a key that is no longer in use; get the key again and seal anew",
            )
        return None

    def _fresh(self) -> PublicKeyring:
        with self._lock:
            if self._clock() - self._loaded > _RELOAD_SECONDS:
                self._loaded = self._clock()
                try:
                    self._keys = PublicKeyring.load(self._directory)
                except (CredentialError, OSError) as error:
                    log.warning("sealing keys not read again; the old ones stay in use", reason=str(error))
            return self._keys
