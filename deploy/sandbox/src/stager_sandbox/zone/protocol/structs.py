# ruff: noqa: RUF009 - the calls in the class bodies make dataclass fields, evaluated once as they should be
"""The structures that the zone reads and writes, field by field as iRODS packs them."""

from dataclasses import dataclass

from stager_sandbox.zone.protocol.packing import (
    QueryColumn,
    Struct,
    binary,
    columns,
    indexed_integers,
    indexed_texts,
    integer,
    key_values,
    long,
    struct,
    struct_pointer,
    structs,
    text,
    text_pointer,
)


@dataclass(slots=True)
class Nothing(Struct):
    """The input of a call that has none."""


@dataclass(slots=True)
class StartupPack(Struct, tag="StartupPack_PI"):
    """Who connects, and how they want to talk."""

    protocol: int = integer("irodsProt")
    reconnect: int = integer("reconnFlag")
    connect_count: int = integer("connectCnt")
    proxy_user: str = text("proxyUser")
    proxy_zone: str = text("proxyRcatZone")
    client_user: str = text("clientUser")
    client_zone: str = text("clientRcatZone")
    release: str = text("relVersion")
    api: str = text("apiVersion")
    option: str = text("option")


@dataclass(slots=True)
class Negotiation(Struct, tag="CS_NEG_PI"):
    """One side's word on whether to use TLS."""

    status: int = integer("status")
    result: str = text("result")


@dataclass(slots=True)
class Version(Struct, tag="Version_PI"):
    """The server's release."""

    status: int = integer("status")
    release: str = text("relVersion")
    api: str = text("apiVersion")
    reconnect_port: int = integer("reconnPort")
    reconnect_address: str = text("reconnAddr")
    cookie: int = integer("cookie")


@dataclass(slots=True)
class ErrorMessage(Struct, tag="RErrMsg_PI"):
    """One entry of an error stack."""

    status: int = integer("status")
    message: str = text("msg")


@dataclass(slots=True)
class ErrorStack(Struct, tag="RError_PI"):
    """What the server says about a refused call."""

    messages: list[ErrorMessage] = structs("count", ErrorMessage)


@dataclass(slots=True)
class Bytes(Struct, tag="BinBytesBuf_PI"):
    """A buffer, mostly of JSON."""

    content: bytes = binary("buf")


@dataclass(slots=True)
class TextBuffer(Struct, tag="BytesBuf_PI"):
    """A buffer that holds text, packed as such."""

    length: int = integer("buflen")
    content: str = text_pointer("buf")


@dataclass(slots=True)
class Text(Struct, tag="STR_PI"):
    """A string."""

    value: str = text("myStr")


@dataclass(slots=True)
class Challenge(Struct, tag="authRequestOut_PI"):
    """The old login's challenge: 64 bytes."""

    challenge: bytes = binary("challenge", 64)


@dataclass(slots=True)
class ChallengeResponse(Struct, tag="authResponseInp_PI"):
    """The old login's answer."""

    response: bytes = binary("response", 16)
    user: str = text_pointer("username")


@dataclass(slots=True)
class SpecialCollection(Struct, tag="SpecColl_PI"):
    """What iRODS knows of mounted and linked collections. The zone has none; clients' words on them are ignored."""

    collection_class: int = integer("collClass")
    kind: int = integer("type")
    collection: str = text("collection")
    path: str = text("objPath")
    resource: str = text("resource")
    hierarchy: str = text("rescHier")
    physical_path: str = text("phyPath")
    cache: str = text("cacheDir")
    cache_dirty: int = integer("cacheDirty")
    replica: int = integer("replNum")


@dataclass(slots=True)
class DataObjectRequest(Struct, tag="DataObjInp_PI"):
    """A call on a data object by path."""

    path: str = text("objPath")
    create_mode: int = integer("createMode")
    open_flags: int = integer("openFlags")
    offset: int = long("offset")
    size: int = long("dataSize")
    threads: int = integer("numThreads")
    operation: int = integer("oprType")
    special: SpecialCollection | None = struct_pointer(SpecialCollection)
    keywords: dict[str, str] = key_values()


