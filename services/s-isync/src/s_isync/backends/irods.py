"""A zone."""

from collections.abc import Iterator

from s_isync.backends import irods_listing as listing
from s_isync.backends import irods_requests as requests
from s_isync.backends.irods_big_writer import BigZoneWriter
from s_isync.backends.irods_bundle import BundlesLeft, ZoneBundles
from s_isync.backends.irods_connection import ANSWER_TIMEOUT, Request
from s_isync.backends.irods_copy import copy_object
from s_isync.backends.irods_errors import GONE
from s_isync.backends.irods_finish import stored_checksum
from s_isync.backends.irods_kept import KeptCopy
from s_isync.backends.irods_reader import BigZoneReader, SmallZoneReader
from s_isync.backends.irods_scan import scan
from s_isync.backends.irods_scheme import ZoneScheme
from s_isync.backends.irods_sessions import ZoneSessions
from s_isync.backends.irods_small_writer import SmallZoneWriter
from s_isync.backends.irods_unfinished import Unfinished
from s_isync.entry import Entry
from s_isync.errors import TreeError
from s_isync.names import is_own, join, split
from s_isync.pruning import pruned
from s_isync.tree import Bundles, Incoming, Progress, Reader, ScanProblem, Wanted, Writer, everything
from s_isync.zone_settings import ZoneSettings

SMALL = 4 * 1024 * 1024  # bytes; up to this an object travels in one round trip


class ZoneTree:
    """Collections and data objects.

    Args:
        settings: which zone, as whom.
        timeout: seconds to wait for an answer, and more where much has to be read or written first.
    """

    catalogues = True
    copies = True

    def __init__(self, settings: ZoneSettings, timeout: float = ANSWER_TIMEOUT) -> None:
        self.sessions = ZoneSessions(settings, timeout)
        self._unfinished = Unfinished(self.sessions)
        self._scheme = ZoneScheme(settings)
        self._bundles_left = BundlesLeft(self.sessions)

    @property
    def distant(self) -> bool:
        """By how long answers take."""
        return self.sessions.distant

    @property
    def working_seconds(self) -> float | None:
        """As long as a checksum, say, is waited for."""
        return self.sessions.working_seconds

    def stat(self, path: str) -> Entry | None:
        """What stands there, by its best replica."""
        return self.sessions.again(lambda: listing.find(self.sessions.exchange, path))

    def scan(self, root: str, problem: ScanProblem, wanted: Wanted = everything) -> Iterator[Entry]:
        """What is wanted below a collection."""
        return pruned(
            scan(self.sessions.exchange, root, problem, self._bundles_left.note, self.sessions.pass_on), wanted
        )

    def make_folder(self, path: str) -> None:
        """Make a collection and those above it."""
        try:
            self.sessions.again(lambda: self.sessions.call(requests.make_collection(path)))
        except TreeError as error:
            if error.code != "SYS_INVALID_INPUT_PARAM":
                raise
            self._make_one_by_one(path)

    def _make_one_by_one(self, path: str) -> None:
        """Of a collection with its parents that isn't allowed servers say "invalid"; of each by itself they say why."""
        try:
            self.sessions.call(requests.make_collection(path, parents=False))
        except TreeError as error:
            folder, _ = split(path)
            if error.code != "CAT_UNKNOWN_COLLECTION" or folder == "/":
                raise
            self._make_one_by_one(folder)
            self.sessions.call(requests.make_collection(path, parents=False))

    def remove_file(self, path: str) -> None:
        """Move an object to the trash."""
        self._unless_gone(requests.trash(path))

    def drop_leftover(self, path: str) -> None:
        """Remove the copy that was set aside."""
        KeptCopy(self.sessions, path).drop()

    def remove_folder(self, path: str) -> None:
        """Remove an empty collection."""
        try:
            self._unless_gone(requests.remove_collection(path))
        except TreeError as error:
            if error.code != "CAT_COLLECTION_NOT_EMPTY" or not self._cleared(path):
                raise
            self._unless_gone(requests.remove_collection(path))

    def _cleared(self, path: str) -> bool:
        """Move what uploads have left in a collection to the trash; false, and nothing is done, if it holds more."""
        below = self.sessions.again(lambda: list(listing.collections_below(self.sessions.exchange, path)))
        names = self.sessions.again(lambda: listing.names_in(self.sessions.exchange, path))
        if below or not all(is_own(name) for name in names):
            return False
        for name in names:
            self.remove_file(join(path, name))
        return True

    def _unless_gone(self, request: Request) -> None:
        try:
            self.sessions.again(lambda: self.sessions.call(request))
        except TreeError as error:
            if error.code not in GONE:
                raise

    def checksum(self, path: str, scheme: str | None, progress: Progress) -> str:  # noqa: ARG002 - the catalogue's own
        """The catalogue's checksum; the server computes and registers one that is missing."""
        entry = self.stat(path)
        size = 0 if entry is None else entry.size
        checksum = stored_checksum(self.sessions, path, size)
        progress(size)
        return checksum

    def preferred_scheme(self) -> str:
        """By `irods_default_hash_scheme`, or as the zone itself does."""
        return self._scheme.name

    def open_reader(self, path: str, entry: Entry) -> Reader:
        """Open a data object."""
        kind = SmallZoneReader if entry.size <= SMALL else BigZoneReader
        return kind(self.sessions, path, entry)

    def open_writer(self, path: str, incoming: Incoming) -> Writer:
        """Begin to write a data object."""
        if incoming.size <= SMALL:
            return SmallZoneWriter(self.sessions, path, incoming)
        return BigZoneWriter(self.sessions, path, incoming, self._unfinished, self._scheme)

    def copy(self, source_path: str, destination_path: str, entry: Entry, incoming: Incoming) -> str | None:
        """Have the zone copy an object."""
        return copy_object(self.sessions, source_path, destination_path, entry, incoming)

    @property
    def bundles(self) -> Bundles:
        """Tar files that the zone unpacks."""
        return ZoneBundles(self.sessions)

    def tidy(self, root: str) -> None:
        """Remove tar files that were never unpacked."""
        self._bundles_left.drop(root)

    def drop_unfinished(self) -> None:
        """Remove what this run has begun, and not come back to."""
        self._unfinished.drop()

    def enter_thread(self) -> None:
        """The calling thread is one of many."""
        self.sessions.enter_thread()

    def connect(self) -> None:
        """Connect the calling thread."""
        self.sessions.connection()

    def pass_on(self) -> None:
        """The thread's connection serves the next one that needs one."""
        self.sessions.pass_on()

    def leave_thread(self) -> None:
        """The calling thread won't come back."""
        self.sessions.leave_thread()

    def close(self) -> None:
        """Say goodbye on every connection."""
        self.sessions.close()

    def abandon(self) -> None:
        """Break off whatever is under way."""
        self.sessions.abandon()
