"""Whole data objects: put and get, in a single message or, when large, begun here and moved by reads or writes."""

import os
from typing import Final

from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.structs import BulkRequest, DataObjectRequest, Integer, PortalReply
from stager_sandbox.zone.session import Session

LARGEST_IN_ONE: Final = 32 << 20
MOST_IN_BULK: Final = 50
DATA_NAME, CHECKSUM, END = 403, 415, 999998


@api_call(606, "DATA_OBJ_PUT", DataObjectRequest)
def put(session: Session, request: DataObjectRequest, stream: Stream) -> Reply:
    """Store the bytes that came with the call; or open for them, to be written in one stream."""
    words = request.keywords
    if "dataIncluded" in words:
        session.engine.transfer.put(
            session.acting(words), request.path, stream, size=request.size, keywords=words, mode=request.create_mode
        )
        return Reply()
    opened = session.engine.transfer.begin_put(
        session.acting(words), request.path, size=request.size, keywords=words, mode=request.create_mode
    )
    return Reply(message=PortalReply(descriptor=session.add_descriptor(opened)))


@api_call(608, "DATA_OBJ_GET", DataObjectRequest)
def get(session: Session, request: DataObjectRequest, _stream: Stream) -> Reply:
    """Answer with the whole data object, the status its bytes; or, when large, with a descriptor to read from."""
    user = session.acting(request.keywords)
    opened = session.engine.transfer.get(user, request.path, request.keywords)
    checksum = ""
    if "verifyChksum" in request.keywords:
        checksum = session.engine.objects.checksum(user, request.path)
    if opened.replica.size > LARGEST_IN_ONE:
        number = session.add_descriptor(opened)
        return Reply(number, PortalReply(descriptor=number, checksum=checksum))
    try:
        data = opened.read(opened.replica.size)
    finally:
        session.engine.replicas.close(opened)
    return Reply(len(data), PortalReply(checksum=checksum), data)


@api_call(626, "OPR_COMPLETE", Integer)
def complete(session: Session, request: Integer, _stream: Stream) -> Reply:
    """End a large put or get; its descriptor closes. An error that the client reports instead is given back to it."""
    if request.value <= 0:
        return Reply(request.value)
    return Reply(session.engine.replicas.close(session.take_descriptor(request.value)))


@api_call(689, "BULK_DATA_OBJ_PUT", BulkRequest)
def put_many(session: Session, request: BulkRequest, stream: Stream) -> Reply:
    """Store many small data objects, one after another until one is refused."""
    if "forceFlag" in request.keywords:
        raise ZoneError(Code.USER_INCOMPATIBLE_PARAMS, "Force flag keyword is not allowed for bulk puts.")
    columns = {column.index: column.values for column in request.attributes.columns}
    if not {DATA_NAME, END} <= columns.keys() or ("verifyChksum" in request.keywords and CHECKSUM not in columns):
        raise ZoneError(Code.UNMATCHED_KEY_OR_INDEX)
    if request.attributes.rows > MOST_IN_BULK:
        raise ZoneError(Code.SYS_REQUESTED_BUF_TOO_LARGE)
    engine, user = session.engine, session.user
    engine.collections.make(user, request.path, recursive=True)
    start = 0
    for row, path in enumerate(columns[DATA_NAME]):
        end = int(columns[END][row])
        words = dict(request.keywords)
        if "verifyChksum" in words:
            words["verifyChksum"] = columns[CHECKSUM][row]
        engine.collections.make(user, os.path.dirname(path), recursive=True)  # noqa: PTH120 - a logical path
        engine.transfer.put(user, path, memoryview(stream)[start:end], size=end - start, keywords=words)
        start = end
    return Reply()
