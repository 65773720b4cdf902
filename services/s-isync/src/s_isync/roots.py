"""The directory rules: which tree of the source lands where in the destination."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from s_isync.entry import Entry, Kind
from s_isync.errors import EndOfRunError, ForbiddenError, Phase, Scope, TransientError, TreeError, during
from s_isync.exit_codes import ExitCode
from s_isync.locations import Location
from s_isync.names import join, split
from s_isync.tree import Tree


@dataclass(frozen=True, slots=True)
class Roots:
    """What is copied where.

    Attributes:
        source: the folder that source paths are relative to.
        destination: the folder that destination paths are relative to.
        destination_exists: whether that folder stands already.
        single: the one file to copy, its path relative to `source`; None for a whole folder.
        single_name: the path of that file relative to `destination`.
        existing: what stands there already.
    """

    source: str
    destination: str
    destination_exists: bool
    single: Entry | None = None
    single_name: str = ""
    existing: Entry | None = None


def resolve_roots(source: Location, source_tree: Tree, destination: Location, destination_tree: Tree) -> Roots:
    """Apply the rules of docs/isync-protocol.md ("Directory rules").

    Raises:
        FailedError: with the exit code `no_source`, `no_permission` or `bad_destination`, or that of a lost session.
    """
    with at_root(Scope.SOURCE, source.text, ExitCode.NO_SOURCE):
        found = source_tree.stat(source.path)
        if found is None:
            reason = "doesn't exist, or may not be seen" if source.in_zone else "doesn't exist"
            raise EndOfRunError(ExitCode.NO_SOURCE, f"{source.text}: {reason}; nothing was done")
        if found.kind is Kind.SPECIAL:
            raise EndOfRunError(ExitCode.NO_SOURCE, f"{source.text}: is neither a file nor a folder; nothing was done")
        if found.kind is Kind.FILE and source.as_folder:
            raise EndOfRunError(ExitCode.NO_SOURCE, f"{source.text}: is a file; write it without the slash at its end")
    with at_root(Scope.DESTINATION, destination.text, ExitCode.BAD_DESTINATION):
        target = destination_tree.stat(destination.path)
        if found.kind is Kind.FOLDER:
            return _folder_to(source, destination, target)
        return _file_to(source, found, destination, destination_tree, target)


@contextmanager
def at_root(scope: Scope, text: str, otherwise: ExitCode) -> Iterator[None]:
    """Turn a `TreeError` raised inside into a `FailedError` that ends the run: without its roots there is none.

    Args:
        scope: which root.
        text: as the person gave it.
        otherwise: the exit code where the error is neither a matter of permission nor of the connection.
    """
    with during(scope, Phase.PREPARE, text):
        try:
            yield
        except EndOfRunError:
            raise
        except TreeError as error:
            code = otherwise
            if isinstance(error, ForbiddenError):
                code = ExitCode.NO_PERMISSION
            elif isinstance(error, TransientError):
                code = ExitCode.UNREACHABLE
            raise EndOfRunError(code, f"{text}: {error.message}", error.code) from error


def _folder_to(source: Location, destination: Location, target: Entry | None) -> Roots:
    if target is not None and target.kind is not Kind.FOLDER:
        raise EndOfRunError(ExitCode.BAD_DESTINATION, f"{destination.text}: a file stands where the folder should go")
    return Roots(source.path, destination.path, target is not None)


def _file_to(source: Location, found: Entry, destination: Location, tree: Tree, target: Entry | None) -> Roots:
    parent, name = split(source.path)
    single = replace(found, path=name)
    if (target is not None and target.kind is Kind.FOLDER) or (target is None and destination.as_folder):
        existing = tree.stat(join(destination.path, name)) if target is not None else None
        return Roots(parent, destination.path, target is not None, single, name, _at(existing, name))
    folder, new_name = split(destination.path)
    if target is None:
        above = tree.stat(folder)
        if above is None or above.kind is not Kind.FOLDER:
            raise EndOfRunError(
                ExitCode.BAD_DESTINATION, f"{destination.text}: its folder doesn't exist; make it first, or end the "
                "destination with a slash to have it made"
            )  # fmt: skip
    return Roots(parent, folder, True, single, new_name, _at(target, new_name))  # noqa: FBT003 - a field


def _at(entry: Entry | None, name: str) -> Entry | None:
    return None if entry is None else replace(entry, path=name)
