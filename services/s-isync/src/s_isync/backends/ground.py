"""Where the file system's side of a run stands, and how what lies there is opened.

The path that a person gives may lead through symbolic links: those are resolved once, and what comes out has to lie in
the folders that the run is held to, if it is held to any. Below it no link is followed, whoever puts one there
meanwhile: others may write to the folders of a project, and a link of theirs must not lead a transfer into its user's
own ones.
"""

import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from s_isync.backends.beneath import open_folder
from s_isync.errors import ForbiddenError
from s_isync.names import join, split

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class OutsideError(ForbiddenError):
    """What was asked for lies outside of the folders that the run is held to."""

    def __init__(self) -> None:
        super().__init__("OUTSIDE", "lies outside of the folders that data may be moved from and to here")


class Ground:
    """Opens paths at or below the one that was given.

    Args:
        given: that path, absolute; None where there is none, so that every path's folder is taken as it is.
        within: folders that everything has to lie in, links resolved; none: anywhere.
        follow_links: whether links below are followed after all, as far as they stay within.
    """

    def __init__(self, given: str | None = None, *, within: Sequence[str] = (), follow_links: bool = False) -> None:
        self._given = given
        self._follow = follow_links
        self._tops = [os.path.realpath(top) for top in within]
        self._base: tuple[int, str] | None = None
        self._lock = threading.Lock()

    @contextmanager
    def at(self, path: str) -> Iterator[tuple[int, str]]:
        """The folder that holds `path`, opened, and the name in it.

        Raises:
            OSError: it can't be opened.
            OutsideError: it lies outside.
        """
        folder, name = self.hold(path)
        try:
            yield folder, name
        finally:
            os.close(folder)

    def hold(self, path: str) -> tuple[int, str]:
        """As `at`; the caller closes the folder."""
        if self._given is None:
            parent, name = split(path)
            return os.open(join(parent, "."), _FOLDER), name or "."
        base, top = self._standing()
        if path == top:
            return os.dup(base), "."
        parent, name = split(path.removeprefix(top.rstrip("/") + "/"))
        if parent.startswith("/"):
            raise OutsideError  # not below what was given: nobody asks for that
        if not parent:
            return os.dup(base), name
        if not self._follow:
            return open_folder(base, parent), name
        folder = os.open(join(parent, "."), _FOLDER, dir_fd=base)
        self._check(folder)
        return folder, name

    def open(self, path: str, flags: int) -> int:
        """A descriptor of a file or folder that stands there."""
        with self.at(path) as (folder, name):
            follows = self._follows(path)
            descriptor = os.open(name, flags | os.O_CLOEXEC | (0 if follows else os.O_NOFOLLOW), dir_fd=folder)
        if follows:
            self._check(descriptor)
        return descriptor

    def stat(self, path: str) -> os.stat_result:
        """What stands there."""
        descriptor = self.open(path, os.O_PATH)
        try:
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it that are missing."""
        with self.at_made(path) as (folder, name):
            _make(folder, name)

    @contextmanager
    def at_made(self, path: str) -> Iterator[tuple[int, str]]:
        """As `at`, the folders above made where they are missing."""
        try:
            held = self.hold(path)
        except FileNotFoundError:
            self.make_folder(split(path)[0])
            held = self.hold(path)
        try:
            yield held
        finally:
            os.close(held[0])

    @contextmanager
    def listing(self, path: str) -> Iterator["Iterator[os.DirEntry[str]]"]:
        """What a folder holds."""
        descriptor = self.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with os.scandir(descriptor) as names:
                yield names
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            if self._base is not None:
                os.close(self._base[0])
                self._base = None

    def _follows(self, path: str) -> bool:
        """Whether a link of this very name may be followed: the one that the person has named, or all."""
        return self._follow or self._given is None or path == self._given

    def _standing(self) -> tuple[int, str]:
        """The nearest folder at or above the given path that exists, opened once and for all, and its path."""
        assert self._given is not None  # noqa: S101 - asked for by `hold` alone
        with self._lock:
            if self._base is None:
                path = self._given
                while True:
                    try:
                        base = os.open(join(path, "."), _FOLDER)  # the dot has it mounted, where that is done on demand
                        break
                    except (FileNotFoundError, NotADirectoryError):
                        if path == "/":
                            raise
                        path = split(path)[0]
                self._check(base)
                self._base = base, path
            return self._base

    def _check(self, descriptor: int) -> None:
        """Judge what was opened, whatever has become of the path since; close it if it is refused."""
        if not self._tops:
            return
        here = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - a str, as everywhere here
        if not any(here == top or here.startswith(top.rstrip("/") + "/") for top in self._tops):
            os.close(descriptor)
            raise OutsideError


def _make(folder: int, name: str) -> None:
    try:
        os.mkdir(name, dir_fd=folder)
    except FileExistsError:
        if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise
