"""The API calls of iRODS that s-isync uses, packed by python-irodsclient.

Numbers, structures and keywords: lib/api/include/irods in the iRODS sources, and `irods.api_number`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

from irods.api_number import api_number
from irods.message import (
    CollectionRequest,
    DataObjInfo_for_session,
    FileOpenRequest,
    GenQueryRequest,
    IntegerIntegerMap,
    IntegerStringMap,
    JSON_Message,
    MetadataRequest,
    ModDataObjMeta_for_session,
    ObjCopyRequest,
    OpenedDataObjRequest,
    StringStringMap,
)
from irods.message import _OrderedMultiMapping as Pairs
from irods.message.message import Message
from irods.message.property_types import IntegerProperty, LongProperty, StringProperty, SubmessageProperty

from s_isync.backends.irods_connection import Request
from s_isync.backends.irods_paths import sendable

FIRST_DESCRIPTOR = 3  # what a server's agent calls the first object that is opened on a connection

_MODIFY_INFO = 20001  # data_object_modify_info, which python-irodsclient has no name for
_TIME_MARK = "00000000000"
_READ_ONLY = 0
_WRITE_ONLY = 1
_WRITE_CREATE_TRUNCATE = 577
_MODE = 0o644
_PIECE = 1024 * 1024  # bytes in a message; larger ones go through the server's memory rather than its caches
_PUT, _GET, _COPY_DESTINATION, _COPY_SOURCE = 1, 2, 9, 10

_COUNTED = 6
DATA_ID = 401
COLL_NAME, DATA_NAME, DATA_RESC_HIER, DATA_SIZE, DATA_REPL_STATUS, DATA_CHECKSUM, DATA_MODIFY_TIME, DATA_MODE = (
    501,
    403,
    422,
    407,
    413,
    415,
    420,
    421,
)


class _UnpackRequest(Message):
    _name = "StructFileExtAndRegInp_PI"
    objPath = StringProperty()  # noqa: N815 - the structure's own name
    collection = StringProperty()
    oprType = IntegerProperty()  # noqa: N815 - as above
    flags = IntegerProperty()
    KeyValPair_PI = SubmessageProperty(StringStringMap)


def open_to_write(path: str, size: int, resource: str | None, mode: int | None = None) -> Request:
    """Open an object, made (of that mode) if missing and emptied if not; the answer's status is the descriptor."""
    return _open_whole(path, size, resource, mode)


def open_to_go_on(path: str, size: int) -> Request:
    """Open an object that stands there unfinished, and leave what is in it."""
    return _open(_object(path, {"dataSize": str(size)}, flags=_WRITE_ONLY, size=size, operation=_PUT))


def open_to_join(path: str, size: int, hierarchy: str, token: str) -> Request:
    """Open the replica that another connection is writing."""
    keywords = {"dataSize": str(size), "resc_hier": hierarchy, "replicaToken": token}
    return _open(_object(path, keywords, flags=_WRITE_ONLY, size=size, operation=_PUT))


def open_to_read(path: str, place: str | None = None) -> Request:
    """Open an object; the answer's status is the descriptor.

    Where it is told in which storage the replica is (`place`, a resource hierarchy), a server need not find out which
    one to take, which is a quarter of what reading a small object costs it.
    """
    return _open(_object(path, {} if place is None else {"resc_hier": place}, flags=_READ_ONLY, size=-1))


def open_to_store(path: str, size: int, checksum: str, resource: str | None, mode: int | None = None) -> Request:
    """Open an object to write all of it; the server's close refuses bytes of another checksum, and registers this."""
    return _open_whole(path, size, resource, mode, verifyChksum=checksum)


def open_to_verify(path: str, size: int, checksum: str) -> Request:
    """Open an object to change nothing in it; the server's close refuses another checksum, and registers this one."""
    words = {"dataSize": str(size), "verifyChksum": checksum}
    return _open(_object(path, words, flags=_WRITE_ONLY, size=size, operation=_PUT))


def reads(descriptor: int, length: int) -> list[Request]:
    """Read from where the descriptor stands; the statuses of the answers count the bytes."""
    return [
        Request(api_number["DATA_OBJ_READ_AN"], _opened(descriptor, length=size), work=size)
        for size in (min(_PIECE, length - start) for start in range(0, length, _PIECE))
    ]


