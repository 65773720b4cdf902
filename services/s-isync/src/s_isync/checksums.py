"""Checksums as an iRODS catalogue writes them.

`sha2:` + base64(SHA-256), bare hexadecimal MD5, `sha512:` + base64, `sha1:` + base64, `adler32:` + eight hexadecimal
digits (lib/hasher in the iRODS sources).
"""

import hashlib
import zlib
from base64 import b64encode
from typing import Protocol

DEFAULT_SCHEME = "sha2"


class Hasher(Protocol):
    """Takes bytes in order and gives their checksum in the catalogue's notation."""

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""

    def checksum(self) -> str:
        """The checksum of all bytes so far."""


class UnknownSchemeError(ValueError):
    """The catalogue uses a hash scheme that can't be computed here."""


class _Digest:
    def __init__(self, algorithm: str, prefix: str | None) -> None:
        self._hash = hashlib.new(algorithm, usedforsecurity=False)
        self._prefix = prefix
        self.update = self._hash.update

    def checksum(self) -> str:
        if self._prefix is None:
            return self._hash.hexdigest()
        return f"{self._prefix}:{b64encode(self._hash.digest()).decode()}"


class _Adler32:
    def __init__(self) -> None:
        self._value = 1

    def update(self, data: bytes | bytearray | memoryview) -> None:
        self._value = zlib.adler32(data, self._value)

    def checksum(self) -> str:
        return f"adler32:{self._value:08x}"


def hasher(scheme: str) -> Hasher:
    """A fresh hasher for a scheme (`sha2`, `md5`, `sha1`, `sha512`, `adler32`).

    Raises:
        UnknownSchemeError: no such scheme.
    """
    match scheme:
        case "sha2":
            return _Digest("sha256", "sha2")
        case "md5":
            return _Digest("md5", None)
        case "sha1" | "sha512":
            return _Digest(scheme, scheme)
        case "adler32":
            return _Adler32()
    raise UnknownSchemeError(scheme)


def is_known(scheme: str) -> bool:
    """Whether `hasher` has this scheme."""
    return scheme in {"sha2", "md5", "sha1", "sha512", "adler32"}


def checksum_of(data: bytes | bytearray | memoryview, scheme: str) -> str:
    """The checksum of bytes at hand."""
    state = hasher(scheme)
    state.update(data)
    return state.checksum()


def scheme_of(checksum: str) -> str:
    """The scheme that a catalogue's checksum is written in; bare hexadecimal is MD5."""
    prefix, colon, _ = checksum.partition(":")
    return prefix.lower() if colon else "md5"


def same(left: str, right: str) -> bool:
    """Whether two catalogue checksums are of the same scheme and bytes."""
    scheme = scheme_of(left)
    if scheme != scheme_of(right):
        return False
    if scheme in {"md5", "adler32"}:
        return left.lower() == right.lower()
    return left == right
