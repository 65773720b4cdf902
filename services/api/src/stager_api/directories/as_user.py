"""Looks into directories. Runs as the user, as a program of its own that knows the standard library only.

It is fed to `python -I -S -` on standard input. Where the service is root it starts as root, imports what it needs,
and becomes the user before it touches anything of theirs: so the user needs no access to where Python is installed,
and, as nothing is executed after the change, can't trace or steer it. The request is JSON in the variable STAGER_LOOK;
the answer is one line of JSON on standard output, or several for a measurement that goes on. Names are bytes, written
with Python's surrogateescape.
"""

import heapq
import json
import os
import resource
import stat
import sys
import time
from collections.abc import Iterator
from typing import Any

ANSWER_BYTES = 2_000_000
"""A page ends early rather than grow past this, since a gRPC message is limited."""
TELL_SECONDS = 0.5
"""A measurement tells how far it is this often."""
MEMORY_BYTES = 2**30
DEEPEST = 400
"""Directories in each other that are gone into; each holds an open descriptor."""


def main() -> None:
    """Read the request, look, print the answer; never a traceback."""
    try:
        request = json.loads(os.environ["STAGER_LOOK"])
        # A folder of a hundred million names must not take the machine's memory.
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if request["identity"]:
            become(**request["identity"])
        for answer in {"list": listing, "space": space, "measure": measurement}[request["action"]](request):
            tell(answer)
    except OSError as error:
        tell({"error": problem(error), "detail": os.strerror(error.errno or 0)})


def tell(answer: dict[str, Any]) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def problem(error: OSError) -> str:
    """What the file system's refusal means to the user."""
    if isinstance(error, FileNotFoundError):
        return "not_found"
    if isinstance(error, NotADirectoryError):
        return "not_directory"
    return "denied" if isinstance(error, PermissionError) else "failed"


def become(uid: int, gid: int, groups: list[int]) -> None:
    """Be this user, for good: real, effective and saved ids, and only the user's own groups.

    Raises:
        SystemExit: It didn't work; nothing may be looked at then.
    """
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if os.getresuid() != (uid,) * 3 or os.getresgid() != (gid,) * 3 or set(os.getgroups()) != set(groups):
        sys.exit(1)