def writes(descriptor: int, data: bytes | memoryview) -> list[Request]:
    """Write where the descriptor stands, also nothing; the statuses of the answers count the bytes."""
    view = memoryview(data)
    return [
        Request(api_number["DATA_OBJ_WRITE_AN"], _opened(descriptor, length=len(piece)), piece, work=len(piece))
        for piece in (view[start : start + _PIECE] for start in range(0, max(len(view), 1), _PIECE))
    ]


def seek(descriptor: int, offset: int) -> Request:
    """Place a descriptor at an offset from the beginning."""
    return Request(api_number["DATA_OBJ_LSEEK_AN"], _opened(descriptor, offset=offset))


def close(descriptor: int, size: int = 0) -> Request:
    """Close a descriptor; an object that was written is made final."""
    return Request(api_number["DATA_OBJ_CLOSE_AN"], _opened(descriptor), work=size)


def leave_replica(descriptor: int, version: tuple[int, ...]) -> Request:
    """Close a descriptor that has joined another one's writing."""
    closing = {
        "fd": descriptor,
        "send_notification": False,
        "update_size": False,
        "update_status": False,
        "compute_checksum": False,
    }
    return Request(api_number["REPLICA_CLOSE_APN"], JSON_Message(closing, version))


def descriptor_info(descriptor: int, version: tuple[int, ...]) -> Request:
    """Ask for a descriptor's replica token and resource hierarchy."""
    return Request(api_number["GET_FILE_DESCRIPTOR_INFO_APN"], JSON_Message({"fd": descriptor}, version))


def compute_checksum(path: str, size: int, *, force: bool = False) -> Request:
    """Have the catalogue's checksum told, computed and registered if it is missing (or anyway, with `force`)."""
    keywords = {"forceChksum": ""} if force else {}
    return Request(api_number["DATA_OBJ_CHKSUM_AN"], _object(path, keywords), work=size)


def copy(source: str, destination: str, size: int, *, force: bool) -> Request:
    """Copy an object within the zone."""
    message = ObjCopyRequest(
        srcDataObjInp_PI=_object(source, {}, operation=_COPY_SOURCE),
        destDataObjInp_PI=_object(destination, {"forceFlag": ""} if force else {}, operation=_COPY_DESTINATION),
    )
    return Request(api_number["DATA_OBJ_COPY_AN"], message, work=size)


def unlink(path: str) -> Request:
    """Remove an object for good, past the trash."""
    return Request(api_number["DATA_OBJ_UNLINK_AN"], _object(path, {"forceFlag": ""}))


def trash(path: str) -> Request:
    """Move an object to the trash."""
    return Request(api_number["DATA_OBJ_UNLINK_AN"], _object(path, {}))


def remove_collection(path: str) -> Request:
    """Remove a collection that is empty."""
    message = CollectionRequest(collName=sendable(path), KeyValPair_PI=StringStringMap({"forceFlag": ""}))
    return Request(api_number["RM_COLL_AN"], message)


def set_avu(path: str, avu: tuple[str, str, str]) -> Request:
    """Give an object this attribute, in place of those of the same name."""
    return Request(api_number["MOD_AVU_METADATA_AN"], MetadataRequest("set", "-d", sendable(path), *avu))


def add_avu(path: str, avu: tuple[str, str, str]) -> Request:
    """Give an object this attribute, beside those of the same name."""
    return Request(api_number["MOD_AVU_METADATA_AN"], MetadataRequest("add", "-d", sendable(path), *avu))


def set_mtime(path: str, seconds: int, version: tuple[int, ...]) -> Request:
    """Set the modification time of an object's replicas, seconds since the epoch.

    This changes the catalogue's rows and nothing else; the newer touch costs a server some ten times as much.
    """
    before, named, after = _info_template(version)
    timed = after.replace(_TIME_MARK, f"{seconds:011d}")
    return Request(_MODIFY_INFO, _Packed(f"{before}{named.pack(sendable(path))}{timed}"))


def open_to_store_tar(path: str, size: int, resource: str | None) -> Request:
    """Open a new object of the type that a zone unpacks."""
    return _open_whole(path, size, resource, dataType="tar file")


def unpack_tar(path: str, collection: str, size: int, resource: str | None) -> Request:
    """Unpack a tar file into a collection; objects that exist stay as they are."""
    keywords = StringStringMap({"dataType": "tar file", "bulkOpr": "", **_resource(resource)})
    fields = {"objPath": path, "collection": collection, "oprType": 0, "flags": 0, "KeyValPair_PI": keywords}
    message = _UnpackRequest(**fields)  # type: ignore[no-untyped-call] # as its base class is
    return Request(api_number["STRUCT_FILE_EXT_AND_REG_AN"], message, work=size)


