"""Why something failed or was refused, in the reader's language: the one place from codes to texts.

Codes stay when messages change. They come from s-isync (names of exit codes, of iRODS' and the system's errors, and
some of its own), from the worker and the job store, and from the API. `tests/test_failure_texts.py` goes through those
sources: each code of theirs has a text, or a reason why it needs none. What has none, such as one of iRODS' hundreds
that s-isync says nothing of its own about, is told by the message that it comes with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stager.v1 import job_pb2, job_service_pb2
from stager_client import StagerError, Violation

from stager_ui.formats import duration_text
from stager_ui.job_view import JobView
from stager_ui.texts import DEFAULT, catalogue, t
from stager_ui.visible import visible

_ALIKE: Final[Mapping[str, tuple[str, ...]]] = {
    "bad_name": ("EILSEQ", "NAME_MISREAD", "SYS_INVALID_FILE_PATH", "UNSAFE_NAME", "USER_INPUT_PATH_ERR"),
    "bad_bytes": ("CHECKSUM_MISMATCH", "USER_CHKSUM_MISMATCH"),
    "catalogue": ("CAT_CONNECT_ERR", "CAT_SQL_ERR"),
    "changed": ("CHANGED",),
    "connection": (
        "BAD_ANSWER",
        "CONNECTION_LOST",
        "CONNECTION_REFUSED",
        "NO_CONNECTION",
        "SHUTDOWN_SEQUENCE_INITIATED",
        "SOCKET_ERROR",
        "SYS_MAX_CONNECT_COUNT_EXCEEDED",
    ),
    "cut_short": ("EBADF", "SHORT_WRITE", "SYS_COPY_LEN_ERR"),
    "denied_here": ("EACCES", "EPERM"),
    "denied_there": (
        "CAT_INSUFFICIENT_PRIVILEGE_LEVEL",
        "CAT_NO_ACCESS_PERMISSION",
        "SYS_NO_API_PRIV",
        "SYS_NO_PATH_PERMISSION",
        "SYS_USER_NO_PERMISSION",
    ),
    "file_in_the_way": ("CAT_NAME_EXISTS_AS_DATAOBJ", "ENOTDIR"),
    "folder_in_the_way": ("CAT_NAME_EXISTS_AS_COLLECTION", "EISDIR"),
    "forbidden_by_rules": ("SYS_NOT_ALLOWED",),
    "gone": ("ENOENT",),
    "link": ("ELOOP", "LINK"),
    "locked": (
        "BUSY",
        "HIERARCHY_ERROR",
        "INTERMEDIATE_REPLICA_ACCESS",
        "LOCKED_DATA_OBJECT_ACCESS",
        "SYS_INTERNAL_ERR",
    ),
    "login_refused": (
        "CAT_INVALID_AUTHENTICATION",
        "CAT_INVALID_USER",
        "CAT_PASSWORD_EXPIRED",
        "NO_PASSWORD_ENTERED",
        "PAM_AUTH_PASSWORD_FAILED",
        "REMOTE_SERVER_AUTHENTICATION_FAILURE",
    ),
    "name_taken": ("CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME", "OVERWRITE_WITHOUT_FORCE_FLAG"),
    "name_too_long": ("ENAMETOOLONG", "USER_PATH_EXCEEDS_MAX"),
    "no_good_replica": ("NO_GOOD_REPLICA", "SYS_NO_GOOD_REPLICA"),
    "no_space": ("EDQUOT", "ENOSPC", "SYS_RESC_QUOTA_EXCEEDED", "USER_INSUFFICIENT_FREE_INODES"),
    "not_stored": ("NOT_GOOD",),
    "not_utf8": ("NAME_NOT_UTF8",),
    "nothing_deleted": ("FILES_FAILED", "MAX_DELETE", "SCAN_INCOMPLETE"),
    "outside": ("OUTSIDE",),
    "read_only": ("EROFS",),
    "refused": ("REFUSED",),
    "special": ("SPECIAL",),
    "storage_trouble": (
        "EAGAIN",
        "EBUSY",
        "EINTR",
        "EIO",
        "EMFILE",
        "ENFILE",
        "ESTALE",
        "ETIMEDOUT",
        "REPLICA_IS_BEING_STAGED",
        "UNIX_FILE_OPR_TIMEOUT_ERR",
    ),
    "unknown_checksum": ("UNKNOWN_CHECKSUM", "USER_HASH_TYPE_MISMATCH"),
    "unknown_request": ("SYS_INVALID_INPUT_PARAM", "SYS_NOT_IMPLEMENTED", "SYS_UNSUPPORTED_OPERATION"),
    "unseen": ("CAT_NO_ROWS_FOUND", "CAT_UNKNOWN_COLLECTION", "CAT_UNKNOWN_FILE", "OBJ_PATH_DOES_NOT_EXIST"),
}
"""Texts below `why.`, and the codes that mean them; a code that isn't here is the name of its own text."""
_TEXT_OF: Final = {code: name for name, codes in _ALIKE.items() for code in codes}