@dataclass(slots=True)
class DescriptorRequest(Struct, tag="OpenedDataObjInp_PI"):
    """A call on an open data object by descriptor."""

    descriptor: int = integer("l1descInx")
    length: int = integer("len")
    whence: int = integer("whence")
    operation: int = integer("oprType")
    offset: int = long("offset")
    written: int = long("bytesWritten")
    keywords: dict[str, str] = key_values()


@dataclass(slots=True)
class SeekReply(Struct, tag="fileLseekOut_PI"):
    """Where a descriptor stands."""

    offset: int = long("offset")


@dataclass(slots=True)
class PortList(Struct, tag="PortList_PI"):
    """Where parallel transfer over extra ports would go: nowhere here."""

    port: int = integer("portNum")
    cookie: int = integer("cookie")
    sock: int = integer("sock")
    window: int = integer("windowSize")
    host: str = text("hostAddr")


@dataclass(slots=True)
class PortalReply(Struct, tag="PortalOprOut_PI"):
    """The answer to a single-message put or get."""

    status: int = integer("status")
    descriptor: int = integer("l1descInx")
    threads: int = integer("numThreads")
    checksum: str = text("chksum")
    ports: PortList = struct(PortList)


@dataclass(slots=True)
class TwoObjects(Struct, tag="DataObjCopyInp_PI"):
    """Source and destination of a copy or a rename."""

    source: DataObjectRequest = struct(DataObjectRequest)
    destination: DataObjectRequest = struct(DataObjectRequest)


@dataclass(slots=True)
class TransferReply(Struct, tag="TransferStat_PI"):
    """How much a copy moved."""

    threads: int = integer("numThreads")
    flags: int = integer("flags")
    written: int = long("bytesWritten")


@dataclass(slots=True)
class CollectionRequest(Struct, tag="CollInpNew_PI"):
    """A call on a collection."""

    path: str = text("collName")
    flags: int = integer("flags")
    operation: int = integer("oprType")
    keywords: dict[str, str] = key_values()


@dataclass(slots=True)
class CollectionProgress(Struct, tag="CollOprStat_PI"):
    """How far a removal is."""

    files: int = integer("filesCnt")
    total_files: int = integer("totalFileCnt")
    written: int = long("bytesWritten")
    last_path: str = text("lastObjPath")


@dataclass(slots=True)
class ObjectStat(Struct, tag="RodsObjStat_PI"):
    """What a path is. Type 1 is a data object, 2 a collection."""

    size: int = long("objSize")
    kind: int = integer("objType")
    mode: int = integer("dataMode")
    object_id: str = text("dataId")
    checksum: str = text("chksum")
    owner: str = text("ownerName")
    owner_zone: str = text("ownerZone")
    created: str = text("createTime")
    modified: str = text("modifyTime")
    special: SpecialCollection | None = struct_pointer(SpecialCollection)


@dataclass(slots=True)
class QueryRequest(Struct, tag="GenQueryInp_PI"):
    """A GenQuery: which columns, under which conditions."""

    max_rows: int = integer("maxRows")
    statement: int = integer("continueInx")
    offset: int = integer("partialStartIndex")
    options: int = integer("options")
    keywords: dict[str, str] = key_values()
    selects: list[tuple[int, int]] = indexed_integers()
    conditions: list[tuple[int, str]] = indexed_texts()


@dataclass(slots=True)
class QueryReply(Struct, tag="GenQueryOut_PI"):
    """One page of a GenQuery's rows, column by column."""

    rows: int = integer("rowCnt")
    attributes: int = integer("attriCnt")
    statement: int = integer("continueInx")
    total_rows: int = integer("totalRowCount")
    columns: list[QueryColumn] = columns()


@dataclass(slots=True)
class AccessRequest(Struct, tag="modAccessControlInp_PI"):
    """A change of one user's access to a path."""

    recursive: int = integer("recursiveFlag")
    level: str = text_pointer("accessLevel")
    user: str = text_pointer("userName")
    zone: str = text_pointer("zone")
    path: str = text_pointer("path")


