"""What the catalogue knows of a tree, by a few paged queries rather than one a file."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from sys import intern

from s_isync.backends import irods_requests as requests
from s_isync.backends.irods_connection import Request
from s_isync.backends.irods_errors import code_name
from s_isync.backends.irods_reply import Reply
from s_isync.entry import PERMISSIONS, Entry, Kind
from s_isync.errors import TreeError
from s_isync.names import is_bundle, is_own, join, kept_name, kept_of, may_be_of_a_long_name, split
from s_isync.tree import ScanProblem

_PAGE = 1000  # rows; the server keeps a page of this many in memory, at a kilobyte or two each
_GOOD = "1"
_OBJECT_COLUMNS = (
    requests.COLL_NAME,
    requests.DATA_NAME,
    requests.DATA_SIZE,
    requests.DATA_CHECKSUM,
    requests.DATA_MODIFY_TIME,
    requests.DATA_REPL_STATUS,
    requests.DATA_RESC_HIER,
    requests.DATA_MODE,
)
_MODIFIED = _OBJECT_COLUMNS.index(requests.DATA_MODIFY_TIME)
_UNQUOTABLE = re.compile(r"['\"\\|&\x00-\x1f\x7f]")
_WILD = re.compile(_UNQUOTABLE.pattern + "|[%_]")

Left = Callable[[str, int], None]
"""Told of a tar file of many small files, by its path and its time (seconds since the epoch), which is no entry."""

Exchange = Callable[[list[Request]], list[Reply]]
"""Sends requests over the calling thread's connection."""


def find(exchange: Exchange, path: str) -> Entry | None:
    """The collection or data object at a path; None if there is none that this user may see."""
    conditions = [(requests.COLL_NAME, _is(path))]
    if any(row[0] == path for row in _query(exchange, (requests.COLL_NAME,), conditions)):
        return Entry("", Kind.FOLDER)
    folder, name = split(path)
    conditions = [(requests.COLL_NAME, _is(folder)), (requests.DATA_NAME, _is(name))]
    replicas = [
        replace(_object("", row), path="")
        for row in _query(exchange, _OBJECT_COLUMNS, conditions)
        if row[:2] == (folder, name)
    ]
    return best_replica(replicas) if replicas else None


def best_replica(replicas: Sequence[Entry]) -> Entry:
    """The entry of an object by its replicas: a good one, with a checksum if there is such, else the first."""
    best = min(replicas, key=lambda replica: (not replica.good, replica.checksum is None))
    return best if len(replicas) == 1 else replace(best, place=None)  # which one to read is then the zone's choice


def below(exchange: Exchange, root: str, problem: ScanProblem, left: Left) -> Iterator[Entry]:
    """Everything below a collection, in no order, an entry for each replica."""
    prefix = root.rstrip("/") + "/"
    for path in collections_below(exchange, root):
        if usable(path, problem):
            yield Entry(path, Kind.FOLDER)
    conditions = [(requests.COLL_NAME, f"{_is(root)} || like '{_pattern(prefix)}%'")]
    yield from _objects(exchange, _query(exchange, _OBJECT_COLUMNS, conditions), root, problem, left)


def collections_below(exchange: Exchange, root: str) -> Iterator[str]:
    """The relative paths of all collections below one, in no order."""
    prefix = root.rstrip("/") + "/"
    for (path,) in _query(exchange, (requests.COLL_NAME,), [(requests.COLL_NAME, f"like '{_pattern(prefix)}%'")]):
        if path.startswith(prefix):
            yield path[len(prefix) :]


def objects_in(exchange: Exchange, root: str, problem: ScanProblem, left: Left) -> Iterator[Entry]:
    """The objects right in a collection, in no order, an entry for each replica."""
    conditions = [(requests.COLL_NAME, _is(root))]
    rows = (row for row in _query(exchange, _OBJECT_COLUMNS, conditions) if row[0] == root)
    return _objects(exchange, rows, root, problem, left)


def names_in(exchange: Exchange, root: str) -> set[str]:
    """The names of the objects right in a collection, s-isync's own among them."""
    conditions = [(requests.COLL_NAME, _is(root))]
    rows = _query(exchange, (requests.COLL_NAME, requests.DATA_NAME), conditions)
    return {name for folder, name in rows if folder == root}


