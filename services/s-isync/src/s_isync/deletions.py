"""What the destination holds and the source does not, removed at the end of a run (`--delete`)."""

import json
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from s_isync.entry import Entry, Kind
from s_isync.errors import ErrorClass, FailedError, Phase, Problem, Scope, during
from s_isync.names import join
from s_isync.reporter import FileResult, Outcome, Reporter
from s_isync.retry import Retry
from s_isync.stopping import StopFlag
from s_isync.tree import Tree

_log = logging.getLogger(__name__)


def _temporary() -> IO[bytes]:
    return tempfile.TemporaryFile(prefix="s-isync-delete-")


@dataclass(slots=True)
class Deletions:
    """Gathers while the scan runs; there may be a million, so they wait in a file."""

    tree: Tree
    root: str
    reporter: Reporter
    retry: Retry
    stop: StopFlag
    at_most: int | None
    dry_run: bool
    partial_folders: bool
    count: int = 0
    _file: IO[bytes] = field(default_factory=_temporary)
    _folders: list[int] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """The source has nothing of this path."""
        if entry.kind is Kind.FOLDER:
            self._folders.append(self._file.tell())
        else:
            self.count += 1
        row = [entry.path.encode("utf-8", "surrogateescape").hex(), int(entry.kind), entry.size]
        self._file.write(json.dumps(row).encode() + b"\n")

    def run(self) -> None:
        """Remove files, then the folders that are empty by then.

        Raises:
            StoppedError: the run is ending.
            FailedError: nothing more can succeed.
        """
        if self.reporter.incomplete:
            self._tell_of("SCAN_INCOMPLETE", "nothing was deleted, since not everything could be scanned")
            return
        if self.reporter.failed:  # what moved within the source may be at its new place in neither
            self._tell_of("FILES_FAILED", "nothing was deleted, since files failed; see to them and run it again")
            return
        if self.at_most is not None and self.count > self.at_most:
            message = f"nothing was deleted: {self.count} files would go, --max-delete allows {self.at_most}"
            self._tell_of("MAX_DELETE", message)
            return
        for entry in self._rows():
            if entry.kind is not Kind.FOLDER:
                self._remove_file(entry)
        for offset in reversed(self._folders):
            self._file.seek(offset)
            self._remove_folder(_entry(self._file.readline()))

    def _rows(self) -> Iterator[Entry]:
        self._file.seek(0)
        for line in self._file:
            yield _entry(line)

    def _remove_file(self, entry: Entry) -> None:
        if self.dry_run:
            self.reporter.file(FileResult(entry.path, Outcome.WOULD_DELETE, entry.size))
            return

        def attempt() -> None:
            with during(Scope.DESTINATION, Phase.FINALISE, entry.path):
                self.tree.remove_file(join(self.root, entry.path))

        self.stop.check()
        try:
            self.retry.run(attempt, lambda: None, self.stop)
        except FailedError as error:
            if error.exit_code is not None:
                raise
            self.reporter.error(error.problem, incomplete=True)
        else:
            self.reporter.file(FileResult(entry.path, Outcome.DELETED, entry.size))

    def _remove_folder(self, entry: Entry) -> None:
        self.stop.check()
        if self.dry_run:
            if not self.partial_folders:  # else only a run finds out whether it is empty by then
                self.reporter.folder(entry.path, Outcome.WOULD_DELETE)
            return
        try:
            with during(Scope.DESTINATION, Phase.FINALISE, entry.path):
                self.tree.remove_folder(join(self.root, entry.path))
        except FailedError as error:
            if error.exit_code is not None:
                raise
            if self.partial_folders:  # it may hold what takes no part in this run
                _log.info("%s stays: %s", entry.path, error)
            else:
                self.reporter.error(error.problem, incomplete=True)

    def _tell_of(self, code: str, message: str) -> None:
        problem = Problem(Scope.DESTINATION, Phase.FINALISE, ErrorClass.FATAL, code, None, message)
        self.reporter.error(problem, incomplete=True)


def _entry(line: bytes) -> Entry:
    path, kind, size = json.loads(line)
    return Entry(bytes.fromhex(path).decode("utf-8", "surrogateescape"), Kind(kind), size)
