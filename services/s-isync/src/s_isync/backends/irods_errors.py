"""What an iRODS error code means for a run."""

import errno

from irods.exception import get_exception_class_by_code

from s_isync.errors import EndOfRunError, ForbiddenError, TransientError, TreeError
from s_isync.exit_codes import ExitCode

GONE = {"CAT_NO_ROWS_FOUND", "CAT_UNKNOWN_COLLECTION", "OBJ_PATH_DOES_NOT_EXIST", "CAT_UNKNOWN_FILE"}
"""What a server answers of a path at which there is nothing to remove."""

# Codes of iRODS 5 that python-irodsclient has no name for, as far as a transfer may meet them.
_NAMES = {
    -111_000: "SYS_RENAME_STRUCT_COUNT_EXCEEDED",
    -113_000: "SYS_REQUESTED_BUF_TOO_LARGE",
    -116_000: "SYS_SOCK_READ_ERR",
    -118_000: "SYS_MAX_CONNECT_COUNT_EXCEEDED",
    -121_000: "SYS_USER_NO_PERMISSION",
    -146_000: "SYS_NOT_IMPLEMENTED",
    -154_000: "SYS_INTERNAL_ERR",
    -155_000: "SYS_SOCK_SELECT_ERR",
    -156_000: "SYS_THREAD_ENCOUNTERED_INTERRUPT",
    -157_000: "SYS_THREAD_RESOURCE_ERR",
    -159_000: "SYS_PORT_RANGE_EXHAUSTED",
    -161_000: "SYS_SOCK_WRITE_ERR",
    -162_000: "SYS_SOCK_CONNECT_ERR",
    -163_000: "SYS_OPERATION_IN_PROGRESS",
    -165_000: "SYS_UNKNOWN_ERROR",
    -166_000: "SYS_NO_GOOD_REPLICA",
    -170_000: "NOT_A_COLLECTION",
    -171_000: "NOT_A_DATA_OBJECT",
    -179_000: "SOCKET_ERROR",
    -181_000: "SHUTDOWN_SEQUENCE_INITIATED",
    -185_000: "CONNECTION_REFUSED",
    -380_000: "USER_HASH_TYPE_MISMATCH",
    -400_000: "USER_INSUFFICIENT_FREE_INODES",
    -401_000: "USER_FILE_SIZE_MISMATCH",
    -405_000: "INTERMEDIATE_REPLICA_ACCESS",
    -540_000: "UNIX_FILE_OPR_TIMEOUT_ERR",
    -721_000: "REPLICA_IS_BEING_STAGED",
    -852_000: "CAT_UNKNOWN_RESOURCE",
}
_LOGIN = {
    "CAT_INVALID_AUTHENTICATION",
    "CAT_INVALID_USER",
    "CAT_PASSWORD_EXPIRED",
    "PAM_AUTH_PASSWORD_FAILED",
    "REMOTE_SERVER_AUTHENTICATION_FAILURE",
    "NO_PASSWORD_ENTERED",
}
_FULL = {"SYS_RESC_QUOTA_EXCEEDED", "USER_INSUFFICIENT_FREE_INODES"}
_FULL_ERRNO = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {
    "CAT_NO_ACCESS_PERMISSION",
    "CAT_INSUFFICIENT_PRIVILEGE_LEVEL",
    "SYS_NO_API_PRIV",
    "SYS_NO_PATH_PERMISSION",
    "SYS_USER_NO_PERMISSION",
}
_UNSEEN = "doesn't exist, or may not be seen by this user"
_FOR_GOOD = {
    "CAT_NO_ROWS_FOUND": _UNSEEN,
    "OBJ_PATH_DOES_NOT_EXIST": _UNSEEN,
    "CAT_UNKNOWN_FILE": _UNSEEN,
    "CAT_UNKNOWN_COLLECTION": "its collection " + _UNSEEN,
    "SYS_NOT_ALLOWED": "the zone's rules don't allow it",
    "SYS_INVALID_FILE_PATH": "has a path that the zone's storage does not take; rename it",
    "SYS_INVALID_INPUT_PARAM": "the zone doesn't take this request",
    "SYS_UNSUPPORTED_OPERATION": "the zone doesn't know this operation",
    "SYS_NOT_IMPLEMENTED": "the zone doesn't know this operation",
    "SYS_NO_GOOD_REPLICA": "has no good replica in the zone; ask the manager of the collection",
    "CAT_NAME_EXISTS_AS_COLLECTION": "a collection stands where the data object should go; move it away",
    "CAT_NAME_EXISTS_AS_DATAOBJ": "a data object stands where the collection should go; move it away",
    "CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME": "the name is taken",
    "USER_PATH_EXCEEDS_MAX": "has a path that is too long for iRODS; shorten it",
    "USER_INPUT_PATH_ERR": "has a path that iRODS doesn't take; rename it",
}
_PASSING = {
    "OVERWRITE_WITHOUT_FORCE_FLAG": "a data object of this name has appeared meanwhile",
    "USER_CHKSUM_MISMATCH": "other bytes arrived than were sent",
    "USER_HASH_TYPE_MISMATCH": "the zone takes no checksums of this kind",
    "HIERARCHY_ERROR": "another transfer is writing it, or the server hasn't given up an earlier one yet",
    "LOCKED_DATA_OBJECT_ACCESS": "it is open elsewhere; another transfer may be writing it",
    "INTERMEDIATE_REPLICA_ACCESS": "it is open elsewhere; another transfer may be writing it",
    "SYS_INTERNAL_ERR": "the zone failed, or hasn't given up an earlier transfer of it yet",
    "SYS_MAX_CONNECT_COUNT_EXCEEDED": "the zone has too many connections",
    "SHUTDOWN_SEQUENCE_INITIATED": "the zone's server is shutting down",
    "CONNECTION_REFUSED": "one of the zone's servers can't be reached",
    "SOCKET_ERROR": "one of the zone's servers can't be reached",
    "REPLICA_IS_BEING_STAGED": "the zone is fetching it from its archive",
    "UNIX_FILE_OPR_TIMEOUT_ERR": "the zone's storage doesn't answer",
    "SYS_COPY_LEN_ERR": "the bytes were cut short on their way",
    "CAT_SQL_ERR": "the zone's catalogue failed",
    "CAT_CONNECT_ERR": "the zone's catalogue can't be reached",
}
_PASSING_ERRNO = {errno.EIO, errno.EAGAIN, errno.EBUSY, errno.ESTALE, errno.ETIMEDOUT, errno.ENFILE, errno.EMFILE}