def count_below(exchange: Exchange, root: str) -> int:
    """How many replicas there are below a collection, or a few more."""
    condition = f"{_is(root)} || like '{_pattern(root.rstrip('/') + '/')}%'"
    (reply,) = exchange([requests.count(requests.DATA_ID, [(requests.COLL_NAME, condition)])])
    if reply.status < 0:
        if code_name(reply.status) == "CAT_NO_ROWS_FOUND":
            return 0
        raise reply.failure()
    rows = reply.rows()
    return int(rows[0][0]) if rows and rows[0][0].isdigit() else 0


def _objects(
    exchange: Exchange, rows: Iterable[tuple[str, ...]], root: str, problem: ScanProblem, left: Left
) -> Iterator[Entry]:
    prefix = root.rstrip("/") + "/"
    nameless: dict[str, set[str]] = {}
    for row in rows:
        folder, name = row[0], row[1]
        if folder == root:
            path = name
        elif folder.startswith(prefix):
            path = f"{folder[len(prefix) :]}/{name}"
        else:
            continue  # a pattern may match more than was meant
        if (kept := kept_of(name)) is not None:
            yield Entry(f"{path[: len(path) - len(name)]}{kept}", Kind.FILE, leftover=True)
            if may_be_of_a_long_name(name):
                nameless.setdefault(folder, set()).add(name)
        elif is_bundle(name):
            left(join(folder, name), int(row[_MODIFIED]))
        elif not is_own(name) and usable(path, problem):
            yield _object(path, row)
    for folder, names in nameless.items():
        for name in _originals(exchange, folder, names):
            yield Entry(join(folder, name)[len(prefix) :], Kind.FILE, leftover=True)


def _originals(exchange: Exchange, folder: str, kept: set[str]) -> Iterator[str]:
    """The names in a collection that have been set aside under one of these; asked for where that doesn't tell."""
    return (name for name in names_in(exchange, folder) if kept_name(name) in kept)


def _object(path: str, row: tuple[str, ...]) -> Entry:
    _, _, size, checksum, modified, status, place, mode = row
    return Entry(
        path,
        Kind.FILE,
        int(size),
        int(modified) * 1_000_000_000,
        checksum or None,
        status == _GOOD,
        place=intern(place) if place else None,
        mode=(int(mode) & PERMISSIONS or None) if mode.isdigit() else None,  # decimal, and perhaps with the file's type
    )


def usable(path: str, problem: ScanProblem) -> bool:
    """Whether a path of the catalogue can be a path of a file system; a hostile one must not lead out of the tree."""
    if "\0" not in path and not {"", ".", ".."} & set(path.split("/")):
        return True
    problem(path, TreeError("UNSAFE_NAME", "has a name that can't be used in a file system; have it renamed"))
    return False


def _query(
    exchange: Exchange, columns: Sequence[int], conditions: Sequence[tuple[int, str]]
) -> Iterator[tuple[str, ...]]:
    continuation = 0
    try:
        while True:
            (reply,) = exchange([requests.query(columns, conditions, _PAGE, continuation)])
            if reply.status < 0:
                if code_name(reply.status) == "CAT_NO_ROWS_FOUND":
                    return
                raise reply.failure()
            continuation = int(reply.value("continueInx") or 0)
            yield from reply.rows()
            if continuation <= 0:
                return
    except GeneratorExit:
        if continuation > 0:
            exchange([requests.query(columns, conditions, 0, continuation)])
        raise


def _is(text: str) -> str:
    """A condition for this text; where it can't be quoted it matches more, so rows have to be compared."""
    return f"like '{_pattern(text)}'" if _UNQUOTABLE.search(text) else f"= '{text}'"


def _pattern(text: str) -> str:
    """A LIKE pattern for the text.

    The server's own parser of conditions has no sure way to quote `'` or `|`, and how a backslash is taken depends on
    the database: each such character, like the wildcards themselves, becomes `_`, which matches any.
    """
    return _WILD.sub("_", text)
