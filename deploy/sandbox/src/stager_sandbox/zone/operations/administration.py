"""What administrators do: users, groups, quotas."""

import re

from stager_sandbox.zone.catalogue import Catalogue
from stager_sandbox.zone.catalogue.catalogue import RESOURCE
from stager_sandbox.zone.catalogue.quotas import TOTAL
from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.errors import Code, ZoneError

KINDS = ("rodsuser", "groupadmin", "rodsadmin")
GROUP = "rodsgroup"
LONGEST_NAME = 63
_NAME = re.compile(r"([\w.@-]+)(?:#([^#]*))?", re.ASCII)


class Administration:
    """Changes who there is. It asks nobody's leave; callers check who asks."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def add_user(self, name: str, kind: str, zone: str = "") -> None:
        """Add a user, with home collection and trash, who belongs to everyone's group ``public``.

        Args:
            name: ``name`` or ``name#zone``.
            kind: One of `KINDS`.
            zone: Where they are from, unless the name says it; this zone if neither does.

        Raises:
            ZoneError: CAT_INVALID_USER_TYPE, USER_INVALID_USERNAME_FORMAT, CAT_INVALID_ZONE,
                CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME.
        """
        if kind not in KINDS:
            raise ZoneError(Code.CAT_INVALID_USER_TYPE, f"user_type '{kind}' is not valid")
        local, said = parsed(name)
        zone = said or zone or self._catalogue.zone_name
        if not self._catalogue.zones.exists(zone):
            raise ZoneError(Code.CAT_INVALID_ZONE, f"zone '{zone}' does not exist")
        self._require_new(local, zone)
        with self._catalogue.database.transaction():
            user_id = self._catalogue.users.add(local, kind, zone=zone)
            self._catalogue.users.join(self._catalogue.public_id, user_id)
            self._catalogue.make_home(self._catalogue.users.find(local, zone))

    def add_group(self, name: str) -> None:
        """Add a group, with a home collection.

        Raises:
            ZoneError: USER_INVALID_USERNAME_FORMAT, CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME.
        """
        local, _ = parsed(name)
        self._require_new(local, self._catalogue.zone_name)
        with self._catalogue.database.transaction():
            self._catalogue.users.add(local, GROUP)
            self._catalogue.make_home(self._catalogue.users.find(local), trash=False)

    def _require_new(self, name: str, zone: str) -> None:
        try:
            self._catalogue.users.find(name, zone)
        except ZoneError:
            return
        code = Code.CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME
        raise ZoneError(code, f"Error {int(code)} {code.name}")

    def remove(self, name: str, zone: str = "", by: User | None = None, *, of_group: bool = False) -> None:
        """Remove a user or a group, and their home collection if nothing is in it.

        Raises:
            ZoneError: CAT_INVALID_USER, also for oneself; CAT_INVALID_GROUP; CAT_COLLECTION_NOT_EMPTY.
        """
        try:
            user = self.find(name, zone)
        except ZoneError:
            raise ZoneError(Code.CAT_INVALID_GROUP if of_group else Code.CAT_INVALID_USER) from None
        if by is not None and by.user_id == user.user_id:
            raise ZoneError(Code.CAT_INVALID_USER, "Cannot remove your own admin account, probably unintended")
        with self._catalogue.database.transaction():
            for parent in ("home", "trash/home"):
                home = self._catalogue.collections.find(
                    f"/{self._catalogue.zone_name}/{parent}/{self._catalogue.home_name(user)}"
                )
                if home and not self._catalogue.collections.is_empty(home):
                    raise ZoneError(Code.CAT_COLLECTION_NOT_EMPTY)
                if home:
                    self._catalogue.collections.remove(home.collection_id)
            self._catalogue.users.remove(user.user_id)

    def set_kind(self, name: str, kind: str) -> None:
        """Make a user an administrator, or no longer one.

        Raises:
            ZoneError: CAT_INVALID_USER, CAT_INVALID_USER_TYPE.
        """
        if kind not in KINDS:
            raise ZoneError(Code.CAT_INVALID_USER_TYPE, f"user_type '{kind}' is not valid")
        self._catalogue.users.change(self.find(name).user_id, "user_type_name", kind)

    def change_members(self, group: str, member: str, zone: str = "", *, joins: bool) -> None:
        """Add someone to a group, or take them out.

        Raises:
            ZoneError: CAT_INVALID_GROUP, CAT_INVALID_USER, CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME,
                USER_NOT_IN_GROUP.
        """
        try:
            found = self.find(group)
        except ZoneError:
            raise ZoneError(Code.CAT_INVALID_GROUP) from None
        if found.kind != GROUP:
            raise ZoneError(Code.CAT_INVALID_GROUP)
        user = self.find(member, zone)
        is_in = found.user_id in user.group_ids
        if joins and is_in:
            raise ZoneError(Code.CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME)
        if joins:
            self._catalogue.users.join(found.user_id, user.user_id)
        elif is_in:
            self._catalogue.users.leave(found.user_id, user.user_id)
        else:
            raise ZoneError(Code.USER_NOT_IN_GROUP)

    def set_quota(self, name: str, resource: str, limit: str, *, of_group: bool = False) -> None:
        """Set a user's or a group's quota in bytes, on the resource or in ``total``; 0 takes it away.

        Raises:
            ZoneError: CAT_INVALID_USER or _GROUP, CAT_INVALID_RESOURCE, CAT_INVALID_ARGUMENT.
        """
        if resource not in {RESOURCE, "total"}:
            raise ZoneError(Code.CAT_INVALID_RESOURCE)
        if not limit.removeprefix("-").isdigit():
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)
        missing = Code.CAT_INVALID_GROUP if of_group else Code.CAT_INVALID_USER
        try:
            whose = self.find(name)
        except ZoneError:
            raise ZoneError(missing) from None
        if (whose.kind == GROUP) != of_group:
            raise ZoneError(missing)
        where = TOTAL if resource == "total" else self._catalogue.resource_id
        self._catalogue.quotas.set(whose.user_id, where, int(limit))

    def find(self, name: str, zone: str = "") -> User:
        """Whoever ``name`` or ``name#zone`` is; of this zone unless told."""
        local, _, said = name.partition("#")
        return self._catalogue.users.find(local, said or zone)


def parsed(name: str) -> tuple[str, str]:
    """The name and the zone, perhaps "", of a user or a group to be.

    Raises:
        ZoneError: USER_INVALID_USERNAME_FORMAT for what nobody can be called.
    """
    found = _NAME.fullmatch(name)
    if found is None or found[1] in {".", ".."} or max(len(part or "") for part in found.groups()) > LONGEST_NAME:
        raise ZoneError(Code.USER_INVALID_USERNAME_FORMAT)
    return found[1], found[2] or ""
