"""The call behind irsync: compares checksums, and tells the client what to do."""

from typing import Final

from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.operations.objects import UnrecordedError
from stager_sandbox.zone.protocol.structs import DataObjectRequest
from stager_sandbox.zone.session import Session

PUT_IT, GET_IT, CHANGED_IT = 99999990, 99999991, 99999992
TOLERATED: Final = {Code.CAT_NO_ROWS_FOUND, Code.CAT_NO_ACCESS_PERMISSION}


@api_call(628, "DATA_OBJ_RSYNC", DataObjectRequest)
def synchronise(session: Session, request: DataObjectRequest, _stream: Stream) -> Reply:
    """Status 0 when both sides are the same; else copy within the zone, or have the client put or get."""
    words, path = request.keywords, request.path
    match words.get("rsyncMode"):
        case "IRODS_TO_IRODS" if "rsyncDestPath" in words:
            return Reply(_within_the_zone(session, path, words))
        case "IRODS_TO_LOCAL" | "LOCAL_TO_IRODS" as mode:
            if "rsyncChksum" not in words:
                raise ZoneError(Code.CHKSUM_EMPTY_IN_STRUCT_ERR)
            # Clients say each way by the name of the other one, and servers take it so.
            differs = GET_IT if mode == "LOCAL_TO_IRODS" else PUT_IT
            return Reply(0 if _checksum(session, path, words) == words["rsyncChksum"] else differs)
        case _:
            raise ZoneError(Code.USER_RSYNC_NO_MODE_INPUT_ERR)


def _checksum(session: Session, path: str, words: dict[str, str]) -> str:
    """An object's checksum, recorded if the user may record it; "" when there is no object for them."""
    try:
        return session.engine.objects.checksum(session.user, path, force="forceChksum" in words)
    except UnrecordedError as refused:
        return refused.checksum
    except ZoneError as error:
        if error.code not in TOLERATED:
            raise
        return ""


def _within_the_zone(session: Session, path: str, words: dict[str, str]) -> int:
    destination = words["rsyncDestPath"]
    try:
        have = session.engine.objects.checksum(session.user, path)
    except UnrecordedError as refused:
        have = refused.checksum
    if have == _checksum(session, destination, {}):
        return 0
    keywords = words | {"regChksum": have}
    session.engine.objects.copy(session.user, path, destination, force=True, keywords=keywords)
    return CHANGED_IT
