"""Sends many small new files as one tar file that the zone unpacks, and has every one of them verified there."""

import io
import logging
import tarfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

from s_isync.bandwidth import Bandwidth
from s_isync.checksums import checksum_of, same
from s_isync.entry import Entry
from s_isync.errors import EndOfRunError, FailedError, NoTurnError, Phase, Scope, TransientError, TreeError, during
from s_isync.tree import Bundles, Tree

_log = logging.getLogger(__name__)
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Member:
    """A file that goes into a bundle: what the scan has found, and where it is."""

    source: Entry
    source_path: str


def send_bundle(  # noqa: PLR0913, PLR0917 - from where, to where, and how
    members: Sequence[Member],
    source: Tree,
    root: str,
    destination: Bundles,
    scheme: str,
    bandwidth: Bandwidth,
    *,
    keep_times: bool,
) -> dict[str, str]:
    """The checksums, by path, of those files that are verified at the destination.

    The others, whatever went wrong with them, are as if they had not been in the bundle.

    Args:
        members: files that are not at the destination yet, and whose folders are.
        source: where they are.
        root: the folder of the destination that their paths are relative to.
        destination: where they go.
        scheme: in which checksums are made.
        bandwidth: hands out the bytes that may be moved.
        keep_times: whether the modification times are kept.

    Raises:
        StoppedError: the run is ending.
        FailedError: the run can't go on, this thread can't, or the destination takes no bundles.
    """
    sent: dict[str, str] = {}
    times: dict[str, int | None] = {}
    now_ns = time.time_ns()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            path = member.source.path
            bandwidth.take(member.source.size)
            try:
                data = _read(member, source)
            except FailedError as error:
                _log.info("%s: left out of a bundle: %s", path, error)
                continue
            sent[path] = checksum_of(data, scheme)
            header = tarfile.TarInfo(path)
            times[path] = member.source.mtime_ns if keep_times else None
            header.size, header.mode, header.mtime = len(data), 0o644, (times[path] or now_ns) // _SECOND_NS
            archive.addfile(header, io.BytesIO(data))
    try:
        stored = destination.store_bundle(root, packed.getbuffer(), times)
    except (EndOfRunError, NoTurnError) as error:
        with during(Scope.DESTINATION, Phase.TRANSFER, None):
            raise error from None
    except TreeError as error:
        _log.info("a bundle failed, its files go one by one: %s", error)
        return {}
    return {path: checksum for path, checksum in sent.items() if path in stored and same(stored[path], checksum)}


def _read(member: Member, source: Tree) -> bytes | memoryview:
    with during(Scope.SOURCE, Phase.TRANSFER, member.source.path):
        reader = source.open_reader(member.source_path, member.source)
        try:
            data = reader.read_at(0, member.source.size)
            reader.check_unchanged()
        finally:
            reader.close()
        if len(data) != member.source.size:
            raise TransientError("CHANGED", "the file became shorter while it was being read")
        return data
