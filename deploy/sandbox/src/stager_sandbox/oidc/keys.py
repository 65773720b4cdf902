"""The provider's signing key, kept over restarts."""

from __future__ import annotations

import os
from pathlib import Path

from joserfc.jwk import KeySet, RSAKey

ALGORITHM = "RS256"
_BITS = 2048


class SigningKeys:
    """Tokens are signed with the newest key; all are published, so that older tokens stay good after a rotation.

    Args:
        path: Where the first key is kept; made if missing, for its owner's eyes only.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(RSAKey.generate_key(_BITS).as_pem(private=True))
        self._keys = [_named(RSAKey.import_key(path.read_text()))]

    @property
    def current(self) -> RSAKey:
        """The key that tokens are signed with."""
        return self._keys[-1]

    def all(self) -> KeySet:
        """Every key, private parts included; for checking tokens of its own."""
        return KeySet(list(self._keys))

    def published(self) -> dict[str, object]:
        """The public keys, as the JWKS document has them."""
        return {"keys": [key.as_dict(private=False, use="sig", alg=ALGORITHM) for key in self._keys]}

    def rotate(self) -> None:
        """Sign with a new key from now on, which lasts as long as this process."""
        self._keys.append(_named(RSAKey.generate_key(_BITS)))


def _named(key: RSAKey) -> RSAKey:
    key.ensure_kid()
    return key
