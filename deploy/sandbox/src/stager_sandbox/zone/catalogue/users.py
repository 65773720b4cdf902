"""Users, groups and passwords."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from stager_sandbox.zone.catalogue.database import Database, next_id, now
from stager_sandbox.zone.catalogue.tickets import Ticket
from stager_sandbox.zone.errors import Code, ZoneError

ANONYMOUS: Final = "anonymous"
"""Whoever bears this name needs no password."""
LENT_SECONDS: Final = 120
EXCHANGED_SECONDS: Final = 1_209_600
LENDERS_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class User:
    """Someone the zone knows.

    Attributes:
        group_ids: The ids under which access may be granted to them: their own and their groups'.
        ticket: What they show instead of their own rights, if anything.
        unbound: Whether they act as an administrator to whom everything is open.
    """

    user_id: int
    name: str
    zone: str
    kind: str
    group_ids: tuple[int, ...]
    ticket: Ticket | None = None
    unbound: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether they are a rodsadmin."""
        return self.kind == "rodsadmin"


class Users:
    """The part of the catalogue that knows who is who."""

    def __init__(self, database: Database, zone_name: str) -> None:
        self._database = database
        self._zone = zone_name
        self._lent: dict[int, dict[str, tuple[float, bool]]] = {}

    def add(self, name: str, kind: str = "rodsuser", password: str | None = None, zone: str = "") -> int:
        """Add a user or group (kind ``rodsgroup``), or change the password of one that exists; give back their id."""
        zone = zone or self._zone
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT user_id FROM r_user_main WHERE user_name = ? AND zone_name = ?", (name, zone)
            ).fetchone()
            user_id = int(row[0]) if row else next_id(connection)
            if not row:
                connection.execute(
                    "INSERT INTO r_user_main (user_id, user_name, user_type_name, zone_name, create_ts, modify_ts)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (user_id, name, kind, zone, now(), now()),
                )
                self.join(user_id, user_id)
            if password is not None:
                self.set_password(user_id, password)
        return user_id

    def set_password(self, user_id: int, password: str) -> None:
        """Set someone's password."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO r_user_password VALUES (?, ?)", (user_id, password))

    def change(self, user_id: int, column: str, value: str) -> None:
        """Set one of ``user_type_name``, ``user_info``, ``r_comment``."""
        with self._database.transaction() as connection:
            connection.execute(
                f"UPDATE r_user_main SET {column} = ?, modify_ts = ? WHERE user_id = ?",  # noqa: S608 - a column's name
                (value, now(), user_id),
            )

    def name_abroad(self, user_id: int, name: str, *, known: bool) -> None:
        """Record, or forget, a name by which someone is known elsewhere.

        Raises:
            ZoneError: CAT_INVALID_USER when there is none such to forget.
        """
        with self._database.transaction() as connection:
            if known:
                connection.execute("INSERT OR IGNORE INTO r_user_auth VALUES (?, ?)", (user_id, name))
                return
            gone = connection.execute(
                "DELETE FROM r_user_auth WHERE user_id = ? AND user_auth_name = ?", (user_id, name)
            ).rowcount
        if not gone:
            raise ZoneError(Code.CAT_INVALID_USER)

    def remove(self, user_id: int) -> None:
        """Forget a user or a group, and what access they had."""
        with self._database.transaction() as connection:
            for table in ("r_user_main", "r_user_password", "r_user_auth", "r_objt_access", "r_quota_main"):
                connection.execute(f"DELETE FROM {table} WHERE user_id = ?", (user_id,))  # noqa: S608 - constants
            connection.execute("DELETE FROM r_user_group WHERE user_id = ?1 OR group_user_id = ?1", (user_id,))
            connection.execute("DELETE FROM r_objt_metamap WHERE object_id = ?", (user_id,))

    def join(self, group_id: int, user_id: int) -> None:
        """Make a user a member of a group; everyone is in a group of their own."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO r_user_group VALUES (?, ?, ?, ?)", (group_id, user_id, now(), now())
            )

    def leave(self, group_id: int, user_id: int) -> None:
        """Take a user out of a group."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM r_user_group WHERE group_user_id = ? AND user_id = ?", (group_id, user_id))

    def find(self, name: str, zone: str = "") -> User:
        """Look someone up.

        Raises:
            ZoneError: CAT_INVALID_USER when there is no such user or group.
        """
        connection = self._database.connection
        row = connection.execute(
            "SELECT user_id, user_type_name FROM r_user_main WHERE user_name = ? AND zone_name = ?",
            (name, zone or self._zone),
        ).fetchone()
        if not row:
            raise ZoneError(Code.CAT_INVALID_USER)
        groups = connection.execute("SELECT group_user_id FROM r_user_group WHERE user_id = ?", (row[0],))
        return User(row[0], name, zone or self._zone, row[1], tuple(group for (group,) in groups))

    def password(self, user: User) -> str | None:
        """Their password, or None if they have none."""
        row = self._database.connection.execute(
            "SELECT rcat_password FROM r_user_password WHERE user_id = ?", (user.user_id,)
        ).fetchone()
        return str(row[0]) if row else None

    def passwords(self, user: User) -> list[str]:
        """All that opens the door for them now: their password, and those lent."""
        lent = self._lent.get(user.user_id, {})
        found = [password for password, (until, _) in lent.items() if until > time.time()]
        own = "" if user.name == ANONYMOUS else self.password(user)
        return found if own is None else [own, *found]

    def spend(self, user: User, password: str) -> None:
        """Take back a password that was lent for one login."""
        _, once = self._lent.get(user.user_id, {}).get(password, (0, False))
        if once:
            del self._lent[user.user_id][password]

    def lend(self, user: User, own: str, make: Callable[[str, str], str], seconds: int = 0) -> str:
        """Give a seed, which makes a password of `own` that lets the user in: once in two minutes, or for `seconds`."""
        seed = secrets.token_hex(LENDERS_LENGTH // 2)
        lent = (time.time() + (seconds or LENT_SECONDS), not seconds)
        self._lent.setdefault(user.user_id, {})[make(seed, own)] = lent
        return seed

    def exchange(self, name: str, password: str) -> str:
        """Give another password for two weeks in exchange for the right one, as PAM does.

        Raises:
            ZoneError: CAT_INVALID_USER, PAM_AUTH_PASSWORD_FAILED.
        """
        user = self.find(name)
        own = self.password(user)
        if own is None or not secrets.compare_digest(own.encode(), password.encode()):
            raise ZoneError(Code.PAM_AUTH_PASSWORD_FAILED)
        given = secrets.token_hex(LENDERS_LENGTH // 2)
        self._lent.setdefault(user.user_id, {})[given] = (time.time() + EXCHANGED_SECONDS, False)
        return given
