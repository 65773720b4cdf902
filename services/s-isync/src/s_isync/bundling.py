"""Gathers small new files into bundles; what a bundle fails to bring goes one by one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from s_isync.bandwidth import Bandwidth
from s_isync.errors import FailedError, Phase, Scope, during
from s_isync.names import join
from s_isync.operations.bundle import Member, send_bundle
from s_isync.plan import Step
from s_isync.reporter import FileResult, Outcome, Reporter
from s_isync.stopping import StopFlag, StoppedError
from s_isync.tree import Bundles, Tree
from s_isync.workers import GivenBackError

_LARGEST_MEMBER = 1024 * 1024  # bytes; larger files gain nothing
_LARGEST = 8 * 1024 * 1024  # bytes in a bundle, which is held in memory while it is sent
_MOST = 100  # files in a bundle; several go at a time


@dataclass(slots=True)
class Bundling:
    """Takes steps that copy small new files.

    Attributes:
        source: where the files are.
        source_root: the folder of the source.
        destination: where they go.
        destination_root: the folder of the destination.
        takes: how the destination takes bundles.
        bandwidth: hands out the bytes that may be moved.
        keep_times: whether modification times are kept.
        reporter: told the fate of each file.
        stop: ends it early.
        submit: gives work to an idle thread.
        alone: copies a single file.
    """

    source: Tree
    source_root: str
    destination: Tree
    destination_root: str
    takes: Bundles
    bandwidth: Bandwidth
    keep_times: bool
    reporter: Reporter
    stop: StopFlag
    submit: Callable[[Callable[[], None]], None]
    alone: Callable[[Step], None]
    _waiting: list[Step] = field(default_factory=list)
    _size: int = 0

    def accepts(self, step: Step) -> bool:
        """Whether a file is of the kind that gains by being bundled."""
        return step.existing is None and step.source.size <= _LARGEST_MEMBER and self.takes.accepts(step.source.path)

    def add(self, step: Step) -> None:
        """Put it into the next bundle."""
        self._waiting.append(step)
        self._size += step.source.size
        if len(self._waiting) >= _MOST or self._size >= _LARGEST:
            self.flush()

    def flush(self) -> None:
        """Send what has been gathered."""
        steps, self._waiting, self._size = self._waiting, [], 0
        if steps:
            self.submit(lambda: self._send(steps))

    def _send(self, steps: list[Step]) -> None:
        rest = steps
        try:
            self.stop.check()
            ready = [step for step in steps if self._folder_stands(step)]
            stored = self._sent(ready) if ready else {}
            rest = [step for step in steps if step.source.path not in stored]
            for step in steps:
                entry = step.source
                if entry.path in stored:
                    self.reporter.file(FileResult(entry.path, Outcome.TRANSFERRED, entry.size, stored[entry.path]))
        except StoppedError:
            return
        except FailedError as error:
            if error.no_turn:
                raise GivenBackError(partial(self._send, steps)) from error
            if error.exit_code is not None:
                self.stop.stop(error.exit_code, error.problem)
                return
        self._send_alone(rest)

    def _sent(self, steps: list[Step]) -> dict[str, str]:
        return send_bundle(
            [Member(step.source, join(self.source_root, step.source.path)) for step in steps],
            self.source,
            self.destination_root,
            self.takes,
            self.destination.preferred_scheme(),
            self.bandwidth,
            keep_times=self.keep_times,
        )

    def _send_alone(self, steps: list[Step]) -> None:
        for done, step in enumerate(steps):
            if self.stop.stopped:
                return
            try:
                self.alone(step)
            except GivenBackError as error:
                raise GivenBackError(partial(self._send_alone, steps[done:])) from error

    def _folder_stands(self, step: Step) -> bool:
        try:
            with during(Scope.DESTINATION, Phase.PREPARE, step.source.path):
                step.folder.ensure(self.destination)
        except FailedError as error:
            if error.exit_code is not None or error.no_turn:
                raise
            return False
        return True