def make_collection(path: str, *, parents: bool = True) -> Request:
    """Make a collection and those above it, of which one that exists is fine; or, without its parents, a new one."""
    words = StringStringMap({"recursiveOpr": ""} if parents else {})
    message = CollectionRequest(collName=sendable(path), KeyValPair_PI=words)
    return Request(api_number["COLL_CREATE_AN"], message)


def query(columns: Sequence[int], conditions: Sequence[tuple[int, str]], rows: int, continuation: int) -> Request:
    """One page of a GenQuery; a page of 0 rows closes it."""
    message = GenQueryRequest(
        maxRows=rows,
        continueInx=continuation,
        partialStartIndex=0,
        options=0,
        KeyValPair_PI=StringStringMap(),
        InxIvalPair_PI=IntegerIntegerMap(dict.fromkeys(columns, 1)),
        InxValPair_PI=IntegerStringMap(Pairs(conditions)),
    )
    return Request(api_number["GEN_QUERY_AN"], message)


@cache
def _info_template(version: tuple[int, ...]) -> tuple[str, Any, str]:
    """What stands before the path in a change of an object's time, how the path is packed, and what stands after it.

    The structure has forty fields, of which all but these two are always empty; packing them anew for each file would
    cost more than all the rest that is done here for a small one.
    """
    asking = SimpleNamespace(server_version=version)
    info = DataObjInfo_for_session(asking)
    properties = dict(info._ordered_properties)  # noqa: SLF001 - the names of the fields
    numbers = (IntegerProperty, LongProperty)
    fields = {name: 0 if isinstance(kind, numbers) else "" for name, kind in properties.items()}
    changes = StringStringMap({"dataModify": _TIME_MARK, "all": ""})
    filled = info(**{**fields, "objPath": "", "KeyValPair_PI": StringStringMap()})
    packed = ModDataObjMeta_for_session(asking)(dataObjInfo=filled, regParam=changes).pack()
    before, _, after = packed.partition(properties["objPath"].pack(""))
    return before, properties["objPath"], after


@dataclass(frozen=True, slots=True)
class _Packed:
    """A structure that is packed already."""

    text: str

    def pack(self) -> str:
        return self.text


def count(column: int, conditions: Sequence[tuple[int, str]]) -> Request:
    """How many values of a column there are."""
    message = GenQueryRequest(
        maxRows=2,  # after a full page the server keeps the query open, and has room for fifty
        continueInx=0,
        partialStartIndex=0,
        options=0,
        KeyValPair_PI=StringStringMap(),
        InxIvalPair_PI=IntegerIntegerMap({column: _COUNTED}),
        InxValPair_PI=IntegerStringMap(Pairs(conditions)),
    )
    return Request(api_number["GEN_QUERY_AN"], message)


def _resource(name: str | None) -> dict[str, str]:
    return {} if name is None else {"destRescName": name}


def _open_whole(path: str, size: int, resource: str | None, mode: int | None = None, **keywords: str) -> Request:
    words = {"dataType": "generic", "dataSize": str(size), **keywords, **_resource(resource)}
    return _open(_object(path, words, mode=mode or _MODE, flags=_WRITE_CREATE_TRUNCATE, size=size, operation=_PUT))


def _open(message: FileOpenRequest) -> Request:
    return Request(api_number["DATA_OBJ_OPEN_AN"], message)


def _object(  # noqa: PLR0913 - the fields of one structure
    path: str, keywords: Mapping[str, str], *, mode: int = 0, flags: int = 0, size: int = 0, operation: int = 0
) -> FileOpenRequest:
    return FileOpenRequest(
        objPath=sendable(path),
        createMode=mode,
        openFlags=flags,
        offset=0,
        dataSize=size,
        numThreads=0,
        oprType=operation,
        KeyValPair_PI=StringStringMap(dict(keywords)),
    )


def _opened(descriptor: int, *, length: int = 0, offset: int = 0) -> OpenedDataObjRequest:
    return OpenedDataObjRequest(
        l1descInx=descriptor,
        len=length,
        whence=0,
        oprType=0,
        offset=offset,
        bytesWritten=0,
        KeyValPair_PI=StringStringMap(),
    )
