"""What python-irodsclient did in the recording's scenarios, done again: each is a function of a `Stage`, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from irods import keywords as kw
from irods.access import iRODSAccess
from irods.column import Like
from irods.genquery2 import GenQuery2
from irods.meta import iRODSMeta
from irods.models import Collection, DataObject
from irods.session import iRODSSession

TRACE: Final = "/nl.ru.donders/di/dccn/TRACE"
A: Final = f"{TRACE}/a"
SMALL: Final = bytes(10240)
BIG_SIZE: Final = 40 << 20
ODD_NAMES: Final = [
    "apos'trophe.bin",
    "amp&lt<gt>.bin",
    "ünïcödé-台灣.txt",
    "back`tick.bin",
    'quote".bin',
    " lead and trail ",
    "per%cent_under.bin",
    "-dash",
    "new\nline.bin",
    "tab\t.bin",
    "a" * 200,
    "ctrl\x01.bin",
]


@dataclass
class Stage:
    """What a scenario has at hand.

    Attributes:
        alice: The owner's session.
        bob: That of someone without access.
        connect: Opens a session with other settings.
        folder: A local folder.
    """

    alice: iRODSSession
    bob: iRODSSession
    connect: Callable[..., iRODSSession]
    folder: Path

    def file(self, content: bytes = SMALL) -> str:
        """A local file to put."""
        path = self.folder / "local.bin"
        path.write_bytes(content)
        return str(path)

    def put(self, path: str, content: bytes = SMALL, **options: object) -> None:
        """Put a file as alice."""
        self.alice.data_objects.put(self.file(content), path, **options)

    def get(self, path: str, threads: int = 1) -> object:
        """Get a file as alice."""
        return self.alice.data_objects.get(
            path, str(self.folder / "got"), num_threads=threads, **{kw.FORCE_FLAG_KW: ""}
        )


Scenario = Callable[[Stage], object]


def _names_of(stage: Stage) -> list[str]:
    return [found.name for found in stage.alice.collections.get(A).data_objects]


def _put_and_list(name: str) -> Scenario:
    def scenario(stage: Stage) -> object:
        stage.put(f"{A}/{name}", **{kw.REG_CHKSUM_KW: ""})
        return _names_of(stage)

    return scenario


def _walk(stage: Stage) -> object:
    top = stage.alice.collections.get(TRACE)
    return [(collection.path, len(objects)) for collection, _, objects in top.walk()]


def _add_avu(stage: Stage) -> object:
    stage.alice.data_objects.get(f"{A}/sum.bin").metadata.add(iRODSMeta("attr", "value", "unit"))
    return stage.alice.data_objects.get(f"{A}/sum.bin").metadata.items()


def _grant(stage: Stage) -> object:
    stage.alice.acls.set(iRODSAccess("read", f"{A}/sum.bin", "bob", "nl.ru.donders"))
    return stage.alice.acls.get(stage.alice.data_objects.get(f"{A}/sum.bin"))


def _pages(stage: Stage) -> object:
    columns = (Collection.name, DataObject.name, DataObject.size, DataObject.checksum, DataObject.modify_time)
    columns += (DataObject.replica_number, DataObject.replica_status)
    return sum(1 for _ in stage.alice.query(*columns).filter(Like(Collection.name, f"{TRACE}/many%")))


def _five_a_page(stage: Stage) -> object:
    query = stage.alice.query(Collection.name, DataObject.name, DataObject.size).filter(Collection.name == A)
    return sum(1 for page in query.limit(5).get_batches() for _ in page)


def _words(stage: Stage) -> object:
    columns = "COLL_NAME, DATA_NAME, DATA_SIZE, DATA_CHECKSUM"
    return GenQuery2(stage.alice).execute(f"select {columns} where COLL_NAME = '{A}' order by DATA_NAME")


def _copy(stage: Stage) -> object:
    return stage.alice.data_objects.copy(f"{A}/sum.bin", f"{A}/b/copied.bin")


SCENARIOS: Final[dict[str, Scenario]] = {
    "01-connect-native": lambda stage: stage.alice.server_version,
    "02-wrong-password": lambda stage: stage.connect("alice", "wrong").server_version,
    "03-unknown-user": lambda stage: stage.connect("nobody9", "wrong").server_version,
    "04-coll-create-recursive": lambda stage: stage.alice.collections.create(f"{A}/b/c"),
    "05-coll-create-existing": lambda stage: stage.alice.collections.create(A),
    "06-coll-create-no-parent": lambda stage: stage.alice.collections.create(f"{TRACE}/x/y/z", recurse=False),
    "07-coll-get-missing": lambda stage: stage.alice.collections.get(f"{TRACE}/missing"),
    "08-coll-exists": lambda stage: [stage.alice.collections.exists(path) for path in (A, f"{TRACE}/nope")],
    "10-put-small": lambda stage: stage.put(f"{A}/small.bin"),
    "11-put-small-regchksum": lambda stage: stage.put(f"{A}/sum.bin", **{kw.REG_CHKSUM_KW: ""}),
    "12-put-small-verifychksum": lambda stage: stage.put(f"{A}/ver.bin", **{kw.VERIFY_CHKSUM_KW: ""}),
    "13-put-empty": lambda stage: stage.put(f"{A}/empty.bin", b"", **{kw.REG_CHKSUM_KW: ""}),
    "14-put-overwrite-force": lambda stage: stage.put(f"{A}/small.bin", b"x" * 14),
    "15-put-no-force-existing": lambda stage: stage.alice.data_objects.create(f"{A}/small.bin"),
    "16-put-missing-coll": lambda stage: stage.put(f"{TRACE}/nope/small.bin"),
    "17-put-parallel-40MiB": lambda stage: stage.put(
        f"{A}/big.bin", bytes(BIG_SIZE), num_threads=2, **{kw.REG_CHKSUM_KW: ""}
    ),
    "20-get-small": lambda stage: stage.get(f"{A}/sum.bin"),
    "21-get-parallel": lambda stage: stage.get(f"{A}/big.bin", threads=2),
    "22-get-missing": lambda stage: stage.alice.data_objects.get(f"{A}/none.bin", str(stage.folder / "none")),
    "23-get-empty": lambda stage: stage.get(f"{A}/empty.bin"),
    "24-get-object-stat": lambda stage: stage.alice.data_objects.get(f"{A}/sum.bin"),
    "30-chksum-existing": lambda stage: stage.alice.data_objects.chksum(f"{A}/sum.bin"),
    "31-chksum-compute": lambda stage: stage.alice.data_objects.chksum(f"{A}/small.bin"),
    "32-chksum-force": lambda stage: stage.alice.data_objects.chksum(f"{A}/small.bin", **{kw.FORCE_CHKSUM_KW: ""}),
    "33-chksum-missing": lambda stage: stage.alice.data_objects.chksum(f"{A}/none.bin"),
    "34-chksum-verify": lambda stage: stage.alice.data_objects.chksum(f"{A}/sum.bin", **{kw.VERIFY_CHKSUM_KW: ""}),
    "40-list-walk": _walk,
    "42-genquery-pages": _pages,
    "43-genquery-or-like": _five_a_page,
    "44-genquery-none": lambda stage: list(
        stage.alice.query(Collection.name, DataObject.name).filter(Collection.name == f"{TRACE}/zzz")
    ),
    "45-genquery2": _words,
    "50-move": lambda stage: stage.alice.data_objects.move(f"{A}/ver.bin", f"{A}/b/moved.bin"),
    "51-copy": _copy,
    "52-touch-mtime": lambda stage: stage.alice.data_objects.touch(f"{A}/sum.bin", seconds_since_epoch=1600000000),
    "53-metadata-add-get": _add_avu,
    "54-truncate": lambda stage: stage.alice.data_objects.replica_truncate(f"{A}/b/copied.bin", 10),
    **{f"60-name-{number:02}": _put_and_list(name) for number, name in enumerate(ODD_NAMES)},
    "70-denied-list": lambda stage: stage.bob.collections.get(A),
    "71-denied-put": lambda stage: stage.bob.data_objects.put(stage.file(), f"{A}/intruder.bin"),
    "72-denied-get": lambda stage: stage.bob.data_objects.get(f"{A}/sum.bin"),
    "73-denied-mkcoll": lambda stage: stage.bob.collections.create(f"{A}/intruder"),
    "80-unlink": lambda stage: stage.alice.data_objects.unlink(f"{A}/b/copied.bin", force=True),
    "81-unlink-missing": lambda stage: stage.alice.data_objects.unlink(f"{A}/b/copied.bin", force=True),
    "82-coll-remove-nonempty": lambda stage: stage.alice.collections.remove(A, recurse=False, force=True),
    "83-acl-set-get": _grant,
    "85-coll-remove-recursive": lambda stage: stage.alice.collections.remove(TRACE, recurse=True, force=True),
}
"""By the recording's names, in the order in which they were recorded."""
