"""The calls for queries in words: GenQuery2."""

import json

from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.genquery.columns import NAMED_COLUMNS, TABLES
from stager_sandbox.zone.genquery.words import run, to_sql
from stager_sandbox.zone.protocol.structs import SecondQueryRequest, Text
from stager_sandbox.zone.session import Session


@api_call(10221, "GENQUERY2", SecondQueryRequest)
def query(session: Session, request: SecondQueryRequest, _stream: Stream) -> Reply:
    """Answer with the rows in JSON; or with the SQL, or with the columns there are."""
    if request.zone and request.zone != session.engine.catalogue.zone_name:
        raise ZoneError(Code.SYS_INVALID_ZONE_NAME)
    if request.column_mappings:
        known = {
            name: {TABLES[column.alias].upper(): column.sql.split(".")[-1]} for name, column in NAMED_COLUMNS.items()
        }
        return Reply(message=Text(json.dumps(known, separators=(",", ":"))))
    if request.sql_only:
        return Reply(message=Text(to_sql(session.user, request.query)[0]))
    return Reply(message=Text(run(session.engine.catalogue.database.connect, session.user, request.query)))
