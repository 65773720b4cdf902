"""What became of a job's files, and the end of its log."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from stager_jobs.store import JobInspector
from stager_telemetry.redact import redact_text

from stager_api import rules
from stager_api.errors import InvalidRequestError, NotFoundError, PreconditionError, Violation
from stager_api.jobs.job_files import FileOutcome, FileReport, JobFiles
from stager_api.jobs.look import LookAtJobs
from stager_api.principal import Principal
from stager_api.reasons import Fault

DEFAULT_PAGE = 200
LARGEST_PAGE = 1000
DEFAULT_LOG = 65_536
LARGEST_LOG = 262_144
_FILE, _FAULTS = "f", "q"
"""What a page token begins with: whether it goes on in the file or in the queue's record."""


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Which files of which job. A size of 0 is the default; `faults` are those found in reading the request."""

    job_id: str
    outcomes: Collection[FileOutcome] = ()
    size: int = 0
    token: str = ""
    faults: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A page; `complete`: every file can be paged through, not only the newest attempt's first failures."""

    files: tuple[FileReport, ...]
    next_token: str
    complete: bool
    faults_total: int
    full_list: str


@dataclass(frozen=True, slots=True)
class Reports:
    """The use cases. `files` is None where the workers' log directory is not to be seen from here."""

    inspector: JobInspector
    look: LookAtJobs
    files: JobFiles | None

    def page(self, caller: Principal, wanted: ReportFilter) -> Report:
        """A page of a report.

        Raises:
            NotFoundError: There is no such job, or it isn't the caller's.
            InvalidRequestError: The request breaks rules.
        """
        rules.refuse(iter(wanted.faults), rules.page_size_violations(wanted.size, LARGEST_PAGE))
        self.look.get(caller, wanted.job_id)
        source, place = _place(wanted.token)
        size = wanted.size or DEFAULT_PAGE
        if source != _FAULTS and self.files:
            try:
                found, following = self.files.page(wanted.job_id, place, wanted.outcomes, size)
            except OSError:  # no attempt yet, or its worker's directory is another one
                if source:
                    raise NotFoundError("the report is gone; ask for its first page") from None
            else:
                stored = self.inspector.report(wanted.job_id, size=1)
                token = "" if following is None else f"{_FILE}{following}"
                return Report(
                    tuple(found), token, complete=True, faults_total=stored.faults_total, full_list=stored.full_list
                )
        return self._faults(wanted, place if source else 0, size)

    def log_end(self, caller: Principal, job_id: str, size: int) -> tuple[str, bool]:
        """The end of a job's log, within `size` bytes (0: the default), and whether more came before.

        Raises:
            NotFoundError: There is no such job, or it isn't the caller's, or it hasn't begun.
            InvalidRequestError: The size is out of bounds.
            PreconditionError: Logs are kept elsewhere.
        """
        if not 0 <= size <= LARGEST_LOG:
            raise InvalidRequestError(
                [Violation("bytes", Fault.OUT_OF_RANGE, f"is {size}; 1 to {LARGEST_LOG} is allowed, or none")]
            )
        self.look.get(caller, job_id)
        if self.files is None:
            raise PreconditionError("logs are kept where this service can't read them; ask an administrator")
        try:
            text, truncated = self.files.log_end(job_id, size or DEFAULT_LOG)
        except OSError:
            raise NotFoundError("there is no log of this job here") from None
        return redact_text(text), truncated

    def _faults(self, wanted: ReportFilter, place: int, size: int) -> Report:
        try:
            page = self.inspector.report(wanted.job_id, cursor=str(place) if place else "", size=size)
        except ValueError as error:
            raise _foreign_token() from error
        attempt = page.job.attempts[-1].number if page.job.attempts else 0
        files = (FileReport(attempt, one.path, FileOutcome.FAILED, 0, "", one.code, one.message) for one in page.faults)
        shown = files if not wanted.outcomes or FileOutcome.FAILED in wanted.outcomes else ()
        token = f"{_FAULTS}{page.next_cursor}" if page.next_cursor else ""
        return Report(tuple(shown), token, complete=False, faults_total=page.faults_total, full_list=page.full_list)


def _place(token: str) -> tuple[str, int]:
    if not token:
        return "", 0
    source, number = token[:1], token[1:]
    if source not in {_FILE, _FAULTS} or not (number.isascii() and number.isdecimal() and len(number) < 18):
        raise _foreign_token()
    return source, int(number)


def _foreign_token() -> InvalidRequestError:
    return InvalidRequestError([Violation("page_token", Fault.NOT_A_PAGE, "is not from an answer to this request")])
