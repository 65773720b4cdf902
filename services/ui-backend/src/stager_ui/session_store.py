"""Sessions in Redis, each encrypted with a key that half of lies in the browser's cookie.

Redis holds, under the hash of the session's id, one encrypted field for each thing that is remembered. The key comes
from the id, which only the browser knows, and from the service's secret, which only the service knows: a copy of
Redis opens nothing, not even together with the secret.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from typing import Any, Final, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from redis import Redis

ID_BYTES: Final = 32
NONCE_BYTES: Final = 12

# A request that outlives its session, such as one that was on its way when the person signed out, must not bring the
# session back: existing sessions are only changed, and only a new id makes a record.
_WRITE: Final = """
if ARGV[1] == 'existing' and redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for i = 4, 3 + 2 * tonumber(ARGV[3]), 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
for i = 4 + 2 * tonumber(ARGV[3]), #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
if ARGV[2] ~= '0' then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return 1
"""


def new_session_id() -> str:
    """An id that can't be guessed: 256 random bits as text."""
    return secrets.token_urlsafe(ID_BYTES)


class SessionStore:
    """Reads and writes sessions.

    Args:
        redis: The server, answering bytes.
        prefix: What every key begins with.
        secret: The service's half of the encryption key.
        seconds: How long a session lives after it was last used.
    """

    def __init__(self, redis: Redis, *, prefix: str, secret: str, seconds: int) -> None:
        self._redis = redis
        self._prefix = prefix
        self._secret = secret.encode()
        self._seconds = seconds
        self._write = redis.register_script(_WRITE)

    def load(self, session_id: str) -> dict[str, Any] | None:
        """What is remembered under the id; None where there is no such session, or not one of ours."""
        key = self._key(session_id)
        fields = cast("dict[bytes, bytes]", self._redis.hgetall(key))
        if not fields:
            return None
        cipher = self._cipher(session_id)
        try:
            return {name.decode(): self._open(cipher, key, name, sealed) for name, sealed in fields.items()}
        except (InvalidTag, ValueError):
            return None

    def save(self, session_id: str, changed: Mapping[str, Any], removed: set[str], *, new: bool, prolong: bool) -> bool:
        """Write what has changed, field by field, so that requests at the same time don't undo each other.

        Args:
            session_id: Whose.
            changed: New values by name; anything that JSON can hold.
            removed: Names to forget.
            new: Make the session; otherwise one that has ended stays so.
            prolong: Count its time from now; a new one's is in any case.

        Returns:
            Whether there was a session to write to.
        """
        key = self._key(session_id)
        cipher = self._cipher(session_id)
        arguments: list[str | bytes] = ["new" if new else "existing"]
        arguments += [str(self._seconds if prolong or new else 0), str(len(changed))]
        for name, value in changed.items():
            arguments += [name, self._seal(cipher, key, name.encode(), value)]
        arguments += sorted(removed)
        return bool(self._write(keys=[key], args=arguments))

    def prolong(self, session_id: str) -> None:
        """Count the session's time from now."""
        self._redis.expire(self._key(session_id), self._seconds)

    def delete(self, session_id: str) -> None:
        """Forget the session."""
        self._redis.delete(self._key(session_id))

    def _key(self, session_id: str) -> str:
        return f"{self._prefix}session:{hashlib.sha256(session_id.encode()).hexdigest()}"

    def _cipher(self, session_id: str) -> AESGCM:
        kdf = HKDF(algorithm=SHA256(), length=32, salt=self._secret, info=b"stager-ui session")
        return AESGCM(kdf.derive(session_id.encode()))

    @staticmethod
    def _seal(cipher: AESGCM, key: str, name: bytes, value: object) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        plain = json.dumps(value, separators=(",", ":")).encode()
        return nonce + cipher.encrypt(nonce, plain, key.encode() + b"\0" + name)

    @staticmethod
    def _open(cipher: AESGCM, key: str, name: bytes, sealed: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
        plain = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], key.encode() + b"\0" + name)
        return json.loads(plain)
