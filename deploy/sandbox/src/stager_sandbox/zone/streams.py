"""A data object's bytes as Python streams."""

import io
from types import TracebackType
from typing import Self

from stager_sandbox.zone.engine import Engine
from stager_sandbox.zone.operations import OpenReplica


class ReadStream(io.RawIOBase):
    """Reads an opened data object; closing it closes the replica."""

    def __init__(self, engine: Engine, opened: OpenReplica) -> None:
        super().__init__()
        self._engine = engine
        self._opened = opened

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be sought in, for ranges."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to an offset."""
        return self._opened.seek(offset, whence)

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override] # as BufferedReader calls it
        """Read into a buffer; give back how many bytes."""
        data = self._opened.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the replica."""
        if not self.closed:
            self._engine.replicas.close(self._opened)
        super().close()


class Upload:
    """Writes a data object anew. As a context manager: a block that ends well makes it good, one that raises, stale."""

    def __init__(self, engine: Engine, opened: OpenReplica) -> None:
        self._engine = engine
        self._opened = opened
        self._done = False

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write on, all of it.

        Raises:
            ZoneError: UNIX_FILE_WRITE_ERR with the errno, as when the disk is full.
        """
        written = 0
        while written < len(data):
            written += self._opened.write(memoryview(data)[written:])
        return written

    def close(self) -> None:
        """Register what was written: the replica is good."""
        if not self._done:
            self._done = True
            self._engine.replicas.close(self._opened)

    def abort(self) -> None:
        """Give up: the replica is stale, with the bytes written so far."""
        if not self._done:
            self._done = True
            self._engine.replicas.abandon(self._opened)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()
