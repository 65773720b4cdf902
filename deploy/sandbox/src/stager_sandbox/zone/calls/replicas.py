"""Calls for parallel transfer: what a descriptor is, and closing one of several."""

import json
from typing import Any

from stager_sandbox.zone.calls.descriptors import open_object
from stager_sandbox.zone.catalogue.catalogue import RESOURCE, VAULT
from stager_sandbox.zone.catalogue.objects import Status
from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.operations import OpenReplica
from stager_sandbox.zone.protocol.structs import Bytes, DataObjectRequest
from stager_sandbox.zone.session import Session

OPENED_TO_CREATE, OPENED_TO_READ, OPENED_TO_WRITE = 1, 2, 3


def json_of(request: Bytes) -> dict[str, Any]:
    """The JSON object that a request holds.

    Raises:
        ZoneError: JSON_VALIDATION_ERROR when it holds none.
    """
    try:
        found = json.loads(request.content.rstrip(b"\0"))
    except ValueError:
        raise ZoneError(Code.JSON_VALIDATION_ERROR) from None
    if not isinstance(found, dict):
        raise ZoneError(Code.JSON_VALIDATION_ERROR)
    return found


def as_json(value: Any) -> Bytes:  # noqa: ANN401 - whatever JSON can hold
    """A reply in JSON, as compact and sorted as the real server's, ended by a zero."""
    return Bytes(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\0")


def _fd(request: dict[str, Any]) -> int:
    number = request.get("fd")
    if not isinstance(number, int):
        raise ZoneError(Code.SYS_INVALID_INPUT_PARAM)
    return number


@api_call(20000, "GET_FILE_DESCRIPTOR_INFO", Bytes)
def describe(session: Session, request: Bytes, _stream: Stream) -> Reply:
    """Say everything about a descriptor; its replica token and hierarchy let others write beside it."""
    number = _fd(json_of(request))
    return Reply(message=as_json(_descriptor(session, number, session.descriptor(number))))


@api_call(20003, "REPLICA_OPEN", DataObjectRequest)
def open_replica(session: Session, request: DataObjectRequest, stream: Stream) -> Reply:
    """Open a data object and say everything about the descriptor at once."""
    number = open_object(session, request, stream).status
    return Reply(number, as_json(_descriptor(session, number, session.descriptor(number))))


@api_call(20004, "REPLICA_CLOSE", Bytes)
def close(session: Session, request: Bytes, _stream: Stream) -> Reply:
    """Close a descriptor; by default it records size, status and checksum, unless told to leave that to another."""
    wanted = json_of(request)
    number = _fd(wanted)
    if number not in session.descriptors:
        raise ZoneError(Code.BAD_INPUT_DESC_INDEX)
    opened = session.descriptors[number]
    del session.descriptors[number]
    if wanted.get("update_status", True):
        extra = {"regChksum": ""} if wanted.get("compute_checksum", False) else {}
        return Reply(session.engine.replicas.close(opened, keywords=extra))
    session.engine.replicas.release(opened)
    return Reply()


def _pairs(words: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in words.items()]


def _descriptor(session: Session, number: int, opened: OpenReplica) -> dict[str, Any]:
    chosen = {"resc_hier": RESOURCE, "selected_hierarchy": RESOURCE}
    words = opened.keywords | chosen
    mode = OPENED_TO_READ if not opened.for_writing else OPENED_TO_CREATE if opened.created else OPENED_TO_WRITE
    if opened.created:
        words |= {"selObjType": "dataObj", "openType": "1", "registerAsIntermediate": ""}
        words |= {"filePath": _vault_path(session, opened), "dataSize": "0"}
    status = Status.INTERMEDIATE if opened.for_writing else opened.replica.status
    return {
        "bytes_written": 0 if opened.wrote else -1,
        "checksum": "",
        "checksum_flag": 1 if "regChksum" in opened.keywords else 0,
        "copies_needed": 0,
        "data_object_info": _object(session, opened, status, {} if opened.created else opened.keywords | chosen),
        "data_object_input": {
            "condition_input": _pairs(words),
            "create_mode": opened.mode,
            "data_size": opened.announced,
            "number_of_threads": 0,
            "object_path": opened.replica.path,
            "offset": 0,
            "open_flags": opened.flags,
            "operation_type": 0,
            "special_collection": None,
        },
        "data_object_input_replica_flag": 1,
        "data_size": opened.announced,
        "in_pdmo": "",
        "in_use": True,
        "l3descInx": number,
        "lock_file_descriptor": 0,
        "open_type": mode,
        "operation_status": 0,
        "operation_type": 0,
        "other_data_object_info": None,
        "plugin_data": None,
        "purge_cache_flag": 0,
        "remote_l1_descriptor_index": 0,
        "remote_zone_host": None,
        "replica_status": int(status),
        "replica_token": opened.token,
        "replication_data_object_info": None,
        "source_l1_descriptor_index": 0,
        "stage_flag": 0,
    }


def _vault_path(session: Session, opened: OpenReplica) -> str:
    return VAULT + opened.replica.path[len(session.engine.catalogue.zone_name) + 1 :]


def _object(session: Session, opened: OpenReplica, status: int, words: dict[str, str]) -> dict[str, Any]:
    replica = opened.replica
    return {
        "checksum": replica.checksum,
        "collection_id": replica.collection_id,
        "condition_input": _pairs(words),
        "data_access": "",
        "data_access_index": 0,
        "data_comments": "",
        "data_create": replica.created,
        "data_expiry": "00000000000",
        "data_id": replica.data_id,
        "data_map_id": 0,
        "data_mode": replica.mode,
        "data_modify": replica.modified,
        "data_owner_name": replica.owner,
        "data_owner_zone": replica.owner_zone,
        "data_size": replica.size,
        "data_type": replica.type_name,
        "destination_resource_name": "",
        "file_path": _vault_path(session, opened),
        "flags": 0,
        "in_pdmo": "",
        "is_replica_current": status == Status.GOOD,
        "next": None,
        "object_path": replica.path,
        "other_flags": 0,
        "registering_user_id": 0,
        "replica_number": replica.number,
        "replica_status": int(status),
        "resource_hierarchy": RESOURCE,
        "resource_id": session.engine.catalogue.resource_id,
        "resource_name": RESOURCE,
        "special_collection": None,
        "status_string": "",
        "sub_path": "",
        "version": "",
        "write_flag": 1 if opened.for_writing and not opened.created else 0,
    }