def listing(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The page that the request asks for.

    Keys of the request: `path` and `roots` (absolute), `hidden`, `size` (entries), `after` (name of the page before).
    """
    directory = os.open(os.fsencode(request["path"]), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        # What was opened is what is judged, whatever became of the path and its links since.
        if any(lies_in(directory, root) for root in request["roots"]):
            yield page_of(directory, request)
        else:
            yield {"error": "outside"}
    finally:
        os.close(directory)


def page_of(directory: int, request: dict[str, Any]) -> dict[str, Any]:
    """The entries after the page before, and after which name the next page begins; empty if there is none."""
    after = os.fsencode(request["after"])
    names = (name for name in all_names(directory) if name > after and (request["hidden"] or name[:1] != b"."))
    page = heapq.nsmallest(request["size"] + 1, names)
    entries: list[dict[str, Any]] = []
    written = 0
    for name in page[: request["size"]]:
        found = entry(directory, name)
        if found is None:
            continue
        written += len(json.dumps(found)) + 2
        if written > ANSWER_BYTES:
            return {"entries": entries, "next": entries[-1]["name"]}
        entries.append(found)
    more = len(page) > request["size"]
    return {"entries": entries, "next": os.fsdecode(page[request["size"] - 1]) if more else ""}


def lies_in(directory: int, root: str) -> bool:
    """Whether the open directory is the root or below it, links resolved on both sides."""
    here = os.readlink(f"/proc/self/fd/{directory}")  # noqa: PTH115 - pathlib takes longer to import than all else
    try:
        top = os.path.realpath(root, strict=True)
    except OSError:
        return False
    return here == top or here.startswith(top.rstrip("/") + "/")


def all_names(directory: int) -> Iterator[bytes]:
    """Every name in the directory, one at a time."""
    with os.scandir(directory) as found:
        for item in found:
            yield os.fsencode(item.name)


def entry(directory: int, name: bytes) -> dict[str, Any] | None:
    """What stands under a name; None if it is gone by now."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except PermissionError:  # a directory that may be read and not searched
        return {"name": os.fsdecode(name), "type": "other", "size": 0, "mtime": 0, "target": ""}
    kind, target = "other", ""
    if stat.S_ISREG(status.st_mode):
        kind = "file"
    elif stat.S_ISDIR(status.st_mode):
        kind = "directory"
    elif stat.S_ISLNK(status.st_mode):
        kind = "symlink"
        target = link_target(directory, name)
    size = status.st_size if kind == "file" else 0
    return {"name": os.fsdecode(name), "type": kind, "size": size, "mtime": status.st_mtime_ns, "target": target}


def link_target(directory: int, name: bytes) -> str:
    """What is written in a link; empty if it can't be read any more."""
    try:
        return os.fsdecode(os.readlink(name, dir_fd=directory))
    except OSError:
        return ""


def space(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The room at a path, or in its nearest directory that exists. Keys of the request: `path`, `roots`."""
    path = request["path"]
    while True:
        try:
            here = os.open(os.fsencode(path), os.O_PATH | os.O_CLOEXEC)
            break
        except FileNotFoundError:
            path = os.path.dirname(path.rstrip("/")) or "/"  # noqa: PTH120 - as above
    try:
        if not any(lies_in(here, root) for root in request["roots"]):
            yield {"error": "outside"}
            return
        found = os.fstatvfs(here)
    finally:
        os.close(here)
    yield {"free": found.f_bavail * found.f_frsize, "total": found.f_blocks * found.f_frsize}


def measurement(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is at each of the paths, told now and then until all is counted. Keys of the request: `paths`, `roots`."""
    counts = [
        {"files": 0, "bytes": 0, "directories": 0, "left_out": 0, "unreadable": 0, "problem": ""}
        for _ in request["paths"]
    ]
    told = time.monotonic()
    for path, count in zip(request["paths"], counts, strict=True):
        for _ in measured(path, request["roots"], count):
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                yield {"measured": counts, "final": False}
    yield {"measured": counts, "final": True}


def measured(path: str, roots: list[str], count: dict[str, Any]) -> Iterator[None]:
    """Counts into `count`, pausing after each name."""
    try:
        top = os.open(os.fsencode(path), os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        count["problem"] = problem(error)
        return
    try:
        if not any(lies_in(top, root) for root in roots):
            count["problem"] = "outside"
            return
        mode = os.fstat(top).st_mode
        if stat.S_ISREG(mode):
            count["files"], count["bytes"] = 1, os.fstat(top).st_size
        elif not stat.S_ISDIR(mode):
            count["problem"] = "failed"
        else:
            yield from below(top, count)
    finally:
        os.close(top)


def below(top: int, count: dict[str, Any]) -> Iterator[None]:
    """Counts all below an open directory, from descriptor to descriptor: no link leads out of it."""
    try:
        first = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=top)
    except OSError as error:
        count["problem"] = problem(error)
        return
    level: list[tuple[int, Iterator[bytes]]] = [(first, iter(list(all_names(first))))]
    try:
        while level:
            directory, names = level[-1]
            name = next(names, None)
            if name is None:
                os.close(level.pop()[0])
                continue
            inner = counted(directory, name, count, len(level) < DEEPEST)
            if inner is not None:
                level.append(inner)
            yield
    finally:
        for directory, _ in level:
            os.close(directory)


def counted(directory: int, name: bytes, count: dict[str, Any], go_in: bool) -> tuple[int, Iterator[bytes]] | None:  # noqa: FBT001 - a private step
    """Counts one name; a directory is given back, opened, with the names in it."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError:
        count["unreadable"] += 1
        return None
    if stat.S_ISREG(status.st_mode):
        readable = os.access(name, os.R_OK, dir_fd=directory)
        count["files"] += 1
        count["bytes"] += status.st_size
        count["unreadable"] += not readable
    elif stat.S_ISDIR(status.st_mode):
        count["directories"] += 1
        if not go_in:
            count["unreadable"] += 1
            return None
        try:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            inner = os.open(name, flags, dir_fd=directory)
        except OSError:
            count["unreadable"] += 1
            return None
        try:
            return inner, iter(list(all_names(inner)))
        except OSError:
            os.close(inner)
            count["unreadable"] += 1
    else:
        count["left_out"] += 1
    return None


if __name__ == "__main__":
    main()
