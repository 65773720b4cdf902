"""The rules for every field of a request; each check gives all faults that it finds, by JSON key."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from stager_jobs.job import Task

from stager_api.errors import InvalidRequestError, Violation
from stager_api.reasons import Fault

TITLE_LENGTH: Final = 200
DR_USER_LENGTH: Final = 250
PATH_BYTES: Final = 4096
STAGER_USER_LENGTH: Final = 64
EMAIL_LENGTH: Final = 254
REQUEST_ID_LENGTH: Final = 128
SEARCH_LENGTH: Final = 200
CREDENTIAL_LENGTH: Final = 4096
TASKS_AT_ONCE: Final = 1000
IDS_AT_ONCE: Final = 1000

_REPOSITORY = re.compile(r"(?:i|irods):")
_STAGER_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?")
_EMAIL = re.compile(r"[^\s@,;<>()\[\]\\\":]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_PROJECT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


def task_violations(task: Task) -> Iterator[Violation]:
    """Every fault of a task, but for its credential."""
    yield from _text("title", task.title, TITLE_LENGTH)
    yield from _text("drUser", task.dr_user, DR_USER_LENGTH)
    yield from _transfer_path("srcURL", task.src_url)
    yield from _transfer_path("dstURL", task.dst_url)
    yield from _sides(task.src_url, task.dst_url)
    yield from user_violations("stagerUser", task.stager_user)
    yield from _email("stagerEmail", task.stager_email)
    yield from _seconds("timeout", task.timeout)
    yield from _seconds("timeout_noprogress", task.timeout_noprogress)


def request_id_violations(request_id: str) -> Iterator[Violation]:
    """Every fault of a client's request id, which may be empty."""
    if request_id:
        yield from _text("request_id", request_id, REQUEST_ID_LENGTH)


def user_violations(field: str, name: str) -> Iterator[Violation]:
    """Every fault of a local user's name."""
    if not name:
        yield Violation(field, Fault.MISSING, "is needed")
    elif len(name) > STAGER_USER_LENGTH:
        yield Violation(field, Fault.TOO_LONG, f"has {len(name)} characters; at most {STAGER_USER_LENGTH} are allowed")
    elif not _STAGER_USER.fullmatch(name):
        yield Violation(
            field,
            Fault.NOT_A_USER_NAME,
            "is no user name: letters, digits, `_`, `.`, `@` and `-`, and no `-` or `.` first",
        )


def directory_violations(path: str) -> Iterator[Violation]:
    """Every fault of a path to list."""
    yield from _path("path", path)


def paths_violations(field: str, paths: Sequence[str]) -> Iterator[Violation]:
    """Every fault of several paths, by their places; of the first hundred at the most."""
    for number, path in enumerate(paths[:100]):
        yield from _path(f"{field}[{number}]", path)


def search_violations(search: str) -> Iterator[Violation]:
    """Every fault of a text to search for."""
    if len(search) > SEARCH_LENGTH:
        yield Violation("search", Fault.TOO_LONG, f"has {len(search)} characters; at most {SEARCH_LENGTH} are allowed")


def page_size_violations(size: int, most: int) -> Iterator[Violation]:
    """Every fault of a page size, of which 0 stands for the default."""
    if not 0 <= size <= most:
        yield Violation("page_size", Fault.OUT_OF_RANGE, f"is {size}; 1 to {most} is allowed, or none for the default")


def count_violations(field: str, count: int, *, least: int, most: int) -> Iterator[Violation]:
    """Every fault of the number of items in a list."""
    if not least <= count <= most:
        yield Violation(field, Fault.OUT_OF_RANGE, f"has {count} items; {least} to {most} are allowed")


def project_violations(project: str) -> Iterator[Violation]:
    """Every fault of a project's number."""
    if not _PROJECT.fullmatch(project):
        yield Violation(
            "project",
            Fault.NOT_A_PROJECT,
            "is no project number such as 3010000.01: at most 64 letters, digits, `.`, `_` and `-`",
        )


def is_job_id(text: str) -> bool:
    """Whether a job could have this id; others are never looked up."""
    return _JOB_ID.fullmatch(text) is not None


def is_collection(path: str) -> bool:
    """Whether this can be a collection's absolute path in a zone."""
    return next(_path("collection", path), None) is None and next(_controls("collection", path), None) is None


def refuse(*checks: Iterator[Violation]) -> None:
    """Raise all that the checks find, at once.

    Raises:
        InvalidRequestError: They found something.
    """
    violations = [violation for check in checks for violation in check]
    if violations:
        raise InvalidRequestError(violations)


def _text(field: str, text: str, length: int) -> Iterator[Violation]:
    if not text.strip():
        yield Violation(field, Fault.MISSING, "is needed")
    if len(text) > length:
        yield Violation(field, Fault.TOO_LONG, f"has {len(text)} characters; at most {length} are allowed")
    yield from _controls(field, text)


def _controls(field: str, text: str) -> Iterator[Violation]:
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
        yield Violation(
            field, Fault.CONTROL_CHARACTER, "holds a control character, such as a line break or a tab; leave it out"
        )


def _transfer_path(field: str, url: str) -> Iterator[Violation]:
    if not url:
        yield Violation(field, Fault.MISSING, "is needed")
        return
    yield from _path(field, _REPOSITORY.sub("", url, count=1) if _REPOSITORY.match(url) else url)
    yield from _controls(field, url)


def _path(field: str, path: str) -> Iterator[Violation]:
    if not path.startswith("/"):
        yield Violation(
            field, Fault.NOT_ABSOLUTE, "is no absolute path: it has to begin with `/` (in the repository: with `i:/`)"
        )
    if len(path.encode(errors="surrogatepass")) > PATH_BYTES:
        yield Violation(field, Fault.TOO_LONG, f"has more than {PATH_BYTES} bytes")
    if ".." in path.split("/"):
        yield Violation(field, Fault.PARENT_IN_PATH, "holds `..`; give the path without it")
    if "\0" in path:
        yield Violation(field, Fault.CONTROL_CHARACTER, "holds a NUL character; leave it out")


def _sides(source: str, destination: str) -> Iterator[Violation]:
    if source and destination and bool(_REPOSITORY.match(source)) == bool(_REPOSITORY.match(destination)):
        where = "in the repository" if _REPOSITORY.match(source) else "local"
        yield Violation(
            "dstURL",
            Fault.SAME_SIDE,
            f"is {where}, as srcURL is; exactly one of them has to begin with `i:` or `irods:`",
        )


def _email(field: str, address: str) -> Iterator[Violation]:
    if len(address) > EMAIL_LENGTH:
        yield Violation(field, Fault.TOO_LONG, f"has {len(address)} characters; at most {EMAIL_LENGTH} are allowed")
    elif address and (not _EMAIL.fullmatch(address) or next(_controls(field, address), None)):
        yield Violation(
            field, Fault.NOT_A_MAIL_ADDRESS, "is no mail address such as name@example.org; give one, or none"
        )


def _seconds(field: str, seconds: int) -> Iterator[Violation]:
    if seconds < 0:
        yield Violation(field, Fault.OUT_OF_RANGE, f"is {seconds}; seconds from 0 on are allowed, and 0 means no limit")
