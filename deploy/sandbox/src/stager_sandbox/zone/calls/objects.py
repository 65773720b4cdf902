"""Calls on data objects by path: unlink, rename, copy, stat, touch."""

from typing import Final

from stager_sandbox.zone.calls.replicas import json_of
from stager_sandbox.zone.catalogue.catalogue import RESOURCE
from stager_sandbox.zone.catalogue.database import now
from stager_sandbox.zone.catalogue.schema import DELETE, MODIFY_METADATA
from stager_sandbox.zone.catalogue.tokens import DATA_TYPES
from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.structs import (
    Bytes,
    ChangeOfInfo,
    DataObjectRequest,
    ObjectStat,
    TransferReply,
    TwoObjects,
)
from stager_sandbox.zone.session import Session

RENAME_OBJECT: Final = 11
UNREGISTER: Final = 26
RENAME_COLLECTION: Final = 12
DATA_OBJECT, COLLECTION = 1, 2
CHANGEABLE: Final = {
    "dataType": "data_type_name",
    "dataComments": "r_comment",
    "dataModify": "modify_ts",
    "dataExpiry": "data_expiry_ts",
    "dataCreate": "create_ts",
    "chksum": "data_checksum",
    "dataSize": "data_size",
    "replStatus": "data_is_dirty",
    "dataMode": "data_mode",
}
"""Keywords for what is recorded of a data object, and its columns."""


@api_call(615, "DATA_OBJ_UNLINK", DataObjectRequest)
def unlink(session: Session, request: DataObjectRequest, _stream: Stream) -> Reply:
    """Remove a data object: for good with a force flag, else to the trash."""
    user = session.acting(request.keywords)
    if request.operation == UNREGISTER:
        if session.engine.lookup.object(user, request.path) is None:
            raise ZoneError(Code.CAT_NO_ROWS_FOUND)
        raise ZoneError(Code.CANT_UNREG_IN_VAULT_FILE)
    if request.keywords.keys() & {"irodsRmTrash", "irodsAdminRmTrash"}:
        session.engine.collections.require_trash(request.path)
    if request.keywords.keys() & {"forceFlag", "irodsRmTrash", "irodsAdminRmTrash"}:
        session.engine.objects.remove(user, request.path)
    else:
        session.engine.objects.trash(user, request.path)
    return Reply()


@api_call(627, "DATA_OBJ_RENAME", TwoObjects)
def rename(session: Session, request: TwoObjects, _stream: Stream) -> Reply:
    """Rename a data object or a collection, as the call says or, if it does not, as the source is."""
    source, destination = request.source.path, request.destination.path
    engine = session.engine
    kind = request.source.operation
    if kind not in {RENAME_OBJECT, RENAME_COLLECTION}:
        kind = RENAME_OBJECT if engine.objects.exists(session.user, source) else RENAME_COLLECTION
    if kind == RENAME_OBJECT:
        engine.objects.rename(session.user, source, destination)
    else:
        engine.collections.rename(session.user, source, destination)
    return Reply()


@api_call(696, "DATA_OBJ_COPY", TwoObjects)
def copy(session: Session, request: TwoObjects, _stream: Stream) -> Reply:
    """Copy a data object within the zone."""
    words = request.destination.keywords
    copied = session.engine.objects.copy(
        session.user,
        request.source.path,
        request.destination.path,
        force="forceFlag" in words,
        keywords=words,
    )
    return Reply(message=TransferReply(written=copied))


@api_call(633, "OBJ_STAT", DataObjectRequest)
def stat(session: Session, request: DataObjectRequest, _stream: Stream) -> Reply:
    """Say what a path is; the status is 1 for a data object, 2 for a collection."""
    found = session.engine.lookup.object(session.user, request.path)
    if found:
        answer = ObjectStat(
            size=found.size,
            kind=DATA_OBJECT,
            mode=int(found.mode or 0),
            object_id=str(found.data_id),
            checksum=found.checksum,
            owner=found.owner,
            owner_zone=found.owner_zone,
            created=found.created,
            modified=found.modified,
        )
        return Reply(DATA_OBJECT, answer)
    collection = session.engine.lookup.collection(session.user, request.path)
    if collection:
        answer = ObjectStat(
            kind=COLLECTION,
            object_id=str(collection.collection_id),
            owner=collection.owner,
            owner_zone=collection.owner_zone,
            created=collection.created,
            modified=collection.modified,
        )
        return Reply(COLLECTION, answer)
    raise ZoneError(Code.USER_FILE_DOES_NOT_EXIST)