@dataclass(slots=True)
class MetadataRequest(Struct, tag="ModAVUMetadataInp_PI"):
    """A change of an item's AVUs, in words: add -d PATH attribute value unit."""

    arg0: str = text_pointer("arg0")
    arg1: str = text_pointer("arg1")
    arg2: str = text_pointer("arg2")
    arg3: str = text_pointer("arg3")
    arg4: str = text_pointer("arg4")
    arg5: str = text_pointer("arg5")
    arg6: str = text_pointer("arg6")
    arg7: str = text_pointer("arg7")
    arg8: str = text_pointer("arg8")
    arg9: str = text_pointer("arg9")
    keywords: dict[str, str] = key_values()


@dataclass(slots=True)
class Integer(Struct, tag="INT_PI"):
    """A number."""

    value: int = integer("myInt")


@dataclass(slots=True)
class BulkRequest(Struct, tag="BulkOprInp_PI"):
    """Many small data objects at once: their attributes as query columns, their bytes one after another."""

    path: str = text("objPath")
    attributes: QueryReply = struct(QueryReply)
    keywords: dict[str, str] = key_values()


@dataclass(slots=True)
class BundleRequest(Struct, tag="StructFileExtAndRegInp_PI"):
    """A bundle to unpack into a collection, or to make of one."""

    path: str = text("objPath")
    collection: str = text("collection")
    operation: int = integer("oprType")
    flags: int = integer("flags")
    keywords: dict[str, str] = key_values()


@dataclass(slots=True)
class SecondQueryRequest(Struct, tag="Genquery2Input_PI"):
    """A GenQuery2: a query in words."""

    query: str = text_pointer("query_string")
    zone: str = text_pointer("zone")
    sql_only: int = integer("sql_only")
    column_mappings: int = integer("column_mappings")


@dataclass(slots=True)
class SpecificQueryRequest(Struct, tag="specificQueryInp_PI"):
    """A query that the server knows by name."""

    sql: str = text_pointer("sql")
    arg1: str = text_pointer("arg1")
    arg2: str = text_pointer("arg2")
    arg3: str = text_pointer("arg3")
    arg4: str = text_pointer("arg4")
    arg5: str = text_pointer("arg5")
    arg6: str = text_pointer("arg6")
    arg7: str = text_pointer("arg7")
    arg8: str = text_pointer("arg8")
    arg9: str = text_pointer("arg9")
    arg10: str = text_pointer("arg10")
    max_rows: int = integer("maxRows")
    statement: int = integer("continueInx")
    offset: int = integer("rowOffset")
    options: int = integer("options")
    keywords: dict[str, str] = key_values()


@dataclass(slots=True)
class AdminRequest(Struct, tag="generalAdminInp_PI"):
    """Administration, in the words of the iadmin command."""

    arg0: str = text_pointer("arg0")
    arg1: str = text_pointer("arg1")
    arg2: str = text_pointer("arg2")
    arg3: str = text_pointer("arg3")
    arg4: str = text_pointer("arg4")
    arg5: str = text_pointer("arg5")
    arg6: str = text_pointer("arg6")
    arg7: str = text_pointer("arg7")
    arg8: str = text_pointer("arg8")
    arg9: str = text_pointer("arg9")


@dataclass(slots=True)
class UserAdminRequest(AdminRequest, tag="userAdminInp_PI"):
    """What group administrators, and users of themselves, administer."""


