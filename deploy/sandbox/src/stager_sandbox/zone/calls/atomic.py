"""Calls that make several changes to one thing, all of them or none: AVUs and access."""

from typing import Any

from stager_sandbox.zone.calls.replicas import as_json, json_of
from stager_sandbox.zone.catalogue.access import level_named
from stager_sandbox.zone.catalogue.catalogue import RESOURCE
from stager_sandbox.zone.catalogue.metadata import Metadata
from stager_sandbox.zone.catalogue.schema import MODIFY, OWN
from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.structs import Bytes
from stager_sandbox.zone.session import Session

TOLD: dict[int, str] = {
    Code.SYS_INVALID_INPUT_PARAM: "Entity does not exist [entity_name={name}]",
    Code.CAT_NO_ACCESS_PERMISSION: "User not allowed to modify metadata [entity_name={name}]",
}
"""What is told of an item that cannot be changed."""


@api_call(20002, "ATOMIC_APPLY_METADATA_OPERATIONS", Bytes)
def apply_metadata(session: Session, request: Bytes, _stream: Stream) -> Reply:
    """Add and remove AVUs of one item; says which operation was refused."""
    wanted = _understood(request)
    kind, name = str(wanted.get("entity_type")), str(wanted.get("entity_name"))
    metadata = session.engine.catalogue.metadata
    try:
        identity = _entity(session, kind, name, MODIFY, as_admin=bool(wanted.get("admin_mode")))
    except ZoneError as error:
        told = TOLD.get(error.code, "").format(name=name)
        return Reply(
            error.code, as_json({"error_message": told, "operation": None, "operation_index": 0} if told else {})
        )
    index = 0
    operation: dict[str, Any] = {}
    try:
        with session.engine.catalogue.database.transaction():
            for index, operation in enumerate(wanted.get("operations", [])):  # noqa: B007 - told in the answer
                _apply(metadata, identity, operation)
    except (KeyError, TypeError) as error:
        said = {"operation": operation, "operation_index": index, "error_message": str(error)}
        return Reply(Code.JSON_VALIDATION_ERROR, as_json(said))
    except ZoneError as error:
        said = {"operation": operation, "operation_index": index, "error_message": "Invalid metadata operation."}
        return Reply(error.code, as_json(said))
    return Reply(message=as_json({}))


def _apply(metadata: Metadata, identity: int, operation: dict[str, Any]) -> None:
    avu = (str(operation["attribute"]), str(operation["value"]), str(operation.get("units", "")))
    present = avu in metadata.of(identity)
    match operation["operation"]:
        case "add":
            if not present:
                metadata.add(identity, avu)
        case "remove":
            if present:
                metadata.remove(identity, avu)
        case _:
            raise ZoneError(Code.INVALID_OPERATION)


@api_call(20005, "ATOMIC_APPLY_ACL_OPERATIONS", Bytes)
def apply_access(session: Session, request: Bytes, _stream: Stream) -> Reply:
    """Grant and take access to one data object or collection."""
    wanted = _understood(request)
    path, as_admin = str(wanted.get("logical_path")), bool(wanted.get("admin_mode"))
    catalogue = session.engine.catalogue
    kind = "data_object" if catalogue.objects.find(path) else "collection"
    identity = _entity(session, kind, path, OWN, as_admin=as_admin)
    with catalogue.database.transaction():
        for operation in wanted.get("operations", []):
            try:
                whom = catalogue.users.find(*str(operation["entity_name"]).split("#", 1))
                catalogue.access.grant(identity, whom.user_id, level_named(str(operation["acl"])))
            except (ZoneError, KeyError) as error:
                raise ZoneError(Code.SYS_INVALID_INPUT_PARAM) from error
    return Reply(message=as_json({}))


def _understood(request: Bytes) -> dict[str, Any]:
    try:
        return json_of(request)
    except ZoneError:
        raise ZoneError(Code.INPUT_ARG_NOT_WELL_FORMED_ERR) from None


def _entity(session: Session, kind: str, name: str, level: int, *, as_admin: bool) -> int:
    catalogue, user = session.engine.catalogue, session.user
    if as_admin and not user.is_admin:
        raise ZoneError(Code.CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
    match kind:
        case "data_object":
            found = catalogue.objects.find(name)
            identity = found.data_id if found else 0
        case "collection":
            collection = catalogue.collections.find(name)
            identity = collection.collection_id if collection else 0
        case "user" | "resource" if not user.is_admin:
            raise ZoneError(Code.CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
        case "user":
            return catalogue.users.find(name).user_id
        case "resource" if name == RESOURCE:
            return catalogue.resource_id
        case _:
            identity = 0
    if not identity:
        raise ZoneError(Code.SYS_INVALID_INPUT_PARAM)
    having = OWN if as_admin else catalogue.access.level(user, identity)
    if level == MODIFY and not as_admin and not _shown(session, kind, name):
        raise ZoneError(Code.SYS_INVALID_INPUT_PARAM)
    if having < level:
        raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION)
    return identity


def _shown(session: Session, kind: str, name: str) -> bool:
    """Whether the user can see a data object or a collection."""
    look = session.engine.lookup
    return (look.object if kind == "data_object" else look.collection)(session.user, name) is not None
