"""What a person can choose about a run."""

from dataclasses import dataclass, field
from enum import StrEnum

from s_isync.compare import CompareMode
from s_isync.filters import Filter
from s_isync.retry import Retry
from s_isync.tree import Avu


class LinkMode(StrEnum):
    """What becomes of a symbolic link below the source."""

    SKIP = "skip"
    FOLLOW = "follow"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class SyncRules:
    """How a run goes about it.

    Attributes:
        compare: what makes two files equal.
        retry: how often a file is tried.
        connections: threads at work, and so connections.
        dry_run: plan and compare only.
        keep_times: whether modification times are kept.
        keep_modes: whether permission bits are kept.
        keep_old: whether old bytes stay recoverable until new ones are verified.
        server_checksum: whether a catalogue may be asked to compute a checksum that it lacks.
        bundle: whether small new files go to the zone in tar files.
        filter: what takes part.
        links: what becomes of symbolic links of the source.
        delete: whether what the source doesn't hold is removed from the destination.
        max_delete: files that may be removed; with more, none is.
        check: whether the run only tells whether both sides are equal; `dry_run` is set, too.
        bandwidth: bytes a second; None for no limit.
        metadata: AVUs that every uploaded data object is given.
    """

    compare: CompareMode = CompareMode.CHECKSUM
    retry: Retry = field(default_factory=Retry)
    connections: int = 8
    dry_run: bool = False
    keep_times: bool = True
    keep_modes: bool = False
    keep_old: bool = True
    server_checksum: bool = True
    bundle: bool = False
    filter: Filter = field(default_factory=Filter)
    links: LinkMode = LinkMode.SKIP
    delete: bool = False
    max_delete: int | None = None
    check: bool = False
    bandwidth: int | None = None
    metadata: tuple[Avu, ...] = ()
