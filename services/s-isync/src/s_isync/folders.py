"""Makes each folder of the destination once, before the first file that needs it."""

import threading

from s_isync.entry import sort_key
from s_isync.errors import TransientError, TreeError
from s_isync.names import join
from s_isync.tree import Tree


class Folder:
    """One folder of the destination; files hold on to it, so it lives as long as somebody needs it."""

    def __init__(self, path: str, parent: "Folder | None", *, exists: bool, obstacle: TreeError | None = None) -> None:
        self.path = path
        self._parent = parent
        self._exists = exists
        self._error = obstacle
        self._lock = threading.Lock()

    @property
    def is_root(self) -> bool:
        """Whether it is the root of the destination."""
        return self._parent is None

    @property
    def in_root(self) -> bool:
        """Whether it lies right in that."""
        return self._parent is not None and self._parent.is_root

    @property
    def obstacle(self) -> TreeError | None:
        """What is known to keep it, or one above it, from being made."""
        return self._error or (None if self._parent is None else self._parent.obstacle)

    def ensure(self, tree: Tree) -> None:
        """Make it, and those above it, unless they exist. A failure for good is remembered: it is every file's in it.

        Raises:
            TreeError: it can't be made.
        """
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._exists:
                return
            try:
                if self._parent is not None:
                    self._parent.ensure(tree)
                tree.make_folder(self.path)
            except TransientError:
                raise
            except TreeError as error:
                self._error = error
                raise
            self._exists = True


class FolderTrail:
    """The folders above the entry at hand, in a walk ordered by `sort_key`; memory grows with depth only."""

    def __init__(self, root: str, *, exists: bool) -> None:
        self._root = root
        self._trail: list[tuple[str, Folder]] = [("", Folder(root, None, exists=exists))]

    def enter(self, path: str, *, exists: bool, obstacle: TreeError | None = None) -> Folder:
        """The walk has come to a folder; `obstacle` says why it can't be made."""
        parent = self.above(path)
        folder = Folder(join(self._root, path), parent, exists=exists, obstacle=obstacle)
        self._trail.append((path, folder))
        return folder

    def above(self, path: str) -> Folder:
        """The folder that holds `path`."""
        while (top := self._trail[-1])[0] and not sort_key(path).startswith(sort_key(top[0]) + "\0"):
            self._trail.pop()
        return top[1]
