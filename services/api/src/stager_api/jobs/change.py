"""Changing jobs: stop, restart, delete. Each is for those who may act as the job's owner."""

from __future__ import annotations

from dataclasses import dataclass

from stager_jobs.errors import CredentialMissingError
from stager_jobs.job import Job
from stager_jobs.store import JobQueue

from stager_api.access import Access
from stager_api.audit import recorded
from stager_api.errors import InvalidRequestError
from stager_api.jobs.look import LookAtJobs
from stager_api.principal import Principal
from stager_api.sealing_keys import SealingKeys


@dataclass(frozen=True, slots=True)
class ChangeJobs:
    """The use cases. Errors are those of `LookAtJobs.get` and of `stager_jobs.store.JobQueue`."""

    queue: JobQueue
    look: LookAtJobs
    access: Access
    keys: SealingKeys

    def stop(self, caller: Principal, job_id: str) -> Job:
        """Ask that a job ends; the job after that."""
        with recorded("stop", caller, job_id):
            self.look.get(caller, job_id)
            return self.queue.stop(job_id)

    def restart(self, caller: Principal, job_id: str, dr_pass: str) -> Job:
        """Run an ended job again.

        Raises:
            InvalidRequestError: The password is not sealed with a key in use.
            NotPermittedError: The caller may no longer act as the job's owner.
            CredentialMissingError: No password is given, and the caller may not use the drUser as a service account;
                whether the job used one isn't told.
        """
        with recorded("restart", caller, job_id):
            job = self.look.get(caller, job_id)
            violation = self.keys.violation(dr_pass) if dr_pass else None
            if violation:
                raise InvalidRequestError([violation])
            self.access.act_as(caller, job.owner, field="stagerUser")
            if not dr_pass and not caller.may_use(job.task.dr_user):
                raise CredentialMissingError(f"job {job_id}: {caller.label} has to give a fresh sealed password")
            return self.queue.restart(job_id, dr_pass)

    def delete(self, caller: Principal, job_id: str) -> None:
        """Remove a job's record, stopping the job first."""
        with recorded("delete", caller, job_id):
            self.look.get(caller, job_id)
            self.queue.delete(job_id)
