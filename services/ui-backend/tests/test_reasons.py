"""What people are told of failures and refusals, in their language, on pages as the server renders them."""

from __future__ import annotations

import re
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, render_template
from flask.testing import FlaskClient
from stager.v1 import job_pb2, job_service_pb2
from stager_client import InvalidRequestError, NotAllowedError, Violation, WrongStateError
from stager_ui import reasons
from stager_ui.api_client import ApiClient
from stager_ui.failures import refusal, told
from stager_ui.job_view import JobView
from stager_ui.views.transfers import Outcome
from ui_harness import csrf

DUTCH, ENGLISH = {"Accept-Language": "nl"}, {"Accept-Language": "en"}
EVIL = "<img src=x onerror=alert(1)>"


def failed_job(code: str, message: str, **counts: int) -> job_pb2.Job:
    """An upload that failed in its only attempt."""
    job = job_pb2.Job(id="one", state=job_pb2.JOB_STATE_FAILED)
    job.task.title, job.task.dr_user, job.task.stager_user = "Scans", "alice@ru.nl", "alice"
    job.task.src_url, job.task.dst_url = f"/project/3010000.01/{EVIL}", "irods:/nl.ru.donders/di/{account}"
    job.task.timeout, job.task.timeout_noprogress = 7200, 60
    attempt = job.attempts.add(number=1, progress=job_pb2.Progress(**counts))  # type: ignore[arg-type] # counts are ints
    attempt.ended_at.GetCurrentTime()
    for error in (attempt.error, job.last_error):
        error.code, error.message = code, message
    return job


class Api:
    """Stands where the API's client does: one job, and the files that failed in it."""

    def __init__(self, job: job_pb2.Job, files: list[job_service_pb2.FileReport] | None = None) -> None:
        self.job, self.files = job, files or []

    def get(self, _job_id: str) -> job_pb2.Job:
        """The job."""
        return self.job

    def list_page(self, **_wanted: object) -> SimpleNamespace:
        """A page with the job."""
        return SimpleNamespace(jobs=[self.job], counts={}, next_page_token="")

    def report_page(self, *_job: object, **_wanted: object) -> SimpleNamespace:
        """All of the files."""
        return SimpleNamespace(files=self.files, next_page_token="", faults_total=len(self.files), complete=True)

    def stop(self, job_id: str) -> None:
        """Too late."""
        raise WrongStateError(f"job {job_id} can't be stopped: it has ended (state completed)", reason="WRONG_STATE")


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a function
    """Put something in the place of the API."""
    return lambda api: monkeypatch.setattr(ApiClient, "caller", lambda _self: api)


def words(html: str) -> str:
    """What is read on a page, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def test_a_failed_job_in_dutch(signed_in: FlaskClient, serve: Any) -> None:  # noqa: ANN401 - see serve
    """Its page says in Dutch what happened, to what, and what to do; the message as it came is folded and marked."""
    serve(Api(failed_job("no_source", f"/project/3010000.01/{EVIL}: doesn't exist; nothing was done")))
    page = signed_in.get("/jobs/one", headers=DUTCH).text
    read = words(page)
    assert f"/project/3010000.01/{EVIL} kan niet worden overgedragen: het bestaat niet" in read
    assert EVIL not in page
    for said in re.findall(r"<[^>]*>[^<]*doesn&#39;t exist; nothing was done", page):
        assert said.startswith('<span lang="en">'), said
    assert page.count('<details class="said">') == 2, "of the job, and of its attempt"
    listed = words(signed_in.get("/jobs", headers=DUTCH).text)
    assert "kan niet worden overgedragen: het bestaat niet" in listed
    assert "doesn't exist" not in listed
    assert "kan niet worden overgedragen" in words(signed_in.get("/jobs/recent", headers=DUTCH).text)


def test_a_failed_job_in_english(signed_in: FlaskClient, serve: Any) -> None:  # noqa: ANN401 - see serve
    """Pages in the language of messages show them along with the text."""
    serve(Api(failed_job("login_refused", "the zone refuses this user or password; log in again")))
    for address in ("/jobs/one", "/jobs", "/jobs/recent"):
        read = words(signed_in.get(address, headers=ENGLISH).text)
        assert "The repository refuses the user name or the password of alice@ru.nl." in read
        assert "the zone refuses this user or password; log in again" in read
        assert '<details class="said"' not in signed_in.get(address, headers=ENGLISH).text


def test_codes_without_a_text(signed_in: FlaskClient, serve: Any) -> None:  # noqa: ANN401 - see serve
    """The message stands for them, escaped and marked as English; nothing that a code says is taken for a key."""
    for code in ("never_heard_of", "partial_one\n", "../why.timeout", EVIL, ""):
        serve(Api(failed_job(code, f"the zone says {EVIL}")))
        for address in ("/jobs/one", "/jobs"):
            page = signed_in.get(address, headers=DUTCH).text
            assert f"the zone says {EVIL}" in words(page)
            assert EVIL not in page
            assert '<span lang="en">the zone says' in page


def test_counts_are_told(app: Flask) -> None:
    """How many files failed is said in words of the page; folders that could not be read are no files."""
    with app.test_request_context(headers=DUTCH):
        some = reasons.of_job(JobView.of(failed_job("partial", "2 of 9 files failed", files_failed=2, files_total=9)))
        one = reasons.of_job(JobView.of(failed_job("partial", "1 of 9 files failed", files_failed=1, files_total=9)))
        none = reasons.of_job(JobView.of(failed_job("partial", "0 of 9 files failed, and 1 folder", files_total=9)))
        assert str(some).startswith("2 van 9 bestanden zijn mislukt")
        assert str(one).startswith("Eén van 9 bestanden is mislukt")
        assert str(none).startswith("Niet alles is overgedragen: er zijn mappen")
        single = reasons.of_job(JobView.of(failed_job("partial", "1 of 1 files", files_failed=1, files_total=1)))
        assert str(single).startswith("Het bestand is niet overgedragen.")
        late = reasons.of_job(JobView.of(failed_job("timeout", "The transfer took longer than 7200 seconds")))
        assert str(late).startswith("De overdracht duurde langer dan de 2 h die ze kreeg.")


def test_counts_are_of_the_attempt_that_failed(app: Flask) -> None:
    """A new attempt's own counts say nothing about why the one before failed."""
    job = failed_job("partial", "2 of 9 files failed", files_failed=2, files_total=9)
    job.attempts.add(number=2)
    job.progress.files_total = 4
    with app.test_request_context(headers=ENGLISH):
        assert str(reasons.of_job(JobView.of(job))).startswith("2 of 9 files failed;")


