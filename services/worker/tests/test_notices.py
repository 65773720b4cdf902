"""Mails and webhooks, with a real mail server and a real HTTP server, either of which may fail."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from redis import Redis
from stager_jobs.job import ErrorClass, FileFault, Job, JobError, Progress
from stager_jobs.rq_store import RqJobInspector, RqJobQueue
from stager_jobs.rq_store.keys import QUEUES
from stager_jobs.rq_store.lease import Claims, Mark, Verdict
from stager_jobs.rq_store.outbox import Outbox
from stager_jobs.rules import Rules
from stager_sandbox.mail import MailFolder
from stager_worker.notices.postman import Postman
from stager_worker.settings import Mail, Webhook

Submit = Callable[..., Job]
REFUSED = JobError(ErrorClass.FATAL, "login_refused", "The zone refuses <alice>.")
LATE = JobError(ErrorClass.TRANSIENT, "timeout", "It took longer than 60 seconds.")


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[MailFolder]:
    """A mail server."""
    with MailFolder(tmp_path / "mail") as server:
        yield server


@dataclass
class Listener:
    """A program that is told; answers with `status`."""

    status: int = 204
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A real HTTP server."""
    state = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.heard.append((dict(self.headers.items()), body))
            self.send_response(state.status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Be quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/hook?x=1"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Office:
    """A postman and what is counted of his rounds."""

    redis: Redis
    mail: Mail = field(default_factory=Mail)
    webhooks: tuple[Webhook, ...] = ()
    counted: list[tuple[str, str, str]] = field(default_factory=list)

    def work(self) -> None:
        """Tell all that is due."""
        postman = Postman(
            Outbox(self.redis),
            RqJobInspector(self.redis),
            self.mail,
            self.webhooks,
            lambda *what: self.counted.append(what),
        )
        for _ in range(100):
            if not postman.round():
                return

    def hurry(self) -> None:
        """Make all due that waits."""
        for name in self.redis.zrange("stager:outbox", 0, -1):
            self.redis.zadd("stager:outbox", {name: 0})


@pytest.fixture
def mail_settings(mails: MailFolder) -> Mail:
    """Mails to the folder, and two admins."""
    return Mail(
        host="127.0.0.1",
        port=mails.port,
        security="none",
        sender="stager@example.org",
        admins=("root@example.org", "second@example.org"),
        job_link="https://stager.example.org/jobs/{id}",
    )


@pytest.fixture
def end(redis: Redis) -> Callable[..., None]:
    """Claims the next job and ends its attempt."""

    def do(verdict: Verdict, error: JobError | None = None, faults: int = 0) -> None:
        claims = Claims(redis, Rules(), "w1", Mark())
        claim = claims.claim(QUEUES)
        assert claim
        lease = claims.lease(claim)
        for number in range(faults):
            lease.fault(FileFault(f"<b>{number}</b>\n", "EACCES", "It may not be read & that's it."))
        lease.update(Progress(files_total=30, files_transferred=30 - faults, files_failed=faults, bytes_total=123456))
        lease.finish(verdict, error)

    return do


def read(path: Path) -> EmailMessage:
    """A delivered mail."""
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def parts(message: EmailMessage) -> tuple[str, str]:
    """Its text and its HTML."""
    found = [message.get_body((kind,)) for kind in ("plain", "html")]
    assert found[0]
    assert found[1]
    return found[0].get_content(), found[1].get_content()


def test_completion(
    redis: Redis, submit: Submit, end: Callable[..., None], mails: MailFolder, mail_settings: Mail
) -> None:
    """One mail to the job's address, with proper headers and the summary in both forms; none to the admins."""
    job = submit("ok", stager_email="jan@example.org", title="Scans — <b>µ</b>")
    end(Verdict.COMPLETE)
    office = Office(redis, mail_settings)
    office.work()
    office.work()
    (path,) = mails.mails()
    message = read(path)
    assert message["To"] == "jan@example.org"
    assert message["From"] == "Data stager <stager@example.org>"
    assert message["Subject"] == "Completed: Scans — <b>µ</b>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime.tzinfo
    assert message["Message-ID"].endswith("@example.org>")
    plain, html = parts(message)
    for text in (plain, html):
        assert job.id in text
        assert "30 transferred" in text
        assert f"https://stager.example.org/jobs/{job.id}" in text
    assert "has completed" in plain
    assert "failed," in plain
    assert "<b>µ</b>" not in html
    assert redis.exists("stager:outbox", "stager:outbox:tries") == 0
    assert office.counted == [("completed", "mail", "sent")]


def test_failure(
    redis: Redis, submit: Submit, end: Callable[..., None], mails: MailFolder, mail_settings: Mail
) -> None:
    """The person and each admin get a mail of their own, with the reason and the first faults, safe as HTML."""
    submit("ok", stager_email="jan@example.org")
    end(Verdict.FAIL, REFUSED, faults=25)
    Office(redis, mail_settings).work()
    found = {read(path)["To"]: read(path) for path in mails.mails()}
    assert set(found) == {"jan@example.org", "root@example.org", "second@example.org"}
    assert len({message["Message-ID"] for message in found.values()}) == 3
    plain, html = parts(found["jan@example.org"])
    assert plain.startswith("Your transfer has failed. The zone refuses <alice>.")
    assert plain.count("EACCES") == html.count("EACCES") == 20
    assert "and 5 more" in plain
    assert "&lt;alice&gt;" in html
    assert "<alice>" not in html
    assert "<b>" not in html


def test_without_an_address_the_first_admin_hears(
    redis: Redis, submit: Submit, end: Callable[..., None], mails: MailFolder, mail_settings: Mail
) -> None:
    """Of failures only."""
    submit("ok")
    end(Verdict.COMPLETE)
    submit("ok")
    end(Verdict.FAIL, REFUSED)
    Office(redis, mail_settings).work()
    assert [read(path)["To"] for path in mails.mails()] == ["root@example.org"]


def test_a_passed_deadline(
    redis: Redis, submit: Submit, end: Callable[..., None], mails: MailFolder, mail_settings: Mail
) -> None:
    """The person hears that it is tried again; the mail says nothing of failure or completion."""
    submit("ok", stager_email="jan@example.org")
    end(Verdict.RETRY, LATE)
    Office(redis, mail_settings).work()
    (path,) = mails.mails()
    assert read(path)["Subject"].startswith("Out of time")
    assert "longer than 60 seconds" in parts(read(path))[0]


def test_a_mail_server_that_is_away(
    redis: Redis, submit: Submit, end: Callable[..., None], mails: MailFolder, mail_settings: Mail
) -> None:
    """The job has ended all the same; the mail comes when the server is back, once, under its one name."""
    job = submit("ok", stager_email="jan@example.org")
    end(Verdict.COMPLETE)
    away = Office(redis, mail_settings.model_copy(update={"port": 1}))
    away.work()
    assert away.counted == [("completed", "mail", "delayed")]
    assert mails.mails() == []
    back = Office(redis, mail_settings)
    back.work()
    assert mails.mails() == []
    back.hurry()
    back.work()
    assert len(mails.mails()) == 1
    assert RqJobInspector(redis).get(job.id).state == "completed"


def test_bad_addresses_are_given_up(
    redis: Redis, submit: Submit, end: Callable[..., None], mails: MailFolder, mail_settings: Mail
) -> None:
    """What can't be an address is sent to nobody, and tried once."""
    for address in ("jan@example.org\r\nBcc: all@example.org", "a@x.org, b@x.org", "nobody", "@"):
        submit("ok", stager_email=address)
        end(Verdict.COMPLETE)
    office = Office(redis, mail_settings)
    office.work()
    assert mails.mails() == []
    assert office.counted == [("completed", "mail", "given_up")] * 4
    assert redis.exists("stager:outbox") == 0


def test_a_deleted_jobs_mail_is_dropped(
    redis: Redis, submit: Submit, end: Callable[..., None], mails: MailFolder, mail_settings: Mail, queue: RqJobQueue
) -> None:
    """Who deletes a job doesn't want to hear of it."""
    job = submit("ok", stager_email="jan@example.org")
    end(Verdict.COMPLETE)
    queue.delete(job.id)
    Office(redis, mail_settings).work()
    assert mails.mails() == []
    assert redis.exists("stager:outbox") == 0


def test_a_failure_that_was_restarted_is_not_told(
    redis: Redis, submit: Submit, end: Callable[..., None], mails: MailFolder, mail_settings: Mail, queue: RqJobQueue
) -> None:
    """Nobody is asked to restart what somebody has restarted; of its end they hear."""
    job = submit("ok", stager_email="jan@example.org")
    end(Verdict.FAIL, REFUSED)
    queue.restart(job.id)
    Office(redis, mail_settings).work()
    assert mails.mails() == []
    end(Verdict.COMPLETE)
    Office(redis, mail_settings).work()
    assert [read(path)["Subject"] for path in mails.mails()] == [f"Completed: {job.task.title}"]


def test_webhooks(redis: Redis, submit: Submit, end: Callable[..., None], listener: Listener) -> None:
    """A signed document without secrets, for the events asked for; other events aren't told."""
    hook = Webhook.model_validate({"url": listener.url, "events": ["failed"], "secret": "s3cret"})
    job = submit("ok", dr_pass="sealed:v1:k:x")
    end(Verdict.FAIL, REFUSED, faults=2)
    submit("ok")
    end(Verdict.COMPLETE)
    Office(redis, webhooks=(hook,)).work()
    ((headers, body),) = listener.heard
    document: dict[str, Any] = json.loads(body)
    assert (document["event"], document["job"], document["error"]["code"]) == ("failed", job.id, "login_refused")
    assert document["files"] == {"total": 30, "transferred": 28, "skipped": 0, "failed": 2}
    assert headers["X-Stager-Signature"] == "sha256=" + hmac.digest(b"s3cret", body, hashlib.sha256).hex()
    assert b"sealed" not in body


@pytest.mark.parametrize(("status", "outcome"), [(500, "delayed"), (302, "delayed"), (410, "given_up")])
def test_webhooks_that_refuse(
    redis: Redis, submit: Submit, end: Callable[..., None], listener: Listener, status: int, outcome: str
) -> None:
    """An error is tried again later, a redirect is not followed, an address that is gone is given up."""
    listener.status = status
    submit("ok")
    end(Verdict.COMPLETE)
    office = Office(redis, webhooks=(Webhook(url=listener.url),))
    office.work()
    assert office.counted == [("completed", "hook", outcome)]
    assert len(listener.heard) == 1


def test_secrets_travel_encrypted() -> None:
    """Mails and webhooks in clear are for this machine, or have to be asked for."""
    with pytest.raises(ValidationError, match="in clear"):
        Mail(host="mail.example.org", sender="a@b", security="none")
    with pytest.raises(ValidationError, match="https"):
        Webhook(url="http://hooks.example.org/")
    Mail(host="mail.example.org", sender="a@b", security="none", plaintext_beyond_loopback=True)


def test_a_plain_mail_server_is_refused(
    redis: Redis, submit: Submit, end: Callable[..., None], mails: MailFolder, mail_settings: Mail
) -> None:
    """Where encryption is asked for and the server has none, nothing is sent."""
    submit("ok", stager_email="jan@example.org")
    end(Verdict.COMPLETE)
    office = Office(redis, mail_settings.model_copy(update={"security": "starttls"}))
    office.work()
    assert office.counted == [("completed", "mail", "delayed")]
    assert mails.mails() == []
