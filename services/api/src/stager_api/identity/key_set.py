"""The identity provider's keys, as far as they are any good for checking signatures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, KeySet, OctKey, OKPKey, RSAKey
from stager_telemetry import get_logger

log = get_logger(__name__)

_MOST_KEYS = 100
_LEAST_RSA_BITS = 2048

Key = OctKey | RSAKey | ECKey | OKPKey


def key_set(document: Mapping[str, Any]) -> KeySet | None:
    """The keys of a JWKS document; None if there is no usable one.

    A key of a kind that isn't known, that is damaged, too short, or a shared secret is left out, with a word in the
    log: it must not take the others along.
    """
    listed = document.get("keys")
    entries = listed[:_MOST_KEYS] if isinstance(listed, list) else []
    keys: list[Key] = [key for entry in entries if (key := _usable(entry))]
    return KeySet(keys) if keys else None


def _usable(entry: Any) -> Key | None:  # noqa: ANN401 - JSON of any shape
    try:
        key = JWKRegistry.import_key(entry)
        if not isinstance(key, RSAKey | ECKey | OKPKey):
            reason = "it is a shared secret"
        elif isinstance(public := key.public_key, RSAPublicKey) and public.key_size < _LEAST_RSA_BITS:
            reason = f"it has {public.key_size} bits only"
        else:
            return key
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = type(error).__name__
    kid = entry.get("kid") if isinstance(entry, dict) else None
    log.warning("a key of the identity provider is left out", kid=str(kid)[:100], reason=reason)
    return None
