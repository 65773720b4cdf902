"""The AVU call, whose arguments are the words of the imeta command."""

from stager_sandbox.zone.catalogue.catalogue import RESOURCE
from stager_sandbox.zone.catalogue.metadata import Avu
from stager_sandbox.zone.catalogue.schema import CREATE_METADATA, DELETE_METADATA, READ_METADATA
from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.structs import MetadataRequest
from stager_sandbox.zone.session import Session

TAKING = {"rm", "rmi", "mod"}
"""What takes AVUs away, for which more is needed than for adding."""


VERBS = {"add", "set", "mod", "rm", "rmi"}
LONGEST_UNIT = 250
CHANGES = {"n:", "v:", "u:"}


@api_call(706, "MOD_AVU_METADATA", MetadataRequest)
def modify(session: Session, request: MetadataRequest, _stream: Stream) -> Reply:
    """Add, set, change, remove or copy AVUs."""
    metadata = session.engine.catalogue.metadata
    if request.arg0 == "cp":
        source = _item(session, request.arg1, request.arg3, READ_METADATA)
        metadata.copy(source, _item(session, request.arg2, request.arg4))
        return Reply()
    if request.arg0 not in VERBS:
        raise ZoneError(Code.CAT_INVALID_ARGUMENT)
    as_admin = "irodsAdmin" in request.keywords
    level = DELETE_METADATA if request.arg0 in TAKING else CREATE_METADATA
    target = _item(session, request.arg1, request.arg2, level, as_admin=as_admin)
    if request.arg0 == "rmi":
        metadata.remove_by_id(target, request.arg3)
        return Reply()
    avu = (request.arg3, request.arg4, request.arg5)
    if request.arg0 == "set" and any(request.arg3 == there for there, _, _ in metadata.of(target)):
        _item(session, request.arg1, request.arg2, DELETE_METADATA, as_admin=as_admin)
    if not request.arg3 or not request.arg4:
        raise ZoneError(Code.CAT_INVALID_ARGUMENT)
    if len(request.arg5) > LONGEST_UNIT:
        raise ZoneError(Code.CAT_SQL_ERR)
    match request.arg0:
        case "add":
            metadata.add(target, avu)
        case "set":
            metadata.set(target, avu)
        case "mod":
            words = [request.arg5, request.arg6, request.arg7, request.arg8]
            unit = words.pop(0) if request.arg5 and request.arg5[:2] not in CHANGES else ""
            metadata.replace(target, (*avu[:2], unit), lambda: _changed((*avu[:2], unit), words))
        case "rm":
            metadata.remove(target, avu)
        case _:
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)
    return Reply()


def _changed(old: Avu, words: list[str]) -> Avu:
    """The AVU after a ``mod``, whose words are ``n:…``, ``v:…``, ``u:…``; what is no such word is ignored."""
    new: dict[str, str] = {}
    for word in words:
        if word[:2] in new:
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)
        if word[:2] in CHANGES:
            new[word[:2]] = word[2:]
    if not (new.get("n:") or new.get("v:") or "u:" in new):
        raise ZoneError(Code.CAT_INVALID_ARGUMENT)
    return new.get("n:") or old[0], new.get("v:") or old[1], new.get("u:", old[2])


def _item(session: Session, kind: str, name: str, level: int = CREATE_METADATA, *, as_admin: bool = False) -> int:
    """The id of what an AVU goes on.

    Raises:
        ZoneError: CAT_UNKNOWN_FILE, CAT_UNKNOWN_COLLECTION, CAT_INVALID_USER, CAT_INVALID_RESOURCE,
            CAT_NO_ACCESS_PERMISSION, CAT_INSUFFICIENT_PRIVILEGE_LEVEL.
    """
    user, engine = session.user, session.engine
    if as_admin and not user.is_admin:
        raise ZoneError(Code.CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
    match kind.lower():
        case "-d":
            found = engine.catalogue.objects.find(name)
            if found is None:
                raise ZoneError(Code.CAT_UNKNOWN_FILE)
            identity = found.data_id
        case "-c":
            collection = engine.catalogue.collections.find(name)
            if collection is None:
                raise ZoneError(Code.CAT_UNKNOWN_COLLECTION, f"collection '{name}' is unknown")
            identity = collection.collection_id
        case "-u" | "-r" if not user.is_admin:
            raise ZoneError(Code.CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
        case "-u":
            return engine.catalogue.users.find(*name.split("#", 1)).user_id
        case "-r":
            if name != RESOURCE:
                raise ZoneError(Code.CAT_INVALID_RESOURCE)
            return engine.catalogue.resource_id
        case _:
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)
    if not as_admin and engine.catalogue.access.level(user, identity) < level:
        raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION)
    return identity
