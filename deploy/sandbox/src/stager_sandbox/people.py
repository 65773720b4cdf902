"""Who exists in the sandbox: in the zone, at WebDAV and at the identity provider alike."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account.

    Attributes:
        name: The account's name.
        password: Its password, the same everywhere in the sandbox.
        uid: The local user that this person is (`urn:dccn:uid`); empty for one who is nobody there.
    """

    name: str
    password: str = field(repr=False)
    uid: str

    @property
    def email(self) -> str:
        """An address of theirs."""
        return f"{self.name}@example.org"

    def get_user_id(self) -> str:
        """The name; Authlib asks for it by this method."""
        return self.name

    @property
    def full_name(self) -> str:
        """How they are greeted."""
        return self.name.replace("-", " ").title()


class People:
    """All of them, by name."""

    def __init__(self, people: list[Person]) -> None:
        self._by_name = {person.name: person for person in people}

    def find(self, name: str) -> Person | None:
        """The person of that name."""
        return self._by_name.get(name)

    def login(self, name: str, password: str) -> Person | None:
        """The person of that name, if that is their password."""
        person = self._by_name.get(name)
        right = hmac.compare_digest((person.password if person else "").encode(), password.encode())
        return person if right else None
