"""The catalogue as a whole: opens the database, makes what a new zone needs, holds the parts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stager_sandbox.zone.catalogue import paths, tokens
from stager_sandbox.zone.catalogue.access import AccessLists
from stager_sandbox.zone.catalogue.collections import Collections
from stager_sandbox.zone.catalogue.database import Database, next_id, now
from stager_sandbox.zone.catalogue.metadata import Metadata
from stager_sandbox.zone.catalogue.objects import Objects
from stager_sandbox.zone.catalogue.quotas import Quotas
from stager_sandbox.zone.catalogue.schema import FIRST_ID, READ, TABLES
from stager_sandbox.zone.catalogue.specific_queries import SpecificQueries
from stager_sandbox.zone.catalogue.tickets import Tickets
from stager_sandbox.zone.catalogue.users import User, Users
from stager_sandbox.zone.catalogue.zones import Zones

RESOURCE: Final = "demoResc"
VAULT: Final = "/var/lib/irods/Vault"


class Catalogue:
    """All that the zone knows.

    Args:
        path: The database file; made, with an empty zone in it, if missing.
        zone_name: The zone's name.
        admin: The name of the zone's rodsadmin; None to take the one that a zone already made has.
        browsable: Whether all may read the collections at the top, which real servers keep to administrators.

    Attributes:
        database: Connections and transactions.
        users: Users, groups, passwords.
        tickets: Tickets.
        access: Access lists.
        collections: Collections.
        objects: Data objects.
        metadata: AVUs.
        quotas: Quotas.
        specific_queries: Queries by name.
        zones: This zone and those it knows of.
        resource_id: The id of the one resource, ``demoResc``.
    """

    def __init__(self, path: Path, zone_name: str, admin: str | None, *, browsable: bool = False) -> None:
        self.zone_name = zone_name
        self.database = Database(path)
        self.resource_id = self._prepare()
        self.users = Users(self.database, zone_name)
        self.tickets = Tickets(self.database)
        self.access = AccessLists(self.database, self.tickets)
        self.collections = Collections(self.database, self.access)
        self.objects = Objects(self.database, self.access, self.resource_id)
        self.metadata = Metadata(self.database)
        self.quotas = Quotas(self.database)
        self.specific_queries = SpecificQueries(self.database)
        self.zones = Zones(self.database, zone_name)
        with self.database.transaction():
            self.public_id = self.users.add("public", "rodsgroup")
            self.admin = self._administrator(admin)
            for made in ("/", f"/{zone_name}", f"/{zone_name}/home", f"/{zone_name}/trash", f"/{zone_name}/trash/home"):
                self._ensure_top(made, open_to_all=browsable)
            self.make_home(self.users.find("public"), trash=False)

    def _administrator(self, name: str | None) -> User:
        if name is None:
            row = self.database.connection.execute(
                "SELECT user_name FROM r_user_main WHERE user_type_name = 'rodsadmin' ORDER BY user_id"
            ).fetchone()
            if row is None:
                raise ValueError("there is no zone here yet: name its administrator")
            name = str(row[0])
        else:
            self.users.add(name, "rodsadmin")
        return self.users.find(name)

    def _prepare(self) -> int:
        connection = self.database.connection
        connection.executescript(TABLES)
        with self.database.transaction():
            if not connection.execute("SELECT 1 FROM r_objectid").fetchone():
                connection.execute("INSERT INTO r_objectid VALUES (?)", (FIRST_ID,))
                connection.execute(
                    "INSERT INTO r_zone_main (zone_id, zone_name, create_ts, modify_ts) VALUES (?, ?, ?, ?)",
                    (next_id(connection), self.zone_name, now(), now()),
                )
                connection.execute(
                    "INSERT INTO r_resc_main (resc_id, resc_name, zone_name, resc_def_path, create_ts, modify_ts)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (next_id(connection), RESOURCE, self.zone_name, VAULT, now(), now()),
                )
            connection.executemany(
                "INSERT OR IGNORE INTO r_tokn_main (token_namespace, token_id, token_name, r_comment)"
                " VALUES (?, ?, ?, ?)",
                tokens.all_of_them(),
            )
            (resource_id,) = connection.execute("SELECT resc_id FROM r_resc_main").fetchone()
        return int(resource_id)

    def ensure_users(self, passwords: Mapping[str, str], kind: str = "rodsuser") -> None:
        """Add users, or set the passwords of those that exist; each has a home collection and a trash."""
        with self.database.transaction():
            for name, password in passwords.items():
                user_id = self.users.add(name, kind, password)
                self.users.join(self.public_id, user_id)
                self.make_home(self.users.find(name))

    def make_home(self, user: User, *, trash: bool = True) -> None:
        """Make a user's home collection and trash, if missing."""
        for parent in ("home", "trash/home") if trash else ("home",):
            self.ensure_collection(f"/{self.zone_name}/{parent}/{self.home_name(user)}", user)

    def home_name(self, user: User) -> str:
        """What a user's home collection is called: after them, with their zone if that is another."""
        return user.name if user.zone == self.zone_name else f"{user.name}#{user.zone}"

    def _ensure_top(self, path: str, *, open_to_all: bool) -> None:
        found = self.collections.find(path)
        made = found.collection_id if found else self.collections.add(path, self.admin)
        if open_to_all:
            self.access.grant(made, self.public_id, READ)

    def ensure_collection(self, path: str, owner: User, above: User | None = None) -> None:
        """Make a collection if missing.

        Args:
            path: The collection.
            owner: Who owns it.
            above: Who owns what is missing above it: the administrator, unless told. What is the administrator's is
                readable by all.
        """
        path = paths.clean(path)
        if self.collections.find(path):
            return
        above = above or self.admin
        if path != "/":
            self.ensure_collection(paths.split(path)[0], above, above)
        with self.database.transaction():
            made = self.collections.add(path, owner)
            if owner == self.admin:
                self.access.grant(made, self.public_id, READ)
