"""Calls on open data objects: create, open, read, write, seek, close."""

import os

from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.structs import DataObjectRequest, DescriptorRequest, SeekReply
from stager_sandbox.zone.session import Session

LARGEST_READ = 1 << 30


@api_call(601, "DATA_OBJ_CREATE", DataObjectRequest)
def create(session: Session, request: DataObjectRequest, stream: Stream) -> Reply:
    """Make or empty a data object and open it."""
    request.open_flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
    return open_object(session, request, stream)


@api_call(602, "DATA_OBJ_OPEN", DataObjectRequest)
def open_object(session: Session, request: DataObjectRequest, _stream: Stream) -> Reply:
    """Open a data object; the status is its descriptor."""
    if len(request.path) > 1 and request.path.endswith("/"):
        raise ZoneError(Code.USER_INPUT_PATH_ERR)
    if request.open_flags & (os.O_ACCMODE | os.O_TRUNC) == os.O_RDONLY | os.O_TRUNC:
        raise ZoneError(Code.USER_INCOMPATIBLE_OPEN_FLAGS)
    opened = session.engine.replicas.open(
        session.acting(request.keywords),
        request.path,
        request.open_flags,
        keywords=request.keywords,
        announced=request.size,
        mode=request.create_mode,
    )
    return Reply(session.add_descriptor(opened))


@api_call(675, "DATA_OBJ_READ", DescriptorRequest)
def read(session: Session, request: DescriptorRequest, _stream: Stream) -> Reply:
    """Read on; the status is the number of bytes."""
    data = session.descriptor(request.descriptor).read(max(0, min(request.length, LARGEST_READ)))
    return Reply(len(data), stream=data)


@api_call(676, "DATA_OBJ_WRITE", DescriptorRequest)
def write(session: Session, request: DescriptorRequest, stream: Stream) -> Reply:
    """Write on; the status is the number of bytes."""
    opened = session.descriptor(request.descriptor)
    if not opened.for_writing:
        raise ZoneError(int(Code.UNIX_FILE_WRITE_ERR) - 9)  # EBADF
    return Reply(opened.write(stream))


@api_call(674, "DATA_OBJ_LSEEK", DescriptorRequest)
def seek(session: Session, request: DescriptorRequest, _stream: Stream) -> Reply:
    """Move a descriptor's position."""
    return Reply(message=SeekReply(session.descriptor(request.descriptor).seek(request.offset, request.whence)))


@api_call(673, "DATA_OBJ_CLOSE", DescriptorRequest)
def close(session: Session, request: DescriptorRequest, _stream: Stream) -> Reply:
    """Close a descriptor and record what was written through it."""
    return Reply(session.engine.replicas.close(session.take_descriptor(request.descriptor)))
