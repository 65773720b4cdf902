"""Gives each step of a plan to whom it belongs: the workers, the bundles, the deletions, or the reporter."""

import logging
from functools import partial

from s_isync.bandwidth import Bandwidth
from s_isync.bundling import Bundling
from s_isync.deletions import Deletions
from s_isync.entry import Entry, Kind
from s_isync.errors import (
    ErrorClass,
    FailedError,
    ForbiddenError,
    Phase,
    Problem,
    Scope,
    TreeError,
    during,
    fault_of_its_own,
)
from s_isync.exit_codes import ExitCode
from s_isync.file_task import FileTask
from s_isync.names import join
from s_isync.operations.copy_file import CopyRules
from s_isync.plan import Action, Step
from s_isync.reporter import FileResult, Outcome, Reporter
from s_isync.roots import Roots
from s_isync.rules import LinkMode, SyncRules
from s_isync.stopping import StopFlag, StoppedError
from s_isync.tree import Tree
from s_isync.workers import GivenBackError, Task, Workers

_log = logging.getLogger(__name__)
_BIG = 64 * 1024 * 1024  # bytes from which a file counts as a big one
_STREAMS = 4  # threads that share a big file at most
_SURELY_CLOSED = 2  # new names that the root has refused; a single one may be refused for its own sake


