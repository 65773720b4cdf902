"""The access call, whose arguments are those of the ichmod command."""

from stager_sandbox.zone.catalogue.access import level_named
from stager_sandbox.zone.catalogue.schema import OWN
from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.structs import AccessRequest
from stager_sandbox.zone.session import Session

INHERITANCE = {"inherit", "noinherit"}
NOT_THERE = ("either the collection does not exist or you do not have sufficient access",)


@api_call(707, "MOD_ACCESS_CONTROL", AccessRequest)
def modify(session: Session, request: AccessRequest, _stream: Stream) -> Reply:
    """Grant or take access, or switch inheritance; only owners may, or an administrator with ``admin:``."""
    engine, user = session.engine, session.user
    level, as_admin = request.level.removeprefix("admin:"), request.level.startswith("admin:")
    if as_admin and not user.is_admin:
        raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION, "You must be the admin to use the -M admin mode")
    path = request.path.rstrip("/") or "/"
    collection = engine.catalogue.collections.find(path)
    replica = None if collection else engine.catalogue.objects.find(path)
    if path == "/":
        raise ZoneError(Code.SYS_INVALID_FILE_PATH)
    if collection is None and replica is None and level in INHERITANCE:
        raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION, *NOT_THERE)
    if collection is None and replica is None:
        raise ZoneError(Code.CAT_INVALID_ARGUMENT, f"Input path is not a collection and not a dataObj: {request.path}")
    identity = collection.collection_id if collection else replica.data_id if replica else 0
    if not as_admin and engine.catalogue.access.level(user, identity) < OWN:
        raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION, *(NOT_THERE if level in INHERITANCE else ()))
    if level in INHERITANCE:
        if collection is None:
            raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION, *NOT_THERE)
        engine.catalogue.collections.set_inheritance(
            path, inherits=level == "inherit", recursive=bool(request.recursive)
        )
        return Reply()
    whom = engine.catalogue.users.find(request.user, request.zone)
    if collection and request.recursive:
        engine.catalogue.access.grant_below(path, whom.user_id, level_named(level))
    else:
        engine.catalogue.access.grant(identity, whom.user_id, level_named(level))
    return Reply()
