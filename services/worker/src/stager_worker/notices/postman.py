"""Takes notices out of the outbox, decides who is to be told, and tells them, again and again if need be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stager_jobs.errors import DamagedRecordError, JobNotFoundError
from stager_jobs.job import Job, State
from stager_jobs.rq_store.outbox import Kind, Notice, Outbox
from stager_jobs.store import JobInspector, ReportPage
from stager_telemetry import get_logger

from stager_worker.notices.errors import NeverToldError, NotToldError
from stager_worker.notices.letter import SHOWN_FAULTS, write_letter
from stager_worker.notices.mail_message import make_message
from stager_worker.notices.mailer import Mailer
from stager_worker.notices.webhook_call import WebhookCall
from stager_worker.settings import Mail, Webhook

log = get_logger(__name__)

_HOLD = 180.0
"""Seconds that a notice is kept from others while it is being told; longer than any way takes."""
_FIRST_PAUSE = 30.0
_LONGEST_PAUSE = 3600.0
_MOST_TRIES = 24
"""About 18 hours."""


@dataclass(frozen=True, slots=True)
class Postman:
    """Tells notices with this worker's settings.

    `count` hears of each by kind, way (`mail`, `admins`, `hook`) and outcome (`sent`, `delayed`, `given_up`).
    """

    outbox: Outbox
    inspector: JobInspector
    mail: Mail
    webhooks: Sequence[Webhook]
    count: Callable[[str, str, str], None]

    def round(self) -> bool:
        """Tell one notice; False if none is due.

        Raises:
            StoreUnavailableError: Redis doesn't answer.
        """
        notice = self.outbox.take(_HOLD)
        if notice is None:
            return False
        try:
            report = self.inspector.report(notice.job_id, size=SHOWN_FAULTS)
        except (JobNotFoundError, DamagedRecordError):
            self.outbox.done(notice)  # whoever removed it doesn't want to hear of it
            return True
        if _overtaken(notice, report.job):
            self.outbox.done(notice)
            return True
        if not notice.to:
            self.outbox.split(notice, list(self._ways(notice.kind, report)))
        else:
            self._tell(notice, report)
        return True

    def _ways(self, kind: Kind, report: ReportPage) -> Mapping[str, str]:
        """How it is told, by name; for mails to whom."""
        ways: dict[str, str] = {}
        person, admins = report.job.task.stager_email, self.mail.admins
        if self.mail.host:
            if person:
                ways["mail"] = person
            if kind is Kind.FAILED:
                others = admins if person else admins[:1]
                ways |= {f"admin-{number}": admin for number, admin in enumerate(others) if admin != person}
        ways |= {f"hook-{number}": "" for number, hook in enumerate(self.webhooks) if kind.value in hook.events}
        return ways

    def _tell(self, notice: Notice, report: ReportPage) -> None:
        way = notice.to.partition("-")[0]
        try:
            self._send(notice, report)
        except NotToldError as error:
            if notice.tries < _MOST_TRIES:
                pause = min(_FIRST_PAUSE * 2 ** (notice.tries - 1), _LONGEST_PAUSE)
                log.warning("notice delayed", notice=notice.name, reason=str(error), seconds=pause)
                self.count(notice.kind, way, "delayed")
                self.outbox.later(notice, pause)
                return
            self._give_up(notice, way, error)
        except NeverToldError as error:
            self._give_up(notice, way, error)
        except Exception as error:
            log.exception("a notice can't be told")
            self._give_up(notice, way, error)
        else:
            log.info("notice sent", notice=notice.name, job_id=notice.job_id, user=report.job.owner)
            self.count(notice.kind, way, "sent")
            self.outbox.done(notice)

    def _give_up(self, notice: Notice, way: str, error: Exception) -> None:
        log.error("notice given up", notice=notice.name, reason=str(error), tries=notice.tries)
        self.count(notice.kind, way, "given_up")
        self.outbox.done(notice)

    def _send(self, notice: Notice, report: ReportPage) -> None:
        way, _, number = notice.to.partition("-")
        if way == "hook":
            if not number.isdecimal() or int(number) >= len(self.webhooks):
                raise NeverToldError("this webhook is no longer configured")
            WebhookCall(self.webhooks[int(number)]).send(notice, report.job)
            return
        recipient = self._ways(notice.kind, report).get(notice.to)
        if not recipient:
            raise NeverToldError("nobody is configured to get this mail")
        letter = write_letter(notice, report, self.mail.job_link)
        try:
            message = make_message(letter, sender=self.mail.sender, recipient=recipient, notice=notice.name)
        except ValueError as error:
            raise NeverToldError(f"an address is none: {error}") from error
        Mailer(self.mail).send(message)


def _overtaken(notice: Notice, job: Job) -> bool:
    """Whether a mail would ask people to restart what somebody has restarted; programs hear of every failure."""
    is_mail = bool(notice.to) and not notice.to.startswith("hook")
    return is_mail and notice.kind is Kind.FAILED and job.state is not State.FAILED
