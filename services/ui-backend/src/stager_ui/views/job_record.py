"""What a job left behind: which files failed and why, what became of every file, the end of its log."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Final

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from stager.v1 import job_pb2, job_service_pb2
from stager_client import NotFoundError, StagerClient, WrongStateError

from stager_ui.failures import fail, refusal
from stager_ui.job_view import JobView
from stager_ui.services import services
from stager_ui.texts import t

blueprint = Blueprint("job_record", __name__, url_prefix="/jobs/<job_id>")

SHOWN: Final = 200
MOST_PAGES: Final = 16
"""Of the report, looked through for one answer: among a million good files there may be few that failed."""
COLUMNS: Final = ("path", "outcome", "bytes", "checksum", "attempt", "message")
_OUTCOMES: Final = {
    number: name.removeprefix("FILE_OUTCOME_").lower() for name, number in job_service_pb2.FileOutcome.items()
}


@dataclass(frozen=True)
class Failures:
    """Files that failed in the newest attempt.

    Attributes:
        files: Some of them.
        total: How many there are.
        more: Where to go on looking; empty at the end.
        complete: Whether the fate of every file of the job is known.
    """

    files: list[job_service_pb2.FileReport]
    total: int
    more: str
    complete: bool


@blueprint.get("/failures")
def failures(job_id: str) -> ResponseReturnValue:
    """The part of a job's page that says what failed."""
    api = services().api.caller()
    job = api.get(job_id)
    found = _failures(api, job, request.args.get("after", ""))
    return render_template("jobs/failures.html", job=JobView.of(job), failures=found)


@blueprint.get("/log")
def log(job_id: str) -> ResponseReturnValue:
    """The end of the log, as plain text."""
    api = services().api.caller()
    api.get(job_id)
    try:
        return Response(api.log(job_id), mimetype="text/plain")
    except NotFoundError:
        return fail(404, "no_log", t("failure.no_log"))
    except WrongStateError as error:
        return fail(409, "no_log", refusal(error))


@blueprint.get("/files.csv")
def files(job_id: str) -> ResponseReturnValue:
    """The fate of every file, for a spreadsheet."""
    api = services().api.caller()
    api.get(job_id)
    answer = Response(_as_csv(api.report(job_id)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="job-{job_id}.csv"'
    return answer


def _failures(api: StagerClient, job: job_pb2.Job, after: str) -> Failures:
    newest = job.attempts[-1].number if job.attempts else 0
    found: list[job_service_pb2.FileReport] = []
    for _ in range(MOST_PAGES):
        page = api.report_page(job.id, outcomes=("failed", "error"), page_size=SHOWN - len(found), page_token=after)
        found += [file for file in page.files if file.attempt in {0, newest}]
        after = page.next_page_token
        if not after or len(found) >= SHOWN:
            break
    return Failures(found, page.faults_total, after, page.complete)


def _as_csv(reports: Iterable[job_service_pb2.FileReport]) -> Iterator[str]:
    buffer = StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for file in reports:
        outcome = _OUTCOMES.get(file.outcome, "")
        # A file may be called =cmd(): a cell that begins so would be a formula to a spreadsheet.
        path = f"./{file.path}" if file.path else ""
        message = f"'{file.message}" if file.message[:1] in "=+-@\t\r" and file.message else file.message
        writer.writerow((path, outcome, file.bytes, file.checksum, file.attempt or "", message))
        if buffer.tell() > 32_768:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