@api_call(20007, "TOUCH", Bytes)
def touch(session: Session, request: Bytes, _stream: Stream) -> Reply:
    """Set a modify time, of a data object or a collection; make an empty data object if there is none."""
    wanted = json_of(request)
    path = wanted.get("logical_path")
    options = wanted.get("options", {})
    if not isinstance(path, str) or not isinstance(options, dict):
        raise _bad_touch("[logical_path] is a required argument.")
    if options.get("replica_number", 0) != 0:
        raise _no_such_replica("Replica does not exist matching that replica number.")
    if options.get("leaf_resource_name", RESOURCE) != RESOURCE:
        raise _no_such_replica("Replica does not exist in resource.")
    seconds = options.get("seconds_since_epoch")
    if isinstance(seconds, int) and seconds < 0:
        raise _bad_touch("[seconds_since_epoch] cannot be less than zero.")
    if isinstance(seconds, int) and "reference" in options:
        code = Code.USER_INCOMPATIBLE_PARAMS
        raise ZoneError(code, f"{code.name}: [reference] and [seconds_since_epoch] cannot be used together.\n\n")
    there = session.engine.lookup
    new = not (there.object(session.user, path) or there.collection(session.user, path))
    if "replica_number" in options and new and not options.get("no_create", False):
        code = Code.OBJ_PATH_DOES_NOT_EXIST
        raise ZoneError(code, f"{code.name}: Replica numbers cannot be used when creating new data objects.\n\n")
    when = f"{seconds:011d}" if isinstance(seconds, int) else now()
    if "reference" in options:
        when = session.engine.lookup.modified(session.user, str(options["reference"]))
    session.engine.lookup.touch(session.user, path, when, create=not options.get("no_create", False))
    return Reply()


def _bad_touch(said: str) -> ZoneError:
    return ZoneError(Code.INPUT_ARG_NOT_WELL_FORMED_ERR, f"INPUT_ARG_NOT_WELL_FORMED_ERR: {said}\n\n")


def _no_such_replica(said: str) -> ZoneError:
    return ZoneError(Code.SYS_REPLICA_DOES_NOT_EXIST, f"SYS_REPLICA_DOES_NOT_EXIST: {said}\n\n")


@api_call(20001, "DATA_OBJECT_MODIFY_INFO", ChangeOfInfo)
def change(session: Session, request: ChangeOfInfo, _stream: Stream) -> Reply:
    """Set type, comments, modify time or expiry; what else is recorded, only an administrator may change."""
    catalogue, path = session.engine.catalogue, request.info.path if request.info else ""
    found = catalogue.objects.find(path)
    if found is None:
        raise ZoneError(
            Code.CAT_UNKNOWN_FILE,
            "db_mod_data_obj_meta_op - Failed to find file in database by its logical path.",
        )
    # `all` means every replica, and here is one.
    wanted = {word: value for word, value in request.keywords.items() if word != "all"}
    if not wanted.keys() <= CHANGEABLE.keys() or not wanted:
        raise ZoneError(Code.USER_BAD_KEYWORD_ERR)
    if not session.user.is_admin:
        if not wanted.keys() <= {"dataType", "dataComments", "dataModify", "dataExpiry"}:
            raise ZoneError(Code.CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
        level = DELETE if "dataExpiry" in wanted else MODIFY_METADATA
        if catalogue.access.level(session.user, found.data_id) < level:
            raise ZoneError(Code.CAT_NO_ACCESS_PERMISSION)
    if wanted.get("dataType", "generic") not in DATA_TYPES:
        raise ZoneError(Code.CAT_INVALID_DATA_TYPE, "db_mod_data_obj_meta_op - Invalid data type specified.")
    for word, value in wanted.items():
        catalogue.objects.change(found.data_id, CHANGEABLE[word], value)
    return Reply()


@api_call(622, "MOD_DATA_OBJ_META", ChangeOfInfo)
def change_as_before(session: Session, request: ChangeOfInfo, stream: Stream) -> Reply:
    """The same, in the way of old clients; administrators only."""
    if not session.user.is_admin:
        raise ZoneError(Code.SYS_NO_API_PRIV)
    return change(session, request, stream)


@api_call(630, "PHY_PATH_REG", DataObjectRequest)
def register(session: Session, _request: DataObjectRequest, _stream: Stream) -> Reply:
    """Refuse to register a file of the server's: users may not, and for administrators it is not offered."""
    raise ZoneError(Code.SYS_NOT_SUPPORTED if session.user.is_admin else Code.PATH_REG_NOT_ALLOWED)
