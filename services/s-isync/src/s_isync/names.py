"""Names of paths: how they are shown, joined, and what s-isync calls its own temporary files.

Paths are `str`; bytes that are no UTF-8 are lone surrogates, as in `os.fsdecode`.
"""

import re
from hashlib import blake2s
from uuid import uuid4

PART_PREFIX = ".s-isync-part."
KEPT_PREFIX = ".s-isync-kept."
_LONGEST_NAME = 255
_HASH = re.compile(r"[0-9a-f]{32}")
_BUNDLE = re.compile(re.escape(PART_PREFIX) + r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tar")


def printable(path: str) -> str:
    r"""The text of a path for people and JSON: bytes that are no UTF-8 become `\xHH`."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return path


def join(root: str, relative: str) -> str:
    """`relative` below `root`; the root itself for an empty one."""
    if not relative:
        return root
    return f"{root}{relative}" if root.endswith("/") else f"{root}/{relative}"


def split(path: str) -> tuple[str, str]:
    """Parent and last name of a path without a slash at its end."""
    parent, _, name = path.rpartition("/")
    return (parent or "/") if path.startswith("/") else parent, name


def part_name(name: str) -> str:
    """What a file is called while it is being downloaded, beside its final name."""
    return _derived(PART_PREFIX, name)


def kept_name(name: str) -> str:
    """What the old bytes of a data object are called until the new ones are verified."""
    return _derived(KEPT_PREFIX, name)


def kept_of(name: str) -> str | None:
    """The name of the data object whose old bytes a name stands for, unless that is a long one; None if it doesn't."""
    return name.removeprefix(KEPT_PREFIX) if name.startswith(KEPT_PREFIX) else None


def may_be_of_a_long_name(kept: str) -> bool:
    """Whether what `kept_of` gives may be the hash of a name that was too long to be told."""
    return _HASH.fullmatch(kept.removeprefix(KEPT_PREFIX)) is not None


def bundle_name() -> str:
    """What a tar file of many small files is called until it is unpacked; another one each time."""
    return f"{PART_PREFIX}{uuid4()}.tar"


def is_bundle(name: str) -> bool:
    """Whether a name is that of such a tar file."""
    return _BUNDLE.fullmatch(name) is not None


def is_own(name: str) -> bool:
    """Whether s-isync made this name for its own use; such files are no part of a tree."""
    return name.startswith((PART_PREFIX, KEPT_PREFIX))


def _derived(prefix: str, name: str) -> str:
    raw = name.encode("utf-8", "surrogateescape")
    if len(prefix) + len(raw) <= _LONGEST_NAME:
        return prefix + name
    return prefix + blake2s(raw, digest_size=16).hexdigest()
