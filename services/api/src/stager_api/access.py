"""What a caller may do: act as a local user, use a service account, know of a job."""

from __future__ import annotations

from dataclasses import dataclass

from stager_jobs.job import Job

from stager_api.accounts import Account, Lookup, is_system
from stager_api.errors import InvalidRequestError, NotFoundError, NotPermittedError, Violation
from stager_api.principal import Kind, Principal
from stager_api.reasons import Fault, Reason


@dataclass(frozen=True, slots=True)
class Access:
    """The rules.

    Attributes:
        lookup: Finds accounts.
        first_uid: The lowest uid of people's accounts; those below are the system's.
        system_users: System accounts that people may be all the same.
    """

    lookup: Lookup
    first_uid: int = 1000
    system_users: frozenset[str] = frozenset()

    def act_as(self, caller: Principal, user: str, *, field: str) -> Account:
        """The account as which the caller wants something done.

        Args:
            caller: Who asks.
            user: As whom.
            field: The request's key that names the user, for a violation.

        Raises:
            NotPermittedError: The caller may not act as this user.
            InvalidRequestError: There is no such account.
            UnavailableError: Whether there is can't be told now.
        """
        if not caller.acts_for(user):
            raise NotPermittedError(f"{caller.label} may not act as {user}", Reason.MAY_NOT_ACT_AS)
        account = self.lookup(user)
        if account is None or account.name != user:  # a name service that knows aliases: owners go by one name only
            raise InvalidRequestError(
                [Violation(field, Fault.NO_SUCH_ACCOUNT, "there is no account of this name on the stager's machine")]
            )
        if not self._named(caller, user) and is_system(account, self.first_uid):
            raise NotPermittedError(
                f"{caller.label} may not act as {user}, an account of the system", Reason.SYSTEM_ACCOUNT
            )
        return account

    def use_service_account(self, caller: Principal, dr_user: str) -> None:
        """Let pass who may have a transfer run with this service account of the worker.

        Raises:
            NotPermittedError: The caller may not.
        """
        if not caller.may_use(dr_user):
            raise NotPermittedError(
                f"drPass is missing, and {caller.label} may not use {dr_user} as a service account; give the sealed "
                "password of drUser",
                Reason.SERVICE_ACCOUNT_DENIED,
            )

    def chosen_user(self, caller: Principal, user: str, *, field: str) -> str:
        """Whose things the caller asks for: the user given, or the caller's own.

        Raises:
            NotPermittedError: The caller may not act as this user.
            InvalidRequestError: None is given, and the caller is a service that acts as several.
        """
        chosen = user or caller.default_user()
        if chosen is None:
            raise InvalidRequestError(
                [Violation(field, Fault.MISSING, "is needed: this service acts as more than one user")]
            )
        if not self.knows_of(caller, chosen):
            raise NotPermittedError(f"{caller.label} may not act as {chosen}", Reason.MAY_NOT_ACT_AS)
        return chosen

    def see(self, caller: Principal, job: Job) -> Job:
        """The job, for those who may know of it.

        Raises:
            NotFoundError: For everybody else, as if it didn't exist.
        """
        if not self.knows_of(caller, job.owner):
            raise NotFoundError("there is no such job", Reason.NO_SUCH_JOB)
        return job

    def knows_of(self, caller: Principal, user: str) -> bool:
        """Whether the caller may look at this user's things, also once the account is gone.

        A system account's are for those whose entry names it, and for the person who may be it.
        """
        if not caller.acts_for(user):
            return False
        if self._named(caller, user):
            return True
        account = self.lookup(user)
        return account is None or not is_system(account, self.first_uid)

    def _named(self, caller: Principal, user: str) -> bool:
        return user in caller.acts_as or (caller.kind is Kind.PERSON and user in self.system_users)
