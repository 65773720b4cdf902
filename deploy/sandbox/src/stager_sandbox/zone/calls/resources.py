"""Calls that would move replicas between resources; there is but one."""

from stager_sandbox.zone.catalogue.catalogue import RESOURCE
from stager_sandbox.zone.catalogue.schema import MODIFY
from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.operations.permissions import visible_object
from stager_sandbox.zone.protocol.structs import DataObjectRequest
from stager_sandbox.zone.session import Session


@api_call(632, "DATA_OBJ_TRIM", DataObjectRequest)
def trim(session: Session, request: DataObjectRequest, _stream: Stream) -> Reply:
    """Trim nothing, since the last good replica stays; the status is the number of replicas trimmed."""
    visible_object(session.engine.catalogue, session.user, request.path, MODIFY)
    return Reply()


@api_call(695, "DATA_OBJ_REPL", DataObjectRequest)
def replicate(session: Session, request: DataObjectRequest, _stream: Stream) -> Reply:
    """Replicate to where the replica is already, which does nothing."""
    visible_object(session.engine.catalogue, session.user, request.path)
    if {"all", "destRescName"} <= request.keywords.keys():
        raise ZoneError(Code.USER_INCOMPATIBLE_PARAMS)
    target = request.keywords.get("destRescName") or request.keywords.get("defRescName") or RESOURCE
    _require_resource(target)
    return Reply()


@api_call(697, "DATA_OBJ_PHYMV", DataObjectRequest)
def move(session: Session, request: DataObjectRequest, _stream: Stream) -> Reply:
    """Refuse to move a replica to another resource."""
    words = request.keywords
    if not words.keys() & {"rescName", "replNum", "resc_hier"}:
        raise ZoneError(
            Code.USER_NULL_INPUT_ERR,
            "USER__NULL_INPUT_ERR: Source hierarchy or leaf resource or replica number required - none provided.\n\n",
        )
    visible_object(session.engine.catalogue, session.user, request.path, MODIFY)
    _require_resource(words.get("rescName", RESOURCE))
    _require_resource(words.get("destRescName", RESOURCE))
    raise ZoneError(
        Code.SYS_NOT_ALLOWED,
        f"destination hierarchy [{RESOURCE}] matches source hierarchy [{RESOURCE}]; replication is not allowed.",
    )


def _require_resource(name: str) -> None:
    if name != RESOURCE:
        raise ZoneError(Code.SYS_RESC_DOES_NOT_EXIST)