@dataclass(frozen=True)
class Why:
    """What a person is told.

    Attributes:
        text: What happened, to what, and what to do; in the reader's language, if the code has a text.
        said: The message as it was delivered, in English and with every detail; empty where it is the text.
        known: Whether the code has a text.
    """

    text: str
    said: str = ""
    known: bool = True

    @property
    def said_in_full(self) -> bool:
        """Whether the page's language is that of messages, so that what was said is read along with the text."""
        return bool(self.said) and catalogue().language == DEFAULT

    def __str__(self) -> str:
        """In one line."""
        return f"{self.text} ({self.said})" if self.said_in_full else self.text


def text_key(code: str) -> str:
    """The key of the text for a failure's code, whether there is such a text or not."""
    return f"why.{_TEXT_OF.get(code, code)}"


def refusal_key(reason: str) -> str:
    """The key of the text for a reason of the API."""
    return f"refused.{reason.lower()}"


def fault_key(reason: str) -> str:
    """The key of the text for what is wrong with a field."""
    return f"fault.{reason.lower()}"


def of_job(job: JobView) -> Why | None:
    """What went wrong with a job last; None if nothing did."""
    if not job.message.HasField("last_error"):
        return None
    failed = next((one for one in reversed(job.message.attempts) if one.HasField("error")), None)
    return _failure(job, job.message.last_error, failed.progress if failed else job.message.progress)


def of_attempt(job: JobView, attempt: job_pb2.Attempt) -> Why | None:
    """What went wrong with an attempt; None if nothing did."""
    return _failure(job, attempt.error, attempt.progress) if attempt.HasField("error") else None


def of_file(job: JobView, file: job_service_pb2.FileReport) -> Why:
    """What went wrong with a file or folder of a job, or with the transfer as a whole."""
    return _why(text_key(file.code), file.message or file.code, _values(job, job.message.progress))


def of_waiting(job: JobView) -> Why | None:
    """Why a job that could run waits; None if it waits for a worker only."""
    message = job.message
    if not message.waiting_reason or job.ended:
        return None
    return _why(text_key(message.waiting_code), message.waiting_reason, _values(job, message.progress))


def of_refusal(error: StagerError) -> tuple[Why, ...]:
    """Why the API, or the client that calls it, refused something: each fault, else the refusal as such."""
    return tuple(map(_of_violation, error.violations)) or (_why(refusal_key(error.reason), str(error), {}),)


def _of_violation(violation: Violation) -> Why:
    why = _why(fault_key(violation.reason), violation.description, {})
    if not violation.field:
        return why
    label = f"field.{violation.field}"
    field = t(label) if label in catalogue() else violation.field
    return Why(f"{field}: {why.text}", why.said, why.known)


def _failure(job: JobView, error: job_pb2.JobError, progress: job_pb2.Progress) -> Why:
    key = text_key(error.code)
    if error.code == "partial" and not progress.files_failed:
        key = "why.partial_folders"
    elif error.code == "partial" and progress.files_total == 1:
        key = "why.partial_file"
    return _why(key, error.message or error.code, _values(job, progress))


def _values(job: JobView, progress: job_pb2.Progress) -> dict[str, object]:
    """What the texts may name."""
    task = job.message.task
    return {
        "source": visible(job.source.path),
        "destination": visible(job.destination.path),
        "account": visible(task.dr_user),
        "user": visible(task.stager_user),
        "n": progress.files_failed,
        "total": progress.files_total,
        "limit": duration_text(task.timeout),
        "silence": duration_text(task.timeout_noprogress),
    }


def _why(key: str, said: str, values: Mapping[str, object]) -> Why:
    said = visible(said)
    if key not in catalogue():
        return Why(said, known=False)
    return Why(t(key, **values), said)
