"""What a user may see and change, with the answers of the real server.

What a user may not read is not there for them; what they may read but not change is refused.
"""

from stager_sandbox.zone.catalogue import Catalogue, paths
from stager_sandbox.zone.catalogue.collections import Collection
from stager_sandbox.zone.catalogue.objects import Replica
from stager_sandbox.zone.catalogue.schema import MODIFY, READ
from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.errors import Code, ZoneError


def visible_object(catalogue: Catalogue, user: User, path: str, level: int = READ) -> Replica:
    """The data object of a path.

    Raises:
        ZoneError: CAT_NO_ROWS_FOUND when there is none that the user may read, in a collection that they may read;
            CAT_NO_ACCESS_PERMISSION when they may read it but have not `level`.
    """
    found = catalogue.objects.find(path)
    if found is None:
        raise ZoneError(Code.CAT_NO_ROWS_FOUND)
    having = catalogue.access.level(user, found.data_id)
    if having < READ or not _shown(catalogue, user, found):
        raise ZoneError(Code.CAT_NO_ROWS_FOUND)
    if having < level:
        raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION)
    return found


def _shown(catalogue: Catalogue, user: User, found: Replica) -> bool:
    """Whether the user may read the collection it is in too; without that the real server finds nothing."""
    return user.is_admin or user.ticket is not None or catalogue.access.level(user, found.collection_id) >= READ


def visible_collection(catalogue: Catalogue, user: User, path: str) -> Collection | None:
    """The collection of a path, unless the user may not read it."""
    found = catalogue.collections.find(path)
    if found is None or user.is_admin:
        return found
    return found if catalogue.access.level(user, found.collection_id) >= READ else None


def writable_parent(catalogue: Catalogue, user: User, path: str) -> Collection:
    """The collection in which a path may be made; with a ticket, only in the very collection that it is for.

    Raises:
        ZoneError: CAT_UNKNOWN_COLLECTION or CAT_NO_ACCESS_PERMISSION, and the sentence the real server says with it.
    """
    parent = paths.split(path)[0]
    found = catalogue.collections.find(parent)
    if found is None:
        raise ZoneError(Code.CAT_UNKNOWN_COLLECTION, f"collection '{parent}' is unknown")
    elsewhere = user.ticket is not None and user.ticket.object_id != found.collection_id
    if elsewhere or catalogue.access.level(user, found.collection_id) < MODIFY:
        raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION, f"no permission to update collection '{parent}'")
    return found
