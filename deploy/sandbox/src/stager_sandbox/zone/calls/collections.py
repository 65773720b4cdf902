"""Calls on collections."""

from typing import Final

from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.framing import ProtocolError, read_exactly, write_frame
from stager_sandbox.zone.protocol.structs import CollectionProgress, CollectionRequest
from stager_sandbox.zone.session import Session

FILES_PER_REPORT: Final = 10
PROGRESS: Final = 99999996
PROGRESS_ANSWER: Final = 99999997


@api_call(681, "COLL_CREATE", CollectionRequest)
def create(session: Session, request: CollectionRequest, _stream: Stream) -> Reply:
    """Make a collection."""
    session.engine.collections.make(session.user, request.path, recursive="recursiveOpr" in request.keywords)
    return Reply()


@api_call(679, "RM_COLL", CollectionRequest)
def remove(session: Session, request: CollectionRequest, _stream: Stream) -> Reply:
    """Remove a collection; a recursive removal reports every ten files and waits for a nod."""
    words = request.keywords
    collections, user = session.engine.collections, session.acting(words)
    whole = CollectionProgress(files=1, total_files=1, last_path=request.path)
    if "recursiveOpr" not in words:
        collections.remove(user, request.path)
        return Reply(message=whole)
    if not words.keys() & {"forceFlag", "irodsRmTrash", "irodsAdminRmTrash"}:
        collections.trash(user, request.path)
        return Reply(message=whole)
    if words.keys() & {"irodsRmTrash", "irodsAdminRmTrash"}:
        collections.require_trash(request.path)
    progress = CollectionProgress()

    def report(path: str) -> None:
        progress.files += 1
        if progress.files < FILES_PER_REPORT:
            return
        progress.last_path = path
        write_frame(session.line, "RODS_API_REPLY", PROGRESS, session.dialect.pack(progress))
        if int.from_bytes(read_exactly(session.line, 4), "big") != PROGRESS_ANSWER:
            raise ProtocolError("expected the answer to a progress report")
        progress.files, progress.last_path = 0, ""

    try:
        collections.remove_tree(user, request.path, report)
    except ZoneError as error:
        if error.code == Code.USER_FILE_DOES_NOT_EXIST:
            raise
        return Reply(error.code, progress)
    return Reply(message=progress)
