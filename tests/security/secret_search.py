"""Looks for secrets where none should be: in any bytes, in Redis, in files, in what /proc tells of processes."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from redis import Redis

_LARGEST_FILE = 4_000_000
"""Bytes; what somebody leaves behind by mistake is small."""


class Secrets:
    """Secrets by name, in every form in which they may turn up."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._forms = {form: name for name, secret in secrets.items() for form in forms_of(secret) if len(form) > 6}

    def find(self, data: bytes) -> set[str]:
        """The names of those that are in it."""
        return {name for form, name in self._forms.items() if form in data}


def forms_of(secret: str) -> set[bytes]:
    """As it is, and as programs write it down."""
    raw = secret.encode()
    return {
        raw,
        raw.hex().encode(),
        urllib.parse.quote(secret, safe="").encode(),
        json.dumps(secret)[1:-1].encode(),
        raw[::-1],
        *(base64.b64encode(b"x" * offset + raw)[offset + 1 : -4] for offset in range(3)),
        *(base64.urlsafe_b64encode(b"x" * offset + raw)[offset + 1 : -4] for offset in range(3)),
    }


def in_redis(redis: Redis) -> Iterator[tuple[str, bytes]]:
    """Every key with its content, unpacked where RQ packs it."""
    for key in redis.scan_iter():
        kind = redis.type(key)
        value: Any
        match kind:
            case b"hash":
                value = redis.hgetall(key)
            case b"list":
                value = redis.lrange(key, 0, -1)
            case b"set":
                value = redis.smembers(key)
            case b"zset":
                value = redis.zrange(key, 0, -1, withscores=True)
            case b"stream":
                value = redis.xrange(key)
            case _:
                value = redis.get(key)
        yield key.decode(errors="replace"), key + b"\n" + b"\n".join(_pieces(value))


def _pieces(value: Any) -> Iterator[bytes]:  # noqa: ANN401 - a reply of Redis
    if isinstance(value, bytes):
        yield value
        with suppress(zlib.error):
            yield zlib.decompress(value)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _pieces(name)
            yield from _pieces(item)
    elif isinstance(value, list | tuple | set):
        for item in value:
            yield from _pieces(item)


def in_files(folders: Iterable[Path], *, since: float, but: Iterable[Path] = ()) -> Iterator[tuple[str, bytes]]:
    """Every file below the folders that was written to since then, but for those named (and all below them)."""
    left_out = [str(path) for path in but]
    for folder in folders:
        for top, names, files in os.walk(folder):
            names[:] = [name for name in names if f"{top}/{name}" not in left_out]
            for name in files:
                path = Path(top) / name
                with suppress(OSError):
                    found = path.lstat()
                    fresh = found.st_mtime >= since and found.st_size <= _LARGEST_FILE
                    if fresh and path.is_file() and not path.is_symlink() and str(path) not in left_out:
                        yield str(path), path.read_bytes()


class Watch:
    """Looks at the command line and environment of every process, and at new files in temporary folders, all the time.

    Attributes:
        found: Where a secret was seen: what and by which name.
        programs: Names of the programs that were looked at.
    """

    def __init__(self, secrets: Secrets, folders: Iterable[Path]) -> None:
        self.found: set[tuple[str, str]] = set()
        self.programs: set[str] = set()
        self._secrets, self._folders = secrets, tuple(folders)
        self._end = threading.Event()
        self._began = time.time()
        self._threads = [
            threading.Thread(target=self._run, args=(look, pause), daemon=True)
            for look, pause in ((self._processes, 0.01), (self._files, 0.2))
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, look: Any, pause: float) -> None:  # noqa: ANN401 - one of the methods below
        while not self._end.wait(pause):
            look()

    def _processes(self) -> None:
        for entry in os.scandir("/proc"):
            if not entry.name.isdecimal():
                continue
            for name in ("cmdline", "environ"):
                with suppress(OSError):
                    data = Path(entry.path, name).read_bytes()
                    if name == "cmdline":
                        self.programs |= {Path(part).name for part in data.decode(errors="replace").split("\0")[:3]}
                    self.found |= {(f"process {name}: {data[:80]!r}", secret) for secret in self._secrets.find(data)}

    def _files(self) -> None:
        for folder in self._folders:
            with suppress(OSError):
                for entry in os.scandir(folder):
                    with suppress(OSError):
                        status = entry.stat(follow_symlinks=False)
                        fresh = status.st_mtime >= self._began - 1 and status.st_size <= _LARGEST_FILE
                        if fresh and entry.is_file(follow_symlinks=False):
                            data = Path(entry.path).read_bytes()
                            self.found |= {(f"temporary file {entry.path}", name) for name in self._secrets.find(data)}
