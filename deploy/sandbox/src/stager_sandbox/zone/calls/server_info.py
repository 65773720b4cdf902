"""Calls in which the server speaks of itself."""

import json
import os
import time

from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.packing import QueryColumn
from stager_sandbox.zone.protocol.structs import (
    Bytes,
    Nothing,
    ProcessRequest,
    QueryReply,
    ServerInfo,
    Text,
    TextBuffer,
)
from stager_sandbox.zone.session import Session

HAS_CATALOGUE = 1
FIRST_PROCESS_COLUMN = 1000001
COLUMN_WIDTH = 64
FEATURES = {
    "IRODS_LIBRARY_FEATURE_GENQUERY2": 202404,
    "IRODS_LIBRARY_FEATURE_REPLICA_TRUNCATE": 202403,
    "IRODS_LIBRARY_FEATURE_TICKET_ADMINISTRATION": 202209,
}


@api_call(700, "GET_MISC_SVR_INFO", Nothing, before_login=True)
def info(session: Session, _request: Nothing, _stream: Stream) -> Reply:
    """Say release, zone, and whether this connection is encrypted."""
    secure = b"true" if session.line.is_secure else b"false"
    return Reply(
        message=ServerInfo(
            server_type=HAS_CATALOGUE,
            release=f"rods{session.release}",
            api="d",
            zone=session.engine.catalogue.zone_name,
            certificate=Bytes(b'{"ssl_enabled":' + secure + b"}"),
        )
    )


@api_call(801, "GET_LIBRARY_FEATURES", Nothing, before_login=True)
def features(_session: Session, _request: Nothing, _stream: Stream) -> Reply:
    """Say, in JSON, which features of the server's library there are: here, those that clients see."""
    return Reply(message=Text(json.dumps(FEATURES, separators=(",", ":"))))


@api_call(10215, "CLIENT_HINTS", Nothing)
def hints(session: Session, _request: Nothing, _stream: Stream) -> Reply:
    """Say, in JSON, what helps clients to choose; there are no rules and no plug-ins to name."""
    aliases = session.engine.catalogue.specific_queries.aliases()
    scheme = {"sha2": "SHA256", "md5": "MD5"}[session.engine.replicas.scheme]
    said = {"hash_scheme": scheme, "match_hash_policy": "compatible", "plugins": [], "rules": []}
    packed = json.dumps(said | {"specific_queries": aliases}, sort_keys=True, separators=(",", ":"))
    return Reply(message=TextBuffer(len(packed.encode()), packed))


@api_call(10205, "ZONE_REPORT", Nothing)
def report(session: Session, _request: Nothing, _stream: Stream) -> Reply:
    """Refuse to describe the zone's servers: users may not ask, and for administrators it is not offered."""
    raise ZoneError(Code.SYS_NOT_SUPPORTED if session.user.is_admin else Code.SYS_NO_API_PRIV)


@api_call(690, "PROC_STAT", ProcessRequest)
def processes(session: Session, _request: ProcessRequest, _stream: Stream) -> Reply:
    """List the connections: of many, only the one that asks."""
    user = session.user
    program = session.startup.option.partition("request_server_negotiation")[0]
    values = [str(os.getpid()), str(int(time.time())), user.name, user.zone, user.name, user.zone, "127.0.0.1"]
    found = [QueryColumn(FIRST_PROCESS_COLUMN + n, COLUMN_WIDTH, [value]) for n, value in enumerate(values)]
    found.append(QueryColumn(FIRST_PROCESS_COLUMN + 8, COLUMN_WIDTH, ["localhost"]))
    found.append(QueryColumn(FIRST_PROCESS_COLUMN + 7, COLUMN_WIDTH, [program]))
    return Reply(message=QueryReply(rows=1, attributes=len(found), columns=found))
