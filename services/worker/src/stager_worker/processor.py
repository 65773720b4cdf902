"""Runs one job from claim to verdict."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from stager_jobs.errors import DamagedRecordError, StoreUnavailableError
from stager_jobs.job import ErrorClass, Job, JobError
from stager_jobs.rq_store.lease import Claim, Lease, Order, Verdict
from stager_jobs.rq_store.record import job_of
from stager_telemetry import bind_log_context, clear_log_context, get_logger
from stager_telemetry.traces import annotate, span

from stager_worker.accounts import find_account
from stager_worker.errors import StillRunningError, TransferRefusedError
from stager_worker.exclusion import only_one
from stager_worker.follow import Follower
from stager_worker.isync_process import Command, IsyncProcess
from stager_worker.report import JobFiles
from stager_worker.repository import Opener, connection_document, login_password
from stager_worker.settings import WorkerSettings
from stager_worker.stopping import Stopping
from stager_worker.tally import Ended
from stager_worker.verdicts import verdict_on

log = get_logger(__name__)

_WAIT_FOR_EARLIER_RUN = 60.0
_LONGEST_PAUSE = 5.0

Outcome = tuple[Verdict, JobError | None]


@dataclass(frozen=True, slots=True)
class Processor:
    """Runs jobs with this worker's settings and keys."""

    settings: WorkerSettings
    keyring: Opener | None
    stopping: Stopping
    tell: Callable[[Ended], None]
    """Hears of each attempt that ended, for the metrics."""

    def run(self, claim: Claim, lease: Lease) -> None:
        """Run a job and end its lease."""
        bind_log_context(job_id=claim.job_id, user=claim.owner, request_id=claim.request_id or None)
        attributes = {"stager.job_id": claim.job_id, "stager.user": claim.owner, "stager.queue": claim.queue}
        try:
            with span("transfer", parent=claim.trace, attributes=attributes):
                self._run(claim, lease)
        finally:
            clear_log_context()

    def _run(self, claim: Claim, lease: Lease) -> None:
        began = time.monotonic()
        log.info("attempt begins", queue=claim.queue, waited=round(claim.seconds_in_line, 3))
        verdict, error = self._attempt(claim, lease)
        status = self._finish(lease, verdict, error)
        if status == "lost":
            log.warning("attempt ended, but the job is no longer this worker's")
            return
        seconds = time.monotonic() - began
        log.info("attempt ended", verdict=verdict, status=status, error=error and error.code, seconds=round(seconds, 3))
        annotate(**{"stager.verdict": verdict.value, "stager.error": error.code if error else ""})
        self.tell(_ended(claim, lease, (verdict, error), seconds))

    def _attempt(self, claim: Claim, lease: Lease) -> Outcome:
        try:
            job = job_of(claim.job_id, claim.record)
            return self._transfer(job, claim, lease)
        except DamagedRecordError as error:
            return Verdict.FAIL, JobError(ErrorClass.FATAL, "damaged_record", str(error))
        except TransferRefusedError as error:
            return verdict_on(error.error), error.error
        except StillRunningError:
            return Verdict.HAND_BACK, None
        except OSError as error:
            log.exception("the transfer could not be run")
            message = f"The worker could not run the transfer: {error.strerror or error}."
        except Exception:
            log.exception("the transfer could not be run")
            message = "The worker could not run the transfer; its log says more."
        return Verdict.RETRY, JobError(ErrorClass.TRANSIENT, "worker", message)

    def _transfer(self, job: Job, claim: Claim, lease: Lease) -> Outcome:
        task, settings = job.task, self.settings
        account = find_account(task.stager_user, settings)
        password = login_password(task, claim, settings.dr, self.keyring)
        document = connection_document(settings.dr, task.dr_user, password)
        within = [f"--within={root}" for root in settings.roots_of(account.home)]
        arguments = [*settings.isync.options, *within, "--task", job.id, "--", task.src_url, task.dst_url]
        self._wait_for_earlier_run(job.id, lease)
        with (
            only_one(settings.log_directory / "locks", job.id) as lock,
            JobFiles(settings.log_directory, job.id, len(job.attempts)) as files,
        ):
            # A name service or a keyring may have taken longer than the lease is.
            if not lease.confirm():
                return Verdict.HAND_BACK, None
            isync = settings.isync
            command = Command(isync.program, arguments, int(isync.umask, 8), isync.memory)
            process = IsyncProcess(command, account, document=document, lock=lock)
            log.info("s-isync started", pid=process.pid)
            return Follower(process, lease, files, task, self._hand_back).follow()

    def _hand_back(self) -> bool:
        return self.stopping.longer_than(self.settings.stop_grace)

    def _wait_for_earlier_run(self, job_id: str, lease: Lease) -> None:
        """A transfer whose worker was killed dies with it, but a file system may hold on to it for a while."""
        deadline = time.monotonic() + _WAIT_FOR_EARLIER_RUN
        while True:
            try:
                with only_one(self.settings.log_directory / "locks", job_id):
                    return
            except StillRunningError:
                if time.monotonic() > deadline or lease.beat() is not Order.RUN:
                    raise
                time.sleep(0.2)

    def _finish(self, lease: Lease, verdict: Verdict, error: JobError | None) -> str:
        """Say how it ended, however long Redis takes to come back: a transfer's end must not be lost."""
        pause = 0.1
        while True:
            try:
                return lease.finish(verdict, error)
            except StoreUnavailableError as unavailable:
                if self.stopping() and lease.fenced:
                    raise
                log.warning("the end of the attempt waits for Redis", reason=str(unavailable))
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)


def _ended(claim: Claim, lease: Lease, outcome: Outcome, seconds: float) -> Ended:
    verdict, error = outcome
    progress = lease.progress
    return Ended(
        queue=claim.queue,
        verdict=verdict.value,
        error_class=error.error_class.value if error else "",
        code=error.code if error else "",
        seconds=seconds,
        seconds_in_line=claim.seconds_in_line,
        direction=_direction(claim),
        bytes_transferred=progress.bytes_transferred,
        files_transferred=progress.files_transferred,
        files_skipped=progress.files_skipped,
        files_failed=progress.files_failed,
    )


def _direction(claim: Claim) -> str:
    try:
        task = job_of(claim.job_id, claim.record).task
    except DamagedRecordError:
        return "none"
    return "upload" if task.dst_url.startswith(("i:", "irods:")) else "download"
