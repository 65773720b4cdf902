"""Copies one file from one tree to another, verified end to end."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from s_isync.bandwidth import Bandwidth
from s_isync.checksums import checksum_of, hasher, is_known, same, scheme_of
from s_isync.entry import Entry
from s_isync.errors import EndOfRunError, ErrorClass, FailedError, Phase, Scope, TransientError, TreeError, during
from s_isync.operations.ranged_copy import RANGE_SIZE, RangedCopy
from s_isync.stopping import StopFlag, StoppedError
from s_isync.tree import Avu, Incoming, Progress, Reader, Tree, Writer

_log = logging.getLogger(__name__)

Assist = Callable[[Callable[[], None]], Callable[[], None]]
"""Offers work to idle threads; gives a function that takes the offer back."""


@dataclass(frozen=True, slots=True)
class CopyRules:
    """What holds for every file of a run.

    Attributes:
        keep_times: whether the modification time is kept.
        keep_modes: whether permission bits are kept.
        keep_old: whether old bytes stay recoverable until new ones are verified.
        server_checksum: whether a catalogue may be asked to compute a checksum that it lacks.
        assist: how a big file gets the help of idle threads.
        stop: ends the copy early.
        bandwidth: hands out the bytes that may be moved.
        metadata: AVUs for what is uploaded.
    """

    keep_times: bool
    keep_modes: bool
    keep_old: bool
    server_checksum: bool
    assist: Assist
    stop: StopFlag
    bandwidth: Bandwidth
    metadata: tuple[Avu, ...] = ()


@dataclass(frozen=True, slots=True)
class CopyJob:
    """One file: where from, where to, and what both sides have found about it."""

    source: Entry
    source_path: str
    destination_path: str
    existing: Entry | None
    moved: Progress
    checked: Progress


def copy_file(job: CopyJob, source: Tree, destination: Tree, rules: CopyRules) -> str | None:
    """Copy the bytes and make them final; the checksum as the catalogue has it, None where none is kept.

    Raises:
        FailedError: with scope and phase; what stood at the destination before stands there still.
        StoppedError: the run is ending; the same holds.
    """
    label = job.source.path
    mtime = job.source.mtime_ns if rules.keep_times else None
    mode = job.source.mode if rules.keep_modes else None
    incoming = Incoming(job.source.size, mtime, job.existing, rules.keep_old, rules.metadata, mode=mode)
    if source is destination and destination.copies:
        with during(Scope.DESTINATION, Phase.TRANSFER, label):
            copied = destination.copy(job.source_path, job.destination_path, job.source, incoming)
        job.moved(job.source.size)
        return copied
    with during(Scope.SOURCE, Phase.PREPARE, label):
        expected = _expected(job, source, rules)
        scheme = scheme_of(expected) if expected else destination.preferred_scheme()
        reader = source.open_reader(job.source_path, replace(job.source, checksum=expected))
    try:
        with during(Scope.DESTINATION, Phase.PREPARE, label):
            writer = destination.open_writer(job.destination_path, replace(incoming, checksum=expected))
        try:
            checksum = _move(job, reader, writer, scheme, rules)
            with during(Scope.SOURCE, Phase.TRANSFER, label):
                reader.check_unchanged()
                _verify(checksum, expected)
            with during(Scope.DESTINATION, Phase.FINALISE, label):
                kept = writer.commit(checksum)
            reader.note_checksum(checksum)
        except BaseException as error:
            writer.abort(keep=_is_right_so_far(error))
            raise
    finally:
        reader.close()
    return kept or expected


def _is_right_so_far(error: BaseException) -> bool:
    """Whether what was written before an error may be gone on with."""
    if isinstance(error, FailedError):
        problem = error.problem
        return problem.error_class is ErrorClass.TRANSIENT and problem.code not in {"CHECKSUM_MISMATCH", "CHANGED"}
    return isinstance(error, StoppedError)


def _expected(job: CopyJob, source: Tree, rules: CopyRules) -> str | None:
    """What the catalogue of the source says; None where the source has no catalogue, or may not be asked."""
    if not source.catalogues:
        return None
    expected = job.source.checksum
    if expected is None and rules.server_checksum:
        try:
            expected = source.checksum(job.source_path, None, job.checked)
        except (TransientError, EndOfRunError):
            raise
        except TreeError as error:  # who may read an object may not always have its checksum registered
            _log.info("%s: no checksum to verify against: %s", job.source.path, error)
    if expected is not None and not is_known(scheme_of(expected)):
        raise TreeError("UNKNOWN_CHECKSUM", f"the checksum {expected} is of a kind that can't be verified here")
    return expected


def _verify(checksum: str, expected: str | None) -> None:
    if expected is not None and not same(checksum, expected):
        message = f"the bytes that came have checksum {checksum}, the catalogue has {expected}"
        raise TransientError("CHECKSUM_MISMATCH", message)


def _move(job: CopyJob, reader: Reader, writer: Writer, scheme: str, rules: CopyRules) -> str:
    size, label = job.source.size, job.source.path
    rules.stop.check()
    if size > RANGE_SIZE:
        state = hasher(scheme)
        for offset in range(0, writer.start, RANGE_SIZE):
            length = min(RANGE_SIZE, writer.start - offset)
            with during(Scope.DESTINATION, Phase.PREPARE, label):
                left = writer.written(offset, length)
            if left is not None:
                state.update(left)
            else:
                with during(Scope.SOURCE, Phase.TRANSFER, label):
                    state.update(data := reader.read_at(offset, length))
                reader.done(data)
            job.checked(length)
        ranges = RangedCopy(
            reader, writer, size, state, label, rules.stop, job.moved, rules.bandwidth, writer.start, writer.start
        )
        withdraw = rules.assist(ranges.work)
        try:
            ranges.work()
        finally:
            withdraw()
        return ranges.finish()
    rules.bandwidth.take(size)
    with during(Scope.SOURCE, Phase.TRANSFER, label):
        data = reader.read_at(0, size)
        if len(data) != size:
            raise TransientError("CHANGED", "the file became shorter while it was being read")
    checksum = checksum_of(data, scheme)
    with during(Scope.DESTINATION, Phase.TRANSFER, label):
        writer.write_at(0, data)
    job.moved(size)
    return checksum
