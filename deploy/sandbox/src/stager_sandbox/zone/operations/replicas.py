"""Opening, writing and closing replicas: locks, statuses, and what a closing records.

A replica that is open for writing is *intermediate*; a second writer needs the first one's replica token. A closing
makes it *good*; a connection that ends without closing leaves it *stale*, with the bytes that came.
"""

import errno
import os
import threading
import uuid
from dataclasses import dataclass, field

from stager_sandbox.zone.catalogue import Catalogue, paths
from stager_sandbox.zone.catalogue.catalogue import RESOURCE
from stager_sandbox.zone.catalogue.database import now
from stager_sandbox.zone.catalogue.objects import Replica, Status
from stager_sandbox.zone.catalogue.schema import MODIFY, READ
from stager_sandbox.zone.catalogue.tickets import Ticket
from stager_sandbox.zone.catalogue.tokens import DATA_TYPES
from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.errors import Code, ZoneError, system_error
from stager_sandbox.zone.faults import Faults
from stager_sandbox.zone.operations.extras import add_extras
from stager_sandbox.zone.operations.permissions import visible_object, writable_parent
from stager_sandbox.zone.storage import Storage, false_checksum, scheme_of

WRITING = os.O_WRONLY | os.O_RDWR
KEPT_FLAGS = os.O_ACCMODE | os.O_TRUNC | os.O_APPEND


@dataclass(slots=True)
class OpenReplica:
    """One opening of a replica.

    Attributes:
        replica: What the catalogue said when it was opened.
        keywords: The opening's keywords.
        flags: The flags of open(2) that were asked for.
        announced: The size that the client said it would write; 0 or less for none.
        storage: Where the bytes are.
        handle: The file's descriptor.
        position: Where the next read or write goes.
        mode: The mode that was asked for.
        created: Whether the opening made the data object.
        wrote: Whether bytes were written through it.
        token: The replica token, for those who open it beside this one.
        ticket: What let the user in, if not their own rights.
    """

    replica: Replica
    keywords: dict[str, str]
    flags: int
    announced: int
    storage: Storage
    handle: int
    position: int = 0
    mode: int = 0
    created: bool = False
    wrote: bool = False
    token: str = ""
    ticket: Ticket | None = None

    @property
    def for_writing(self) -> bool:
        """Whether it may change the replica."""
        return self.created or bool(self.flags & WRITING)

    def read(self, length: int) -> bytes:
        """Read on from the position."""
        try:
            data = os.pread(self.handle, length, self.position)
        except OSError as error:
            raise system_error(Code.UNIX_FILE_READ_ERR, error) from error
        self.position += len(data)
        return data

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write at the position; give back how many bytes, fewer than all when the disk fills up."""
        self.wrote = True
        if self.flags & os.O_APPEND:
            self.position = os.fstat(self.handle).st_size
        count = self.storage.write(self.handle, data, self.position)
        self.position += count
        return count

    def seek(self, offset: int, whence: int) -> int:
        """Move the position as lseek(2) does; give back where it is."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: os.fstat(self.handle).st_size}.get(whence)
        if base is None or base + offset < 0:
            raise ZoneError(int(Code.UNIX_FILE_LSEEK_ERR) - 22)  # EINVAL
        self.position = base + offset
        return self.position


@dataclass(slots=True)
class Lock:
    """Who writes a replica: the token that lets others join, and the status it had before."""

    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    before: int = Status.GOOD
    writers: int = 1


