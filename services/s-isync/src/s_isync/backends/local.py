"""The file system."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from s_isync.backends.ground import Ground
from s_isync.backends.hash_cache import HashCache, identity_of
from s_isync.backends.local_errors import os_errors, tree_error
from s_isync.backends.local_files import LocalReader, LocalWriter
from s_isync.backends.local_scan import LocalScan, entry_of
from s_isync.checksums import DEFAULT_SCHEME, hasher
from s_isync.entry import Entry
from s_isync.errors import TransientError, TreeError
from s_isync.names import is_own
from s_isync.tree import Incoming, Progress, Reader, ScanProblem, Wanted, Writer, everything

_BLOCK = 1024 * 1024


class LocalTree:
    """Files and folders of this machine, with the permissions of this process.

    Args:
        follow_links: whether a scan takes links for what they point to.
        cache: remembers hashes; None reads every file.
        ground: where it stands and what it is held to; None: anywhere.
    """

    catalogues = False
    copies = False
    distant = False
    working_seconds = None

    def __init__(
        self, *, follow_links: bool = False, cache: HashCache | None = None, ground: Ground | None = None
    ) -> None:
        self._follow = follow_links
        self._cache = cache
        self._ground = ground or Ground()

    def stat(self, path: str) -> Entry | None:
        """What stands there; a link is followed where it is what the run was given."""
        try:
            status = self._ground.stat(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ENOTDIR:
                return None
            raise tree_error(error) from error
        return entry_of("", status)

    def scan(self, root: str, problem: ScanProblem, wanted: Wanted = everything) -> Iterator[Entry]:
        """What is wanted below `root`, one folder at a time."""
        scan = LocalScan(self._ground, problem, wanted, follow_links=self._follow)
        return scan.below(root)

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it."""
        try:
            with os_errors():
                self._ground.make_folder(path)
        except TreeError as error:
            if error.code == "EEXIST":
                raise TreeError("ENOTDIR", "a file stands where the folder should go; move it away") from error
            raise

    def remove_file(self, path: str) -> None:
        """Remove a file or link."""
        with os_errors(), contextlib.suppress(FileNotFoundError), self._ground.at(path) as (folder, name):
            os.unlink(name, dir_fd=folder)

    def drop_leftover(self, path: str) -> None:
        """Overwrites leave none."""

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        with os_errors(), contextlib.suppress(FileNotFoundError), self._ground.at(path) as (folder, name):
            try:
                os.rmdir(name, dir_fd=folder)
            except OSError as error:
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST} or not self._cleared(path):
                    raise
                os.rmdir(name, dir_fd=folder)

    def _cleared(self, path: str) -> bool:
        """Remove what downloads have left in a folder; false, and nothing is done, if there is more in it."""
        opened = self._ground.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            names = os.listdir(opened)  # noqa: PTH208 - a descriptor has no path
            if not all(is_own(name) for name in names):
                return False
            for name in names:
                os.unlink(name, dir_fd=opened)
        finally:
            os.close(opened)
        return True

    def checksum(self, path: str, scheme: str | None, progress: Progress) -> str:
        """Read the file and hash it, unless its hash is remembered."""
        scheme = scheme or DEFAULT_SCHEME
        state = hasher(scheme)
        flags = os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK  # whatever stands there by now is opened without a wait
        with os_errors(), os.fdopen(self._ground.open(path, flags), "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise TransientError("CHANGED", "is no file any more; it is tried again when it rests")
            identity = identity_of(status)
            if self._cache is not None and (known := self._cache.find(path, scheme, identity)) is not None:
                return known
            buffer = bytearray(_BLOCK)
            view = memoryview(buffer)
            while count := file.readinto(buffer):
                state.update(view[:count])
                progress(count)
            unchanged = identity_of(os.fstat(file.fileno())) == identity
        if self._cache is not None and unchanged:
            self._cache.remember(path, scheme, identity, state.checksum())
        return state.checksum()

    def preferred_scheme(self) -> str:
        """Any will do."""
        return DEFAULT_SCHEME

    def open_reader(self, path: str, entry: Entry) -> Reader:
        """Open a file."""
        return LocalReader(self._ground, path, entry, self._cache)

    def open_writer(self, path: str, incoming: Incoming) -> Writer:
        """Begin to write a file beside its final name."""
        return LocalWriter(self._ground, path, incoming, self._cache)

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
        """Files that are kept are for another run."""

    def enter_thread(self) -> None:
        """Threads hold nothing."""

    def connect(self) -> None:
        """Threads hold nothing."""

    def pass_on(self) -> None:
        """Threads hold nothing."""

    def leave_thread(self) -> None:
        """Threads hold nothing."""

    def abandon(self) -> None:
        """Calls don't wait for anybody."""

    def close(self) -> None:
        """Write down the hashes."""
        self._ground.close()
        if self._cache is not None:
            self._cache.close()
