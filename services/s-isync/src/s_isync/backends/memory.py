"""A tree in memory, for tests: it behaves like a zone when it has a catalogue, else like a file system."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from s_isync.checksums import DEFAULT_SCHEME, checksum_of, same, scheme_of
from s_isync.entry import Entry, Kind, sort_key
from s_isync.errors import TransientError, TreeError
from s_isync.names import join, split
from s_isync.pruning import pruned
from s_isync.tree import Incoming, Progress, Reader, ScanProblem, Wanted, Writer, everything


@dataclass(slots=True)
class Node:
    """One file or folder."""

    kind: Kind
    data: bytes = b""
    mtime_ns: int = 0
    checksum: str | None = None
    good: bool = True
    mode: int | None = None


@dataclass(slots=True)
class MemoryTree:
    """Files and folders by absolute path.

    Attributes:
        scheme: the catalogue's hash scheme; None for a tree without a catalogue.
        nodes: what there is.
    """

    scheme: str | None = None
    nodes: dict[str, Node] = field(default_factory=lambda: {"/": Node(Kind.FOLDER)})
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def catalogues(self) -> bool:
        """Whether it has a catalogue."""
        return self.scheme is not None

    def stat(self, path: str) -> Entry | None:
        """What stands there."""
        node = self.nodes.get(path)
        return None if node is None else _entry("", node)

    def scan(self, root: str, problem: ScanProblem, wanted: Wanted = everything) -> Iterator[Entry]:
        """Everything below `root`."""
        if self._node(root).kind is not Kind.FOLDER:
            problem("", TreeError("ENOTDIR", "is no folder"))
            return
        prefix = root.rstrip("/") + "/"
        with self._lock:
            below = [(path[len(prefix) :], node) for path, node in self.nodes.items() if path.startswith(prefix)]
        found = (_entry(path, node) for path, node in sorted(below, key=lambda item: sort_key(item[0])) if path)
        yield from pruned(found, wanted)

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it."""
        if path in self.nodes:
            if self.nodes[path].kind is not Kind.FOLDER:
                raise TreeError("ENOTDIR", "a file stands where the folder should go")
            return
        self.make_folder(split(path)[0])
        self.nodes[path] = Node(Kind.FOLDER)

    def remove_file(self, path: str) -> None:
        """Remove a file."""
        self.nodes.pop(path, None)

    def drop_leftover(self, path: str) -> None:
        """Overwrites leave none."""

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        if any(other.startswith(path + "/") for other in self.nodes):
            raise TreeError("ENOTEMPTY", "is not empty")
        self.nodes.pop(path, None)

    def checksum(self, path: str, scheme: str | None, progress: Progress) -> str:
        """The checksum of a file; kept where there is a catalogue."""
        node = self._node(path)
        progress(len(node.data))
        if self.scheme is not None and node.checksum is None:
            node.checksum = checksum_of(node.data, self.scheme)
        return node.checksum or checksum_of(node.data, scheme or DEFAULT_SCHEME)

    def preferred_scheme(self) -> str:
        """The catalogue's scheme."""
        return self.scheme or DEFAULT_SCHEME

    def open_reader(self, path: str, entry: Entry) -> Reader:
        """Open a file."""
        return _MemoryReader(self._node(path), entry)

    def open_writer(self, path: str, incoming: Incoming) -> Writer:
        """Begin to write a file."""
        if self._node(split(path)[0]).kind is not Kind.FOLDER:
            raise TreeError("ENOTDIR", "the folder is a file")
        return _MemoryWriter(self, path, incoming)

    copies = False
    working_seconds = None
    distant = True  # so that tests have all threads at once

    def copy(self, source_path: str, destination_path: str, entry: Entry, incoming: Incoming) -> str | None:
        """Files are read and written."""
        raise NotImplementedError

    @property
    def bundles(self) -> None:
        """None: files come one by one."""
        return None

    def tidy(self, root: str) -> None:
        """Nothing is left that would be in the way."""

    def drop_unfinished(self) -> None:
        """None are kept."""

    def enter_thread(self) -> None:
        """Nothing is held."""

    def connect(self) -> None:
        """Nothing is held."""

    def pass_on(self) -> None:
        """Nothing is held."""

    def leave_thread(self) -> None:
        """Threads hold nothing."""

    def abandon(self) -> None:
        """Calls don't wait for anybody."""

    def close(self) -> None:
        """Nothing to let go of."""

    def put(self, path: str, data: bytes, mtime_ns: int = 0) -> None:
        """Place a file, and the folders above it, for a test to start from."""
        self.make_folder(split(path)[0])
        checksum = checksum_of(data, self.scheme) if self.scheme else None
        self.nodes[path] = Node(Kind.FILE, data, mtime_ns, checksum)

    def files(self, root: str = "/") -> dict[str, bytes]:
        """The content of every file below `root`, by relative path."""
        prefix = join(root, "")
        prefix = prefix if prefix.endswith("/") else prefix + "/"
        found = {
            p[len(prefix) :]: n.data for p, n in self.nodes.items() if p.startswith(prefix) and n.kind is Kind.FILE
        }
        return dict(sorted(found.items()))

    def _node(self, path: str) -> Node:
        try:
            return self.nodes[path]
        except KeyError:
            raise TreeError("ENOENT", "doesn't exist") from None


def _entry(path: str, node: Node) -> Entry:
    return Entry(path, node.kind, len(node.data), node.mtime_ns, node.checksum, node.good, mode=node.mode)


@dataclass(slots=True)
class _MemoryReader:
    node: Node
    entry: Entry

    def read_at(self, offset: int, length: int) -> bytes:
        return self.node.data[offset : offset + length]

    def done(self, data: bytes | memoryview) -> None:
        pass

    def leave(self) -> None:
        pass

    def check_unchanged(self) -> None:
        if (len(self.node.data), self.node.mtime_ns) != (self.entry.size, self.entry.mtime_ns):
            raise TransientError("CHANGED", "the file changed while it was being read")

    def note_checksum(self, checksum: str) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass(slots=True)
class _MemoryWriter:
    tree: MemoryTree
    path: str
    incoming: Incoming
    _buffer: bytearray = field(init=False)

    def __post_init__(self) -> None:
        self._buffer = bytearray(self.incoming.size)

    @property
    def start(self) -> int:
        return 0

    def written(self, offset: int, length: int) -> bytes:
        return bytes(self._buffer[offset : offset + length])

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        self._buffer[offset : offset + len(data)] = data

    def leave(self) -> None:
        pass

    def commit(self, checksum: str) -> str | None:
        data = bytes(self._buffer)
        if not same(checksum_of(data, scheme_of(checksum)), checksum):
            raise TransientError("CHECKSUM_MISMATCH", "other bytes arrived than were sent")
        mtime = self.incoming.mtime_ns if self.incoming.mtime_ns is not None else time.time_ns()
        kept = checksum if self.tree.scheme else None
        self.tree.nodes[self.path] = Node(Kind.FILE, data, mtime, kept, mode=self.incoming.mode)
        return kept

    def abort(self, *, keep: bool) -> None:
        pass
