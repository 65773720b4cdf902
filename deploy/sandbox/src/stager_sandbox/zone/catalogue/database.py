"""SQLite underneath the catalogue: a connection per thread, one writer at a time, write-ahead logging."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stager_sandbox.zone.errors import Code, ZoneError

BUSY_SECONDS = 30.0
BATCH = 500


def now() -> str:
    """The time as the catalogue keeps it: eleven digits of seconds."""
    return f"{int(time.time()):011d}"


class Database:
    """The file and its connections.

    A commit survives the process being killed; after a power cut the last ones may be gone (``synchronous=NORMAL``).

    Args:
        path: The database file; made if missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._writing = threading.RLock()

    def connect(self) -> sqlite3.Connection:
        """Open a connection of one's own; for statements that are read over several calls."""
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA case_sensitive_like=ON")
        connection.execute("PRAGMA cache_size=-4096")
        return connection

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, for reading."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = self.connect()
        return found

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write in a transaction; within one already begun by this thread, take part in that.

        Raises:
            ZoneError: CAT_SQL_ERR when a value cannot be stored, as text that is no UTF-8.
        """
        connection = self.connection
        if connection.in_transaction:
            yield connection
            return
        with self._writing:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except UnicodeEncodeError as error:
                connection.execute("ROLLBACK")
                raise ZoneError(Code.CAT_SQL_ERR) from error
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close this thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is not None:
            found.close()
            del self._local.connection


def next_id(connection: sqlite3.Connection) -> int:
    """Draw an id; collections, objects, users, resources and AVUs share one sequence."""
    (drawn,) = connection.execute("UPDATE r_objectid SET next_id = next_id + 1 RETURNING next_id").fetchone()
    return int(drawn)