def test_names_that_look_like_places(app: Flask) -> None:
    """A folder called {account} is called so."""
    with app.test_request_context(headers=DUTCH):
        full = reasons.of_job(JobView.of(failed_job("no_space", "full")))
        assert str(full).startswith("Er is geen ruimte op /nl.ru.donders/di/{account}: ")


def test_files_that_failed(signed_in: FlaskClient, serve: Any) -> None:  # noqa: ANN401 - see serve
    """Each says why in Dutch, by the code of whichever side."""
    files = [
        job_service_pb2.FileReport(path=f"{EVIL}.dcm", code=code, message=f"{EVIL} {code}", attempt=1)
        for code in ("EACCES", "CAT_NO_ACCESS_PERMISSION", "CHECKSUM_MISMATCH", "NAME_NOT_UTF8", "UNIX_FILE_OPEN_ERR")
    ]
    serve(Api(failed_job("partial", "some"), files))
    page = signed_in.get("/jobs/one/failures", headers=DUTCH).text
    read = words(page)
    assert EVIL not in page
    for text in ("U mag het in de projectopslag niet lezen", "U hebt er in de repository geen recht op",
                 "de controlesommen verschillen", "geen geldige UTF-8-tekst"):  # fmt: skip
        assert text in read
    assert f"{EVIL} UNIX_FILE_OPEN_ERR" in read, "iRODS has hundreds of codes; what it said is told"


def test_a_wait_in_dutch(signed_in: FlaskClient, serve: Any) -> None:  # noqa: ANN401 - see serve
    """So is why a job waits."""
    job = job_pb2.Job(id="one", state=job_pb2.JOB_STATE_PENDING, waiting_code="owner_at_limit", waiting_reason="3 run")
    serve(Api(job))
    for address in ("/jobs/one", "/jobs", "/jobs/recent"):
        assert "Er lopen al zoveel van uw taken" in words(signed_in.get(address, headers=DUTCH).text)
        assert "3 run" in words(signed_in.get(address, headers=ENGLISH).text)


def test_what_is_refused(signed_in: FlaskClient, serve: Any) -> None:  # noqa: ANN401 - see serve
    """What can't be done to a job is said in a line; English keeps what the API said."""
    serve(Api(failed_job("partial", "some")))
    headers = csrf(signed_in)
    dutch = signed_in.post("/jobs/stop", data={"id": "one"}, headers=headers | DUTCH).json
    assert dutch["refused"][0]["message"].startswith("De taak is niet meer in een toestand waarin dit kan")
    assert "can't be stopped" not in dutch["refused"][0]["message"]
    english = signed_in.post("/jobs/stop", data={"id": "one"}, headers=headers | ENGLISH).json
    assert "(job one can't be stopped: it has ended (state completed))" in english["refused"][0]["message"]


def test_refusals_in_a_line(app: Flask) -> None:
    """Each fault with its field; one that has no text, in its own words."""
    faults = [Violation("dstURL", "has more than 4096 bytes", "TOO_LONG"), Violation("novel", "is odd", "NOVEL")]
    several = InvalidRequestError("bad", violations=faults)
    with app.test_request_context(headers=DUTCH):
        assert refusal(several) == "Naar: is te lang. Gebruik kortere namen. novel: is odd"
        assert told(NotAllowedError("alice may not act as bob", reason="MAY_NOT_ACT_AS")) == (
            "U mag dit niet voor een andere gebruiker doen."
        )
        assert told(NotAllowedError("of an older service")) == "of an older service"
    with app.test_request_context(headers=ENGLISH):
        assert refusal(several) == "To: is too long. Use shorter names. (has more than 4096 bytes) novel: is odd"


def test_refused_transfers(app: Flask) -> None:
    """The outcome of a submit says in Dutch why each was refused, and what the API said, folded and escaped."""
    faults = [Violation("srcURL", f"holds {EVIL}", "CONTROL_CHARACTER"), Violation("novel", EVIL, "NOVEL")]
    with app.test_request_context(headers=DUTCH):
        outcome = Outcome(EVIL, "", reasons.of_refusal(InvalidRequestError("bad", violations=faults)))
        page = render_template("transfer/outcome.html", outcomes=[outcome], taken=0, refused=1)
    assert "Van: bevat een stuurteken" in words(page)
    assert f"novel: {EVIL}" in words(page)
    assert EVIL not in page
