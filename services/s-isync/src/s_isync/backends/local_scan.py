"""Walks a file system, one folder at a time, in the order of every scan."""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from s_isync.backends.ground import Ground
from s_isync.backends.local_errors import os_errors, tree_error
from s_isync.entry import PERMISSIONS, Entry, Kind
from s_isync.errors import TreeError
from s_isync.names import is_own, join
from s_isync.spill_sort import spill_sorted
from s_isync.tree import ScanProblem, Wanted

_Folder = tuple[int, int]  # device and inode


@dataclass(frozen=True, slots=True)
class LocalScan:
    """How one scan goes about it.

    Attributes:
        ground: where it stands.
        problem: told of what can't be scanned.
        wanted: what takes part.
        follow_links: whether links are taken for what they point to.
    """

    ground: Ground
    problem: ScanProblem
    wanted: Wanted
    follow_links: bool

    def below(self, root: str) -> Iterator[Entry]:
        """Everything below `root` that is wanted."""
        open_folders = [spill_sorted(self._list(root, ""))]
        trail = [self._identity(root)]
        while open_folders:
            entry = next(open_folders[-1], None)
            if entry is None:
                open_folders.pop()
                trail.pop()
                continue
            if entry.kind is not Kind.FOLDER:
                yield entry
                continue
            path = join(root, entry.path)
            identity = self._identity(path)
            if identity is not None and identity in trail:
                self.problem(entry.path, TreeError("ELOOP", "is a link to a folder that it lies in; it is left out"))
                continue
            yield entry
            open_folders.append(spill_sorted(self._list(path, entry.path)))
            trail.append(identity)

    def _identity(self, path: str) -> _Folder | None:
        if not self.follow_links:
            return None
        try:
            status = self.ground.stat(path)
        except (OSError, TreeError):
            return None  # listing it says why
        return status.st_dev, status.st_ino

    def _list(self, folder: str, relative: str) -> Iterator[Entry]:
        try:
            with os_errors(), self.ground.listing(folder) as names:
                for name in names:
                    if is_own(name.name):
                        continue
                    path = f"{relative}/{name.name}" if relative else name.name
                    entry = self._entry(path, name)
                    if entry is not None and self.wanted(path, entry.kind):
                        yield entry
        except TreeError as error:
            self.problem(relative, error)

    def _entry(self, path: str, name: os.DirEntry[str]) -> Entry | None:
        try:
            return entry_of(path, name.stat(follow_symlinks=self.follow_links))
        except FileNotFoundError:
            if name.is_symlink() and self.follow_links:
                self.problem(path, TreeError("ENOENT", "is a link to nothing; remove it, or leave it out"))
            return None  # or it was removed since the folder was read
        except OSError as error:
            if error.errno != errno.ENOENT:
                self.problem(path, tree_error(error))
            return None


def entry_of(path: str, status: os.stat_result) -> Entry:
    """What the file system says of a name."""
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return Entry(path, Kind.FILE, status.st_size, status.st_mtime_ns, mode=mode & PERMISSIONS)
    kind = Kind.FOLDER if stat.S_ISDIR(mode) else Kind.LINK if stat.S_ISLNK(mode) else Kind.SPECIAL
    return Entry(path, kind, 0, status.st_mtime_ns)
