"""What every backend offers: the protocols between the sync and the places it moves data between.

Paths given to a tree are absolute. Every operation raises `TreeError` or one of its kinds, nothing else, and may be
called from any thread.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from s_isync.entry import Entry, Kind
from s_isync.errors import TreeError

ScanProblem = Callable[[str, TreeError], None]
"""Called with the path (relative to the scan's root) of what could not be scanned, and why."""

Progress = Callable[[int], None]
"""Called with the number of bytes that have just been dealt with."""


Avu = tuple[str, str, str]
"""Attribute, value and unit."""

Wanted = Callable[[str, Kind], bool]
"""Whether an entry takes part, by its path relative to the scan's root, given that the folders above it do."""


def everything(_path: str, _kind: Kind) -> bool:
    """Leave nothing out of a scan."""
    return True


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a writer is told about the file that it will receive.

    Attributes:
        size: bytes that will be written.
        mtime_ns: modification time to keep; None to leave it at now.
        replacing: what stands under the name already; None if nothing does.
        keep_old: whether the old bytes must stay recoverable until the new ones are verified.
        metadata: AVUs to set, where the tree has such.
        checksum: of the bytes that will come, where it is known; by it an earlier attempt's are known again.
        mode: permission bits to give the file; None to leave them to the place. A zone takes them for new objects.
    """

    size: int
    mtime_ns: int | None = None
    replacing: Entry | None = None
    keep_old: bool = True
    metadata: tuple[Avu, ...] = ()
    checksum: str | None = None
    mode: int | None = None


class Reader(Protocol):
    """A file open for reading. Threads may share it; each calls `leave` when it has read its last range."""

    def read_at(self, offset: int, length: int) -> bytes | memoryview:
        """`length` bytes from `offset`; fewer mean that the file has become shorter."""

    def done(self, data: bytes | memoryview) -> None:
        """What `read_at` gave is not looked at any more, so its memory may be used again."""

    def leave(self) -> None:
        """This thread reads no more."""

    def check_unchanged(self) -> None:
        """Raise `TransientError` if the file has changed since it was scanned."""

    def note_checksum(self, checksum: str) -> None:
        """All of it was read: the checksum of what was read, to be remembered."""

    def close(self) -> None:
        """Let go of the file; called once, last, by the thread that opened it."""


class Writer(Protocol):
    """A file being written. Nothing counts until `commit` returns; threads may share it as they do a `Reader`."""

    @property
    def start(self) -> int:
        """Bytes at the beginning that an earlier attempt has written, and that need not come again."""

    def written(self, offset: int, length: int) -> bytes | None:
        """What stands in a range below `start`; None if that is better read from the source once more."""

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Write one range; ranges come in any order, each exactly once unless it failed."""

    def leave(self) -> None:
        """This thread writes no more."""

    def commit(self, checksum: str) -> str | None:
        """Make it final if it holds exactly the bytes of `checksum`; gives the checksum that the tree keeps of it.

        Raises:
            TransientError: the bytes that arrived are others; what stood there before is back.
        """

    def abort(self, *, keep: bool) -> None:
        """Leave things as they were before the writer was opened, as far as possible. Never raises `TreeError`.

        Args:
            keep: whether what has been written is right as far as it goes, and may be of use to a later attempt.
        """


class Bundles(Protocol):
    """A place that takes many small files as one tar file."""

    def accepts(self, path: str) -> bool:
        """Whether a file of this name may be in it."""

    def store_bundle(
        self, root: str, archive: bytes | memoryview, times: Mapping[str, int | None]
    ) -> Mapping[str, str]:
        """Unpack a tar file of new files below a folder.

        Args:
            root: the folder.
            archive: the tar file.
            times: modification time of each of its files, nanoseconds, by path; None to leave it at now.

        Returns:
            The checksum that the place computes of each file that has arrived, by path.

        Raises:
            EndOfRunError: it takes no bundles.
            TreeError: this bundle failed; some of its files may have arrived.
        """


class Tree(Protocol):
    """A place with files and folders."""

    @property
    def catalogues(self) -> bool:
        """Whether checksums are the tree's own knowledge, rather than computed here by reading."""

    def stat(self, path: str) -> Entry | None:
        """What stands at `path` (links followed), with an empty relative path; None if nothing that can be seen."""

    def scan(self, root: str, problem: ScanProblem, wanted: Wanted = everything) -> Iterator[Entry]:
        """What is wanted below `root`, without it, ordered by `sort_key`; nothing below an unwanted folder."""

    def make_folder(self, path: str) -> None:
        """Make a folder and the missing ones above it; one that exists is fine."""

    def remove_file(self, path: str) -> None:
        """Remove a file or link, to the trash where there is one; one that is gone already is fine."""

    def drop_leftover(self, path: str) -> None:
        """Remove the older bytes that an interrupted overwrite has left beside a file that is good. Never raises."""

    def remove_folder(self, path: str) -> None:
        """Remove a folder in which nothing is, or only what broken-off runs have left; one that is gone is fine.

        Raises:
            TreeError: something is in it.
        """

    def checksum(self, path: str, scheme: str | None, progress: Progress) -> str:
        """The checksum of a file's bytes; a catalogue answers in its own scheme, whatever `scheme` says."""

    def preferred_scheme(self) -> str:
        """The scheme in which a catalogue takes checksums of new files."""

    def open_reader(self, path: str, entry: Entry) -> Reader:
        """Open a file that a scan has found as `entry`."""

    def open_writer(self, path: str, incoming: Incoming) -> Writer:
        """Begin to write a file whose folder exists."""

    @property
    def distant(self) -> bool:
        """Whether answers are so long on their way that many should be waited for at once."""

    @property
    def working_seconds(self) -> float | None:
        """For how long at most work that it does by itself is still waited for; None if there is none.

        Meanwhile nothing is moved, nor checked bytes counted, though all is well.
        """

    @property
    def copies(self) -> bool:
        """Whether it copies files within itself."""

    def copy(self, source_path: str, destination_path: str, entry: Entry, incoming: Incoming) -> str | None:
        """Copy a file within the tree, verified; gives the checksum that the tree keeps of the copy."""

    @property
    def bundles(self) -> "Bundles | None":
        """How it takes many files at once; None if it doesn't."""

    def tidy(self, root: str) -> None:
        """Remove what killed runs have left below a folder for good, as far as scans have come by it. Never raises."""

    def drop_unfinished(self) -> None:
        """All attempts are over: remove what was kept for another one of this run."""

    def enter_thread(self) -> None:
        """The calling thread is one of many: where it gets no connection, and others have theirs, they do its work.

        From then on it meets `NoTurnError` there; a thread that hasn't called this waits for its turn.
        """

    def connect(self) -> None:
        """Get the calling thread's connection, if it needs one here.

        Raises:
            TreeError: none can be had.
        """

    def pass_on(self) -> None:
        """The calling thread needs nothing here for a while: what it alone holds may serve another one."""

    def leave_thread(self) -> None:
        """The calling thread won't come back; what it alone holds can go."""

    def abandon(self) -> None:
        """Make every call under way fail soon; called while the run is being broken off."""

    def close(self) -> None:
        """Let go of everything; called once, when no other call is under way."""
