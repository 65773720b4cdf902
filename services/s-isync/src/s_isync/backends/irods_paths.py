"""Paths that a server must not be given, because it would take them for others."""

from s_isync.errors import TreeError

_OPERATORS = ("||", "&&")


def misread(path: str) -> bool:
    """Whether a server takes part of the path for a query.

    To look a path up it puts it between apostrophes into a condition of its GenQuery, and reads `||` or `&&` behind an
    apostrophe of the path's own as operators. So `x' || like '%` is found to be, and overwritten as, any object.
    """
    _, apostrophe, rest = path.partition("'")
    return bool(apostrophe) and any(operator in rest for operator in _OPERATORS)


def sendable(path: str) -> str:
    """The path.

    Raises:
        TreeError: it would be misread.
    """
    if misread(path):
        message = "has an apostrophe before || or && in its path, which an iRODS server takes for a query; rename it"
        raise TreeError("NAME_MISREAD", message)
    return path
