"""Calls that set a data object's size."""

import json

from stager_sandbox.zone.catalogue.catalogue import RESOURCE
from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.operations.replicas import require_replica
from stager_sandbox.zone.protocol.structs import DataObjectRequest, Text
from stager_sandbox.zone.session import AS_ADMIN, Session

NOT_HERE = ("destRescName", "dest_resc_hier")


@api_call(652, "DATA_OBJ_TRUNCATE", DataObjectRequest)
def truncate_silently(session: Session, request: DataObjectRequest, _stream: Stream) -> Reply:
    """Set a data object's size, in the way of old clients."""
    session.engine.objects.truncate(session.user, request.path, request.size)
    return Reply()


@api_call(802, "REPLICA_TRUNCATE", DataObjectRequest)
def truncate(session: Session, request: DataObjectRequest, _stream: Stream) -> Reply:
    """Set a data object's size; the answer says in JSON which replica it was, or what was wrong."""
    words, path = request.keywords, request.path
    for word in NOT_HERE:
        if word in words:
            return _refusal(Code.SYS_INVALID_INPUT_PARAM, f"[{word}] keyword not supported.")
    if "rescName" in words and "replNum" in words:
        return _refusal(Code.SYS_INVALID_INPUT_PARAM, "[rescName] and [replNum] keywords cannot be used together.")
    user = session.user
    if AS_ADMIN in words and not user.is_admin:
        who = f"{user.name}#{user.zone}"
        return _refusal(Code.CAT_INSUFFICIENT_PRIVILEGE_LEVEL, f"[{AS_ADMIN}] keyword used by non-admin user [{who}].")
    try:
        require_replica(words)
        changed = session.engine.objects.truncate(session.acting(words), path, request.size, blindly=True)
    except ZoneError as error:
        if doing := _doing(error.code):
            said = f"Error occurred while {doing} replica of [{path}] on [{RESOURCE}]: {error.code}"
        else:
            said = f"Error occurred resolving hierarchy or getting information for [{path}]: {error.code}"
        return _refusal(error.code, said, found=bool(doing))
    said = "" if changed else f"Replica of [{path}] on [{RESOURCE}] already has size [{request.size}]."
    return Reply(message=_answer(said, found=True))


def _doing(code: int) -> str:
    """What went wrong with a replica that was found; "" when none was."""
    if code == Code.CAT_NO_ACCESS_PERMISSION:
        return "updating system metadata for"
    return "truncating" if Code.UNIX_FILE_TRUNCATE_ERR - 1000 < code <= Code.UNIX_FILE_TRUNCATE_ERR else ""


def _refusal(code: int, said: str, *, found: bool = False) -> Reply:
    return Reply(code, _answer(said, found=found))


def _answer(said: str, *, found: bool) -> Text:
    message = f"rs_replica_truncate: {said}" if said else ""
    replica = {"replica_number": 0, "resource_hierarchy": RESOURCE} if found else {}
    said_in_json = {"message": message, "replica_number": None, "resource_hierarchy": None} | replica
    return Text(json.dumps(said_in_json, separators=(",", ":"), ensure_ascii=False))
