"""Who calls, and as whom they may act."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ANYONE = "*"
"""In an entry's `acts_as`: every ordinary account; root and system accounts have to be named all the same."""


class Kind(StrEnum):
    """What stands behind a login."""

    PERSON = "person"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose login was checked.

    A person acts as themselves only. A service acts as the local users in `acts_as`, and may use the worker's service
    accounts in `service_accounts`; a person may use none.
    """

    name: str
    kind: Kind
    acts_as: frozenset[str] = frozenset()
    service_accounts: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """How the caller is written in records and logs; a service never looks like a person of the same name."""
        return self.name if self.kind is Kind.PERSON else f"service:{self.name}"

    def acts_for(self, user: str) -> bool:
        """Whether this is the caller themselves, or a user as whom the caller's entry lets it act."""
        if self.kind is Kind.PERSON:
            return user == self.name
        return user in self.acts_as or ANYONE in self.acts_as

    def may_use(self, service_account: str) -> bool:
        """Whether the caller may have a transfer run with this service account of the worker."""
        return self.kind is Kind.SERVICE and service_account in self.service_accounts

    def default_user(self) -> str | None:
        """As whom the caller acts where they don't say; None where that can't be told."""
        if self.kind is Kind.PERSON:
            return self.name
        if self.name in self.acts_as:
            return self.name
        return next(iter(self.acts_as)) if len(self.acts_as) == 1 and ANYONE not in self.acts_as else None