class Dispatch:
    """Takes the steps of one run, in order."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a run consists of
        self,
        source: Tree,
        destination: Tree,
        roots: Roots,
        rules: SyncRules,
        reporter: Reporter,
        stop: StopFlag,
        workers: Workers,
    ) -> None:
        self._source = source
        self._destination = destination
        self._roots = roots
        self._rules = rules
        self._reporter = reporter
        self._stop = stop
        self._workers = workers
        self._bandwidth = Bandwidth(rules.bandwidth, stop)
        self._bundling = self._new_bundling()
        self._deletions = self._new_deletions()
        self._refused: list[Problem] = []  # new names in the root, as long as no file has been transferred
        self._copy_rules = CopyRules(
            keep_times=rules.keep_times,
            keep_modes=rules.keep_modes,
            keep_old=rules.keep_old,
            server_checksum=rules.server_checksum,
            assist=self._assist,
            stop=stop,
            bandwidth=self._bandwidth,
            metadata=rules.metadata,
        )

    def take(self, step: Step) -> None:
        """See to one step; waits while too many are waiting."""
        if step.action is Action.DELETE:
            if self._deletions is not None:
                self._deletions.add(step.source)
            return
        if step.source.kind is Kind.FILE:
            self._reporter.found(step.source.size)
            self._take_file(step)
        elif step.action is Action.PASS_OVER:
            self._pass_over(step.source)
        elif step.action is Action.MAKE_FOLDER:
            if self._rules.dry_run and step.folder.obstacle is None:
                self._reporter.folder(step.source.path, Outcome.PLANNED)
            else:
                self._workers.submit(partial(self._make_folder, step), big=False)

    def finish(self) -> None:
        """All steps have been taken: see them done, and then remove what is to be removed.

        Raises:
            StoppedError: the run is ending.
            FailedError: nothing more can succeed.
        """
        if self._bundling is not None:
            self._bundling.flush()
        self._stop.check()
        self._reporter.scan_over()
        self._workers.finish()
        self._stop.check()
        if self._refused and not self._reporter.transferred and not self._reporter.skipped:
            raise FailedError(self._refused[0], ExitCode.NO_PERMISSION)
        if self._deletions is not None:
            self._deletions.run()

    def _new_bundling(self) -> Bundling | None:
        takes = self._destination.bundles
        if not self._rules.bundle or self._rules.dry_run or self._roots.single is not None or takes is None:
            return None
        return Bundling(
            self._source,
            self._roots.source,
            self._destination,
            self._roots.destination,
            takes,
            self._bandwidth,
            self._rules.keep_times,
            self._reporter,
            self._stop,
            submit=lambda task: self._workers.submit(task, big=False),
            alone=lambda step: self._process(step, tried=True),
        )

    def _new_deletions(self) -> Deletions | None:
        rules = self._rules
        if not rules.delete or self._roots.single is not None:
            return None
        return Deletions(
            self._destination,
            self._roots.destination,
            self._reporter,
            rules.retry,
            self._stop,
            rules.max_delete,
            rules.dry_run,
            partial_folders=rules.filter.selects,
        )

    def _take_file(self, step: Step) -> None:
        entry = step.source
        match step.action:
            case Action.REFUSE:
                obstacle = step.obstacle or TreeError("REFUSED", "can't be copied")
                self._refuse(step, obstacle, Scope.DESTINATION if entry.good else Scope.SOURCE)
            case Action.SKIP:
                checksum = step.existing.checksum if step.existing else None
                self._reporter.file(FileResult(entry.path, Outcome.SKIPPED, entry.size, checksum))
            case Action.TRANSFER if self._rules.dry_run and step.folder.obstacle is not None:
                self._refuse(step, step.folder.obstacle, Scope.DESTINATION)
            case Action.TRANSFER if self._rules.dry_run:
                self._reporter.file(FileResult(entry.path, Outcome.PLANNED, entry.size))
            case Action.TRANSFER if self._bundling is not None and self._bundling.accepts(step):
                self._bundling.add(step)
            case Action.TRANSFER | Action.CHECK:
                self._workers.submit(partial(self._process, step), big=entry.size >= _BIG)

    def _pass_over(self, entry: Entry) -> None:
        refused = entry.kind is Kind.LINK and self._rules.links is LinkMode.ERROR
        code, noun = ("LINK", "a symbolic link") if entry.kind is Kind.LINK else ("SPECIAL", "neither file nor folder")
        verdict = ErrorClass.FATAL if refused else ErrorClass.SKIPPED
        message = f"is {noun}; it was passed over"
        problem = Problem(Scope.SOURCE, Phase.PREPARE, verdict, code, entry.path, message)
        self._reporter.error(problem, incomplete=refused)

    def _refuse(self, step: Step, obstacle: TreeError, scope: Scope) -> None:
        path = step.source.path
        problem = Problem(scope, Phase.PREPARE, obstacle.error_class, obstacle.code, path, obstacle.message)
        self._reporter.file(FileResult(path, Outcome.FAILED, step.source.size, None, problem))

    def _make_folder(self, step: Step) -> None:
        def attempt() -> None:
            with during(Scope.DESTINATION, Phase.PREPARE, step.source.path):
                step.folder.ensure(self._destination)

        try:
            self._rules.retry.run(attempt, lambda: None, self._stop)
        except StoppedError:
            pass
        except FailedError as error:
            if error.no_turn:
                raise GivenBackError(partial(self._make_folder, step)) from error
            self._reporter.error(error.problem, incomplete=True)
            self._end_with(error, new_in_root=step.folder.in_root)

    def _process(self, step: Step, *, tried: bool = False) -> None:
        path = step.source.path
        roots = self._roots
        task = FileTask(
            step,
            join(roots.source, path),
            join(roots.destination, roots.single_name if roots.single else path),
            self._source,
            self._destination,
            self._rules,
            self._copy_rules,
            self._reporter,
            tried=tried,
        )
        self._see_through(task)

    def _see_through(self, task: FileTask) -> None:
        step = task.step
        path = step.source.path
        self._reporter.begin(path)
        try:
            result = self._rules.retry.run(task.attempt, lambda: self._reporter.attempt_failed(path), self._stop)
        except StoppedError:
            self._reporter.given_up(path)
        except FailedError as error:
            if error.no_turn:
                self._reporter.given_up(path)
                raise GivenBackError(partial(self._see_through, task)) from error
            self._reporter.file(FileResult(path, Outcome.FAILED, task.size, None, error.problem))
            self._end_with(error, new_in_root=step.existing is None and step.folder.is_root)
        except Exception:  # noqa: BLE001 - logged, and the other files go on
            _log.exception("%s: a fault of s-isync itself", path)
            self._reporter.file(FileResult(path, Outcome.FAILED, task.size, None, fault_of_its_own(path)))
        else:
            self._reporter.file(result)

    def _end_with(self, error: FailedError, *, new_in_root: bool) -> None:
        """End the run where nothing more can succeed: so says the error, or the root seems to take no new names."""
        forbidden = error.problem.scope is Scope.DESTINATION and isinstance(error.__cause__, ForbiddenError)
        if error.exit_code is not None:
            self._stop.stop(error.exit_code, error.problem)
        elif new_in_root and forbidden and not self._reporter.transferred:
            self._refused.append(error.problem)
            if [problem.code for problem in self._refused].count(error.problem.code) >= _SURELY_CLOSED:
                self._stop.stop(ExitCode.NO_PERMISSION, error.problem)

    def _assist(self, task: Task) -> Task:
        helping = partial(self._help, task)
        for _ in range(min(_STREAMS, self._rules.connections) - 1):
            self._workers.assist(helping)
        return lambda: self._workers.withdraw(helping)

    def _help(self, task: Task) -> None:
        """A connection comes first: once a part of the file is taken, the whole file would fail for want of one."""
        try:
            self._source.connect()
            self._destination.connect()
        except TreeError as error:
            raise GivenBackError(None) from error
        task()
