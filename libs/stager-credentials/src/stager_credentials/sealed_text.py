"""The text of a sealed credential, `sealed:v1:KEYID:BLOB`, and what is bound into it."""

from __future__ import annotations

import base64
import re
from typing import Final

from stager_credentials.errors import MalformedCredentialError

PREFIX: Final = "sealed:"
VERSION: Final = "v1"
MAX_TEXT: Final = 4096
"""Characters of a sealed credential."""

KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TEXT: Final = re.compile(rf"{PREFIX}{VERSION}:({KEY_ID.pattern}):([A-Za-z0-9_-]+)")


def parse_sealed(text: str) -> str:
    """Tell which key a credential was sealed with, without opening it.

    Args:
        text: Anything; only `sealed:v1:KEYID:BLOB` of at most 4096 characters is taken.

    Returns:
        The key id: 1 to 64 letters, digits, `-` and `_`.

    Raises:
        MalformedCredentialError: It is something else; the message doesn't repeat it, since it may be a password.
    """
    return split_sealed(text)[0]


def split_sealed(text: str) -> tuple[str, bytes]:
    """Take a sealed credential apart into key id and blob; raises as `parse_sealed` does."""
    if len(text) > MAX_TEXT:
        raise MalformedCredentialError(f"a sealed credential has at most {MAX_TEXT} characters, this has {len(text)}")
    match = _TEXT.fullmatch(text)
    if match is None:
        raise MalformedCredentialError(
            f"not a sealed credential of the form {PREFIX}{VERSION}:KEYID:BLOB; "
            "clear passwords and older formats are refused"
        )
    key_id, encoded = match.groups()
    if len(encoded) % 4 == 1:
        raise MalformedCredentialError("the sealed credential is cut short")
    blob = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    if encode_blob(blob) != encoded:  # bits after the last byte must be zero: one blob, one text
        raise MalformedCredentialError("the sealed credential is damaged at its end")
    return key_id, blob


def join_sealed(key_id: str, blob: bytes) -> str:
    """Put a sealed credential together; the reverse of `split_sealed`."""
    return f"{PREFIX}{VERSION}:{key_id}:{encode_blob(blob)}"


def encode_blob(blob: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(blob).rstrip(b"=").decode("ascii")


def binding(key_id: str, owner: str, dr_user: str) -> bytes:
    """Return the associated data that ties a ciphertext to its version, key, owner and account.

    Every part is preceded by its length (4 bytes, big-endian), so that no two different sets of parts give the same
    bytes.
    """
    # surrogatepass: a name that is no valid Unicode is still one name and no other, and never an exception here.
    parts = [part.encode("utf-8", "surrogatepass") for part in (PREFIX + VERSION, key_id, owner, dr_user)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