def zone_error(code: int, text: str | None = None) -> TreeError:
    """The error for a server's negative answer.

    Args:
        code: as the server sent it; its last three digits may be an errno of the server's file system.
        text: what the server says about it, if anything.
    """
    name, number = code_name(code), abs(code) % 1000
    said = f" ({text.strip()})" if text and text.strip() else ""
    if name in _LOGIN:
        return EndOfRunError(ExitCode.LOGIN_REFUSED, "the zone refuses this user or password; log in again", name)
    if name in _FULL or number in _FULL_ERRNO:
        message = "the zone's storage is full or the quota is used up; ask for more, or remove something"
        return EndOfRunError(ExitCode.NO_SPACE, message, name)
    if name in _FORBIDDEN:
        return ForbiddenError(name, "this user has no permission for it; ask the manager of the collection" + said)
    if name in _FOR_GOOD:
        return TreeError(name, _FOR_GOOD[name] + said)
    if name in _PASSING:
        return TransientError(name, _PASSING[name] + said)
    message = f"the zone answers {name} ({code}){said}"
    passing = name.startswith("SYS_") or number in _PASSING_ERRNO
    return TransientError(name, message) if passing else TreeError(name, message)


def code_name(code: int) -> str:
    """The name of an iRODS error code, `IRODS_-123` for one without a name."""
    if named := _NAMES.get(-(abs(code) // 1000 * 1000)):
        return named
    found: str = get_exception_class_by_code(code, name_only=True) if abs(code) >= 1000 else "Unknown_iRODS_error"
    return f"IRODS_{code}" if found == "Unknown_iRODS_error" else found
