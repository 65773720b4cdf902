"""Hashes of local files that were read before, so that a further run need not read them again."""

import contextlib
import logging
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

_log = logging.getLogger(__name__)
_RACY_NS = 2_000_000_000  # a file that changed so recently may change once more without its time moving
_WRITE_EVERY = 500  # hashes; written at once, so that runs beside this one don't wait
_MOST_YOUNG = 100_000  # hashes of files that must grow older before they are kept
_KEPT = 90 * 24 * 3600  # seconds that an unused hash is kept
_TABLE = """CREATE TABLE IF NOT EXISTS hashes (
    path BLOB, scheme TEXT, device INTEGER, inode INTEGER, size INTEGER, mtime INTEGER, ctime INTEGER,
    checksum TEXT, used INTEGER, PRIMARY KEY (path, scheme)) WITHOUT ROWID"""


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells that a file is still the one that was hashed."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


def identity_of(status: os.stat_result) -> Identity:
    """By what the file system says of it."""
    return Identity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class HashCache:
    """Used by many threads; whatever goes wrong with it, files are just read again."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._database: Any = None
        self._broken = False
        self._rows: list[tuple[object, ...]] = []
        self._young: list[tuple[str, str, Identity, str]] = []

    def find(self, path: str, scheme: str, identity: Identity) -> str | None:
        """The checksum of a file that has not changed since it was remembered."""
        found: str | None = None
        with self._using() as database:
            if database is None:
                return found
            row = database.execute(
                "SELECT checksum, device, inode, size, mtime, ctime FROM hashes WHERE path = ? AND scheme = ?",
                (os.fsencode(path), scheme),
            ).fetchone()
            if row is not None and Identity(*row[1:]) == identity:
                found = str(row[0])
        return found

    def remember(self, path: str, scheme: str, identity: Identity, checksum: str) -> None:
        """Keep the checksum of a file whose bytes were hashed, or written, while it had this identity."""
        with self._using() as database:
            if database is None:
                return
            if _is_young(identity):
                if len(self._young) < _MOST_YOUNG:
                    self._young.append((path, scheme, identity, checksum))
                return
            self._rows.append(_row(path, scheme, identity, checksum))
            if len(self._rows) >= _WRITE_EVERY:
                self._write(database)

    def close(self) -> None:
        """Write what is pending, and let go of the file."""
        with self._using(existing=True) as database:
            if database is not None:
                self._add_grown_up()
                self._write(database)
                database.execute("DELETE FROM hashes WHERE used < ?", (int(time.time()) - _KEPT,))
                database.commit()
                database.close()
        self._database, self._broken = None, True

    def _add_grown_up(self) -> None:
        for path, scheme, identity, checksum in self._young:
            with contextlib.suppress(OSError):
                if not _is_young(identity) and identity_of(os.stat(path)) == identity:  # noqa: PTH116 - paths are str
                    self._rows.append(_row(path, scheme, identity, checksum))

    def _write(self, database: Any) -> None:  # noqa: ANN401 - a sqlite3.Connection
        rows, self._rows = self._rows, []
        database.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        database.commit()

    @contextlib.contextmanager
    def _using(self, *, existing: bool = False) -> Any:  # noqa: ANN401 - yields a sqlite3.Connection
        import sqlite3  # takes its time to load, and not every run needs it

        with self._lock:
            if self._database is None and not self._broken and not existing:
                self._open(sqlite3)
            try:
                yield self._database
            except sqlite3.Error as error:
                self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        _log.info("%s: hashes are not kept: %s", self._place, error)
        self._database, self._broken = None, True

    def _open(self, sqlite3: ModuleType) -> None:
        try:
            self._database = self._connect(sqlite3)
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    def _connect(self, sqlite3: ModuleType) -> Any:  # noqa: ANN401 - a sqlite3.Connection
        self._place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = sqlite3.connect(self._place, timeout=1.0, check_same_thread=False)
        database.execute(_TABLE)
        return database


def _is_young(identity: Identity) -> bool:
    return time.time_ns() - max(identity.mtime_ns, identity.ctime_ns) < _RACY_NS


def _row(path: str, scheme: str, identity: Identity, checksum: str) -> tuple[object, ...]:
    known = (identity.device, identity.inode, identity.size, identity.mtime_ns, identity.ctime_ns)
    return os.fsencode(path), scheme, *known, checksum, int(time.time())
