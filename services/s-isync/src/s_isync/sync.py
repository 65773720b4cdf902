"""The pipeline: scan both sides, plan, and have the plan carried out."""

import logging
from collections.abc import Iterator

from s_isync.dispatch import Dispatch
from s_isync.entry import Entry, Kind
from s_isync.errors import FailedError, Phase, Problem, Scope, TreeError, fault_of_its_own
from s_isync.exit_codes import ExitCode
from s_isync.folders import FolderTrail
from s_isync.listed_paths import ListedPaths
from s_isync.locations import Location
from s_isync.march import Pair, march
from s_isync.plan import plan
from s_isync.reporter import Outcome, Reporter
from s_isync.roots import Roots, at_root, resolve_roots
from s_isync.rules import SyncRules
from s_isync.stopping import StopFlag, StoppedError
from s_isync.tree import Tree, everything
from s_isync.workers import Workers

_log = logging.getLogger(__name__)


class Sync:
    """One run from one place to another."""

    def __init__(self, source: Tree, destination: Tree, rules: SyncRules, reporter: Reporter, stop: StopFlag) -> None:
        self._source = source
        self._destination = destination
        self._rules = rules
        self._reporter = reporter
        self._stop = stop
        self._listed = ListedPaths(rules.filter.listed or frozenset())
        self._workers = Workers(rules.connections, stop, self._enter_thread, self._leave_thread, self._distant)
        reporter.awaits(self._working_seconds)

    def run(self, source: Location, destination: Location) -> None:
        """Do all of it; what ends it early is left with the stop flag, the rest with the reporter. Never raises."""
        try:
            roots = resolve_roots(source, self._source, destination, self._destination)
            if roots.single is None and not roots.destination_exists:
                self._make_root(roots.destination, destination.text)
            self._pass_on()
            self._carry_out(roots)
        except StoppedError:
            pass
        except FailedError as error:
            self._stop.stop(error.exit_code or ExitCode.INTERNAL, error.problem)
        except Exception:  # noqa: BLE001 - logged, and the run ends as internal
            _log.exception("scanning failed")
            self._stop.stop(ExitCode.INTERNAL, fault_of_its_own(None))
        finally:
            self._leave_thread()
            self._workers.finish()
            self._destination.drop_unfinished()
            self._leave_thread()

    def _make_root(self, path: str, text: str) -> None:
        if self._rules.dry_run:
            self._reporter.folder(".", Outcome.PLANNED)
            return
        with at_root(Scope.DESTINATION, text, ExitCode.BAD_DESTINATION):
            self._destination.make_folder(path)

    def _carry_out(self, roots: Roots) -> None:
        dispatch = Dispatch(
            self._source, self._destination, roots, self._rules, self._reporter, self._stop, self._workers
        )
        trail = FolderTrail(roots.destination, exists=roots.destination_exists or roots.single is None)
        for step in plan(self._pairs(roots), trail, self._rules.compare):
            self._stop.check()
            dispatch.take(step)
        for problem in self._listed.missing(self._source, roots.source):
            self._stop.check()
            self._reporter.error(problem, incomplete=True)
        if not self._rules.dry_run:
            self._destination.tidy(roots.destination)
        self._leave_thread()
        dispatch.finish()

    def _pairs(self, roots: Roots) -> Iterator[Pair]:
        if roots.single is not None:
            wanted = self._wanted(roots.single.path, Kind.FILE)
            return ((single, roots.existing) for single in self._listed.watch(iter([roots.single])) if wanted)
        source = self._listed.watch(self._scan(Scope.SOURCE, self._source, roots.source))
        if not roots.destination_exists:
            return march(source, iter(()))
        return march(source, self._scan(Scope.DESTINATION, self._destination, roots.destination))

    def _scan(self, scope: Scope, tree: Tree, root: str) -> Iterator[Entry]:
        def report(path: str, error: TreeError) -> None:
            if not path:
                raise error
            problem = Problem(scope, Phase.PREPARE, error.error_class, error.code, path, error.message)
            self._reporter.error(problem, incomplete=True)

        otherwise = ExitCode.NO_SOURCE if scope is Scope.SOURCE else ExitCode.BAD_DESTINATION
        with at_root(scope, root, otherwise):
            yield from tree.scan(root, report, self._wanted if self._rules.filter.selects else everything)

    def _wanted(self, path: str, kind: Kind) -> bool:
        return self._rules.filter.wants(path, folder=kind is Kind.FOLDER)

    def _distant(self) -> bool:
        return self._source.distant or self._destination.distant

    def _working_seconds(self) -> float | None:
        waits = (self._source.working_seconds, self._destination.working_seconds)
        return max((seconds for seconds in waits if seconds is not None), default=None)

    def _pass_on(self) -> None:
        self._source.pass_on()
        self._destination.pass_on()

    def _enter_thread(self) -> None:
        self._source.enter_thread()
        self._destination.enter_thread()

    def _leave_thread(self) -> None:
        self._source.leave_thread()
        self._destination.leave_thread()
