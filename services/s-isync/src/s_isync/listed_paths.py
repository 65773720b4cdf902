"""Keeps account of the paths of `--files-from`: one that isn't there must not pass in silence."""

from collections.abc import Iterator

from s_isync.entry import Entry
from s_isync.errors import ErrorClass, Phase, Problem, Scope, TreeError
from s_isync.names import join
from s_isync.tree import Tree

_COMMENTS = ("#", ";")


class ListedPaths:
    """The listed paths that a scan of the source has not come across yet."""

    def __init__(self, listed: frozenset[str]) -> None:
        self._unseen = set(listed)

    def watch(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        """Pass a scan on, and see what it finds."""
        for entry in entries:
            self._unseen.discard(entry.path)
            yield entry

    def missing(self, tree: Tree, root: str) -> Iterator[Problem]:
        """What of the rest isn't below `root`. Patterns may have left out something that is.

        A line that begins as a comment does elsewhere, and names nothing, is taken for one.
        """
        for path in sorted(self._unseen):
            try:
                if tree.stat(join(root, path)) is not None or path.startswith(_COMMENTS):
                    continue
                error = TreeError("ENOENT", "is listed, and doesn't exist; correct the list of --files-from")
            except TreeError as raised:
                error = raised
            yield Problem(Scope.SOURCE, Phase.PREPARE, ErrorClass.FATAL, error.code, path, error.message)
