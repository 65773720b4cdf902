"""One file's way to the destination, as often as it is tried."""

from dataclasses import dataclass, replace

from s_isync.compare import Side, Verdict, compare_entries, same_bytes
from s_isync.entry import Entry, Kind
from s_isync.errors import Phase, Scope, TreeError, during
from s_isync.operations.copy_file import CopyJob, CopyRules, copy_file
from s_isync.plan import Action, Step
from s_isync.reporter import FileResult, Outcome, Reporter
from s_isync.rules import SyncRules
from s_isync.tree import Tree


@dataclass(slots=True)
class FileTask:
    """Compares and copies one file. A further attempt begins with a fresh look at both sides.

    `tried` says that there has been an attempt of another kind, `begun` that one of this kind may have left something.
    """

    step: Step
    source_path: str
    destination_path: str
    source: Tree
    destination: Tree
    rules: SyncRules
    copy_rules: CopyRules
    reporter: Reporter
    tried: bool = False
    begun: bool = False

    @property
    def size(self) -> int:
        """Bytes of the source, by the last look."""
        return self.step.source.size

    def attempt(self) -> FileResult:
        """Bring the file to the destination, or find that it is there.

        Raises:
            FailedError: this attempt failed.
            StoppedError: the run is ending.
        """
        if self.tried:
            self._look_again()
        self.tried = True
        entry = self.step.source
        if self.step.action is Action.CHECK and (checksum := self._same()) is not None:
            self._tidy_up()
            return FileResult(entry.path, Outcome.SKIPPED, entry.size, checksum)
        if self.rules.dry_run:
            return FileResult(entry.path, Outcome.PLANNED, entry.size)
        with during(Scope.DESTINATION, Phase.PREPARE, entry.path):
            self.step.folder.ensure(self.destination)
        job = CopyJob(
            source=entry,
            source_path=self.source_path,
            destination_path=self.destination_path,
            existing=self.step.existing,
            moved=lambda count: self.reporter.moved(entry.path, count),
            checked=self._checked,
        )
        self.begun = True
        checksum = copy_file(job, self.source, self.destination, self.copy_rules)
        return FileResult(entry.path, Outcome.TRANSFERRED, entry.size, checksum)

    def _tidy_up(self) -> None:
        if self.step.existing is not None and self.step.existing.leftover and not self.rules.dry_run:
            self.destination.drop_leftover(self.destination_path)

    def _same(self) -> str | None:
        assert self.step.existing is not None  # noqa: S101 - what `CHECK` means
        return same_bytes(
            Side(Scope.SOURCE, self.source, self.source_path, self.step.source),
            Side(Scope.DESTINATION, self.destination, self.destination_path, self.step.existing),
            self._checked,
            server_checksum=self.rules.server_checksum,
        )

    def _checked(self, count: int) -> None:
        self.copy_rules.stop.check()
        self.reporter.checked(count)

    def _look_again(self) -> None:
        path = self.step.source.path
        with during(Scope.SOURCE, Phase.PREPARE, path):
            source = self._file(self.source.stat(self.source_path))
            if source is None:
                raise TreeError("ENOENT", "doesn't exist any more")
        with during(Scope.DESTINATION, Phase.PREPARE, path):
            existing = self._file(self.destination.stat(self.destination_path))
        self.reporter.resized(source.size - self.step.source.size)
        verdict = Verdict.DIFFERENT if existing is None else compare_entries(source, existing, self.rules.compare)
        bare = self.begun and bool(self.rules.metadata)  # what it left has the right bytes, perhaps, and no metadata
        action = Action.TRANSFER if verdict is Verdict.DIFFERENT or bare else Action.CHECK
        self.step = replace(self.step, action=action, source=source, existing=existing)

    def _file(self, entry: Entry | None) -> Entry | None:
        return replace(entry, path=self.step.source.path) if entry is not None and entry.kind is Kind.FILE else None