class ReplicaOperations:
    """Opens and closes replicas. One for the whole zone: it holds the locks."""

    def __init__(self, catalogue: Catalogue, storage: Storage, faults: Faults, scheme: str = "sha2") -> None:
        self._catalogue = catalogue
        self._storage = storage
        self._faults = faults
        self.scheme = scheme
        self._locks: dict[int, Lock] = {}
        self._guard = threading.Lock()

    def open(  # noqa: PLR0913 - what an opening says
        self,
        user: User,
        path: str,
        flags: int,
        *,
        keywords: dict[str, str] | None = None,
        announced: int = 0,
        mode: int = 0,
    ) -> OpenReplica:
        """Open a data object, or make it if `flags` has O_CREAT.

        Raises:
            ZoneError: OBJ_PATH_DOES_NOT_EXIST, CAT_NO_ACCESS_PERMISSION, CAT_UNKNOWN_COLLECTION, HIERARCHY_ERROR when
                another writes it, and what `require_replica` raises.
        """
        keywords = dict(keywords or {})
        path = paths.clean(path)
        if flags & os.O_ACCMODE == os.O_ACCMODE:
            flags ^= os.O_WRONLY  # both at once are as O_RDWR
        require_replica(keywords)
        if not flags & WRITING:
            try:
                opened = self._open_for_reading(user, path, flags, keywords, announced)
            except ZoneError as error:
                if error.code != Code.OBJ_PATH_DOES_NOT_EXIST or not flags & os.O_CREAT:
                    raise
                flags |= os.O_RDWR  # what is made is open for writing, as on the real server
            else:
                opened.mode = mode
                return opened
        with self._guard, self._catalogue.database.transaction():
            try:
                found = visible_object(self._catalogue, user, path, MODIFY)
            except ZoneError as error:
                if not flags & os.O_CREAT:
                    if error.code != Code.CAT_NO_ROWS_FOUND:
                        raise
                    raise ZoneError(Code.OBJ_PATH_DOES_NOT_EXIST) from None
                self._catalogue.quotas.require(user, max(announced, 1))
                opened = self._create(user, path, flags, keywords, mode)
            else:
                self._catalogue.quotas.require(user, announced - (found.size if flags & os.O_TRUNC else 0))
                opened = self._open_existing(found, flags, keywords)
            if user.ticket:
                self._use_ticket(user, opened, writing=True)
        opened.announced, opened.mode = announced, mode
        return opened

    def _use_ticket(self, user: User, opened: OpenReplica, *, writing: bool) -> None:
        """Count one use of the ticket that let the user in.

        Raises:
            ZoneError: CAT_TICKET_EXPIRED and its kin; the opening is undone.
        """
        if user.ticket:
            try:
                self._catalogue.tickets.use(user.ticket, user.name, user.zone, user.group_ids, writing=writing)
            except ZoneError:
                os.close(opened.handle)
                if writing:
                    self._locks.pop(opened.replica.data_id, None)
                raise
            opened.ticket = user.ticket

    def _open_for_reading(
        self, user: User, path: str, flags: int, keywords: dict[str, str], announced: int
    ) -> OpenReplica:
        try:
            found = visible_object(self._catalogue, user, path, READ)
        except ZoneError as error:
            if error.code == Code.CAT_NO_ROWS_FOUND:
                raise ZoneError(Code.OBJ_PATH_DOES_NOT_EXIST) from None
            raise
        if found.status in {Status.INTERMEDIATE, Status.WRITE_LOCKED} and not self._has_token(found.data_id, keywords):
            raise ZoneError(Code.HIERARCHY_ERROR)
        handle = self._storage.open(found.data_id, os.O_RDONLY)
        opened = OpenReplica(found, keywords, flags, announced, self._storage, handle)
        if user.ticket:
            self._use_ticket(user, opened, writing=False)
        return opened

    def _create(self, user: User, path: str, flags: int, keywords: dict[str, str], mode: int) -> OpenReplica:
        if not path.startswith("/"):
            raise ZoneError(Code.SYS_INVALID_FILE_PATH)
        if "replNum" in keywords:
            raise ZoneError(Code.SYS_REPLICA_DOES_NOT_EXIST)
        parent = writable_parent(self._catalogue, user, path)
        if self._catalogue.collections.find(path):
            raise ZoneError(Code.CAT_NAME_EXISTS_AS_COLLECTION)
        paths.require_name(path)
        if keywords.get("dataType", "generic") not in DATA_TYPES:
            raise ZoneError(Code.CAT_INVALID_DATA_TYPE)
        if self._catalogue.objects.find(path):  # one that they may not see, or may only read
            raise ZoneError(Code.CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME)
        data_id = self._catalogue.objects.add(
            parent, paths.split(path)[1], user, mode=mode, type_name=keywords.get("dataType", "")
        )
        made = self._catalogue.objects.get(data_id)
        if made is None:
            raise ZoneError(Code.SYS_INTERNAL_ERR)
        kept = flags & KEPT_FLAGS & ~os.O_ACCMODE
        handle = self._storage.open(data_id, kept | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        lock = self._locks[data_id] = Lock(before=Status.STALE)
        return OpenReplica(made, keywords, flags, 0, self._storage, handle, created=True, token=lock.token)

    def _open_existing(self, found: Replica, flags: int, keywords: dict[str, str]) -> OpenReplica:
        if flags & os.O_CREAT and flags & os.O_EXCL:
            raise ZoneError(Code.UNIX_FILE_OPEN_ERR - errno.EEXIST)
        lock = self._locks.get(found.data_id)
        at_rest = found.status in {Status.STALE, Status.GOOD}
        if not at_rest and not self._has_token(found.data_id, keywords):
            raise ZoneError(Code.HIERARCHY_ERROR)
        if lock and not self._has_token(found.data_id, keywords):
            if flags & os.O_TRUNC:
                self._storage.truncate(found.data_id, 0)  # as in the real server's vault, before it looks further
            raise ZoneError(Code.SYS_INTERNAL_ERR)  # one of those who wrote it together is still there
        handle = self._storage.open(found.data_id, (flags & KEPT_FLAGS) | os.O_CREAT)
        if lock is None:
            lock = self._locks[found.data_id] = Lock(before=found.status)
        else:
            lock.writers += 1
        if at_rest:
            self._catalogue.objects.set_status(found.data_id, Status.INTERMEDIATE)
        if flags & os.O_TRUNC:
            self._catalogue.objects.empty(found.data_id)
        return OpenReplica(found, keywords, flags, 0, self._storage, handle, token=lock.token)

    def _has_token(self, data_id: int, keywords: dict[str, str]) -> bool:
        lock = self._locks.get(data_id)
        return lock is not None and keywords.get("replicaToken") == lock.token

    def require_unlocked(self, replica: Replica) -> None:
        """Refuse what may not be done to a replica that is open for writing.

        Raises:
            ZoneError: LOCKED_DATA_OBJECT_ACCESS.
        """
        if replica.status not in {Status.STALE, Status.GOOD}:
            raise ZoneError(Code.LOCKED_DATA_OBJECT_ACCESS)

    def close(self, opened: OpenReplica, *, keywords: dict[str, str] | None = None) -> int:
        """Close an opening and record what it wrote; give back the answer's status.

        As the real server: a size other than announced leaves the replica stale and answers with the size.

        Raises:
            ZoneError: USER_CHKSUM_MISMATCH; the replica is stale then.
        """
        os.close(opened.handle)
        if not opened.for_writing:
            return 0
        data_id = opened.replica.data_id
        words = opened.keywords | (keywords or {})
        size = self._storage.size(data_id)
        lock = self._unlock(data_id)
        before = lock.before if lock else Status.STALE
        changed = opened.created or opened.wrote or bool(opened.flags & os.O_TRUNC)
        checksum = "" if opened.wrote else self._recorded_checksum(data_id)
        if opened.announced > 0 and size != opened.announced:
            self._finish(data_id, Status.STALE, size, checksum)
            return size
        expected = words.get("verifyChksum", "")
        if expected or "regChksum" in words:
            checksum = self.compute_checksum(opened.replica, scheme_of(expected) if expected else self.scheme)
        if expected and checksum != expected:
            self._finish(data_id, Status.STALE, size, checksum)
            raise ZoneError(Code.USER_CHKSUM_MISMATCH)
        try:
            add_extras(self._catalogue, data_id, words)
        except ZoneError:
            self._finish(data_id, Status.STALE, size, checksum)
            raise
        self._finish(data_id, Status.GOOD if changed else before, size, checksum, touch=changed)
        if opened.ticket:
            self._catalogue.tickets.count_bytes(opened.ticket, size)
        return 0

    def compute_checksum(self, replica: Replica, scheme: str = "") -> str:
        """Read a data object's bytes and give their checksum, in the zone's own scheme unless told."""
        computed = self._storage.checksum(replica.data_id, scheme or self.scheme)
        return false_checksum(computed) if self._faults.falsify(replica.path) else computed

    def release(self, opened: OpenReplica) -> None:
        """Close one of several openings of a replica, and leave it to the others to record what was written."""
        os.close(opened.handle)
        if opened.for_writing:
            self._unlock(opened.replica.data_id)

    def abandon(self, opened: OpenReplica, size: int | None = None) -> None:
        """What a connection that ends leaves of an opening: a stale replica if it was for writing.

        Args:
            opened: The opening.
            size: The size to record; the file's own unless told.
        """
        os.close(opened.handle)
        if not opened.for_writing:
            return
        data_id = opened.replica.data_id
        self._unlock(data_id)
        if self._catalogue.objects.get(data_id):
            self._finish(data_id, Status.STALE, self._storage.size(data_id) if size is None else size, "")

    def _unlock(self, data_id: int) -> Lock | None:
        """One writer less; the lock, whose token is good for as long as any of them is left."""
        with self._guard:
            lock = self._locks.get(data_id)
            if lock:
                lock.writers -= 1
                if not lock.writers:
                    del self._locks[data_id]
            return lock

    def recover(self) -> None:
        """Make stale what a server that is no more was writing; it is as large as its file."""
        with self._guard:
            for replica in self._catalogue.objects.locked():
                if replica.data_id not in self._locks:
                    self._finish(replica.data_id, Status.STALE, self._storage.size(replica.data_id), "")

    def _recorded_checksum(self, data_id: int) -> str:
        found = self._catalogue.objects.get(data_id)
        return found.checksum if found else ""

    def _finish(self, data_id: int, status: int, size: int, checksum: str, *, touch: bool = True) -> None:
        self._catalogue.objects.finish(
            data_id, status=status, size=size, checksum=checksum, modified=now() if touch else None
        )


def require_replica(keywords: dict[str, str]) -> None:
    """Refuse keywords that ask for another resource than there is, or another replica.

    Raises:
        ZoneError: SYS_RESC_DOES_NOT_EXIST, SYS_REPLICA_DOES_NOT_EXIST.
    """
    for word in ("rescName", "destRescName", "defRescName"):
        if keywords.get(word, RESOURCE) != RESOURCE:
            raise ZoneError(Code.SYS_RESC_DOES_NOT_EXIST)
    if keywords.get("replNum", "0") != "0":
        raise ZoneError(Code.SYS_REPLICA_DOES_NOT_EXIST)
