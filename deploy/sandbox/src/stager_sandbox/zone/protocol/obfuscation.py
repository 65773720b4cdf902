"""How clients disguise a new password on its way to the server: letters turned on a wheel by bytes from a key."""

import hashlib
import string
from typing import Final

_WHEEL: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase + "".join(map(chr, range(33, 48)))
_KEY_BYTES: Final = 61
_KEY_ROOM: Final = 100
_SECOND_WAY: Final = ".ObfV2"
_FILLING: Final = "1gCBizHWbwIYyWLo"


def reveal(disguised: str, password: str, signature: str) -> str:
    """The new password within what a client sent.

    Args:
        disguised: What it sent.
        password: The sender's own password, which is the key.
        signature: What the sender's session knows it by: the first sixteen bytes of the challenge, as hex.
    """
    key = _digest(_padded(password[:90] + signature[:100])).hex()
    plain = _turn_back(disguised, key, chained=True)
    if plain[1:].startswith(_SECOND_WAY):  # a random letter comes before
        plain = plain[1 + len(_SECOND_WAY) :]
    else:
        plain = _turn_back(disguised, password, chained=False)
    return plain.partition(_FILLING)[0]


def temporary(seed: str, password: str) -> str:
    """The temporary password that a client makes of a seed and its own password."""
    return _digest(_padded(seed + password)).hex()


def _turn_back(text: str, key: str, *, chained: bool) -> str:
    turns = _turns(key)
    found, before = [], 0
    for position, letter in enumerate(text):
        at = _WHEEL.find(letter)
        if at < 0:
            found.append(letter)
            continue
        found.append(_WHEEL[(at - turns[position % _KEY_BYTES] - before) % len(_WHEEL)])
        if chained:
            before = ord(letter)
    return "".join(found)


def _turns(key: str) -> bytes:
    first = _digest(_padded(key))
    second = _digest(first)
    third = _digest(first + second)
    return first + second + third + third


def _padded(key: str) -> bytes:
    return key.encode()[:_KEY_ROOM].ljust(_KEY_ROOM, b"\0")


def _digest(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