@dataclass(slots=True)
class ObjectInfo(Struct, tag="DataObjInfo_PI"):
    """A data object's row in the catalogue, of which callers fill in the path and little more."""

    path: str = text("objPath")
    resource: str = text("rescName")
    hierarchy: str = text("rescHier")
    type_name: str = text("dataType")
    size: int = long("dataSize")
    checksum: str = text("chksum")
    version: str = text("version")
    physical_path: str = text("filePath")
    owner: str = text("dataOwnerName")
    owner_zone: str = text("dataOwnerZone")
    number: int = integer("replNum")
    status: int = integer("replStatus")
    status_text: str = text("statusString")
    data_id: int = long("dataId")
    collection_id: int = long("collId")
    map_id: int = integer("dataMapId")
    flags: int = integer("flags")
    comments: str = text("dataComments")
    mode: str = text("dataMode")
    expiry: str = text("dataExpiry")
    created: str = text("dataCreate")
    modified: str = text("dataModify")
    access: str = text("dataAccess")
    access_index: int = integer("dataAccessInx")
    write_flag: int = integer("writeFlag")
    destination_resource: str = text("destRescName")
    backup_resource: str = text("backupRescName")
    sub_path: str = text("subPath")
    special: str = text_pointer("specColl")
    registering_user: int = integer("regUid")
    other_flags: int = integer("otherFlags")
    keywords: dict[str, str] = key_values()
    pdmo: str = text("in_pdmo")
    following: str = text_pointer("next")
    resource_id: int = long("rescId")
    accessed: str = text("dataAccessTime")


@dataclass(slots=True)
class ChangeOfInfo(Struct, tag="ModDataObjMeta_PI"):
    """What to change in a data object's row."""

    info: ObjectInfo | None = struct_pointer(ObjectInfo)
    keywords: dict[str, str] = key_values()


@dataclass(slots=True)
class TicketRequest(Struct, tag="ticketAdminInp_PI"):
    """A ticket to use or to change, in the words of the iticket command."""

    arg1: str = text_pointer("arg1")
    arg2: str = text_pointer("arg2")
    arg3: str = text_pointer("arg3")
    arg4: str = text_pointer("arg4")
    arg5: str = text_pointer("arg5")
    arg6: str = text_pointer("arg6")
    keywords: dict[str, str] = key_values()


@dataclass(slots=True)
class ServerInfo(Struct, tag="MiscSvrInfo_PI"):
    """What a server says of itself."""

    server_type: int = integer("serverType")
    boot_time: int = integer("serverBootTime")
    release: str = text("relVersion")
    api: str = text("apiVersion")
    zone: str = text("rodsZone")
    certificate: Bytes = struct(Bytes)


@dataclass(slots=True)
class ProcessRequest(Struct, tag="ProcStatInp_PI"):
    """Which servers' connections to list."""

    address: str = text("addr")
    zone: str = text("rodsZone")
    keywords: dict[str, str] = key_values()


@dataclass(slots=True)
class DelayedRule(Struct, tag="RULE_EXEC_DEL_INP_PI"):
    """Which delayed rule is meant."""

    rule_id: str = text("ruleExecId")


@dataclass(slots=True)
class TemporaryPassword(Struct, tag="getTempPasswordOut_PI"):
    """What a client hashes with its password to make a temporary one."""

    seed: str = text("stringToHashWith")


@dataclass(slots=True)
class LimitedPasswordRequest(Struct, tag="getLimitedPasswordInp_PI"):
    """For how many hours a password is wanted."""

    hours: int = integer("ttl")
    unused: str = text_pointer("unused1")


@dataclass(slots=True)
class LimitedPassword(Struct, tag="getLimitedPasswordOut_PI"):
    """As `TemporaryPassword`, for some hours."""

    seed: str = text("stringToHashWith")


@dataclass(slots=True)
class TemporaryPasswordRequest(Struct, tag="getTempPasswordForOtherInp_PI"):
    """For whom a temporary password is wanted."""

    user: str = text_pointer("targetUser")
    unused: str = text_pointer("unused")


@dataclass(slots=True)
class TemporaryPasswordOfOther(Struct, tag="getTempPasswordForOtherOut_PI"):
    """As `TemporaryPassword`, for someone else."""

    seed: str = text("stringToHashWith")


@dataclass(slots=True)
class PamRequest(Struct, tag="pamAuthRequestInp_PI"):
    """A user's name and password, for the server to check."""

    user: str = text_pointer("pamUser")
    password: str = text_pointer("pamPassword")
    hours: int = integer("timeToLive")


@dataclass(slots=True)
class PamReply(Struct, tag="pamAuthRequestOut_PI"):
    """A password for the native login."""

    password: str = text_pointer("irodsPamPassword")
