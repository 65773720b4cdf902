"""The query call: GenQuery with paging."""

from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.genquery import start
from stager_sandbox.zone.genquery.statement import AUTO_CLOSE, RETURN_TOTAL, Statement, width_of
from stager_sandbox.zone.protocol.packing import QueryColumn
from stager_sandbox.zone.protocol.structs import QueryReply, QueryRequest, SpecificQueryRequest
from stager_sandbox.zone.session import STATEMENTS, Session


@api_call(702, "GEN_QUERY", QueryRequest)
def query(session: Session, request: QueryRequest, _stream: Stream) -> Reply:
    """Give a page of rows; a full page can be continued under its number, and zero rows closes it."""
    if "zone" in request.keywords:
        session.engine.catalogue.zones.require_named(request.keywords["zone"])
    if request.statement:
        return _continue(session, request)
    if request.max_rows <= 0:
        return Reply(message=QueryReply())
    statement = start(session.query_connection, session.user, request)
    reply = _page(statement, request)
    if request.options & RETURN_TOTAL:
        reply.total_rows = statement.total()
    if reply.rows < request.max_rows:
        session.finish_statement(statement)
    elif request.options & AUTO_CLOSE:
        session.finish_statement(statement)
        reply.statement = -1
    else:
        reply.statement = _keep(session, statement)
    return Reply(0 if reply.rows else Code.CAT_NO_ROWS_FOUND, reply)


def _continue(session: Session, request: QueryRequest) -> Reply:
    statement = session.statements.get(request.statement)
    if statement is None:
        raise ZoneError(Code.CAT_INVALID_ARGUMENT)
    if request.max_rows <= 0:
        session.finish_statement(session.statements.pop(request.statement))
        return Reply(message=QueryReply())
    reply = _page(statement, request)
    if reply.rows < request.max_rows:
        session.finish_statement(session.statements.pop(request.statement))
    else:
        reply.statement = request.statement
    return Reply(0 if reply.rows else Code.CAT_NO_ROWS_FOUND, reply)


def _page(statement: Statement, request: QueryRequest) -> QueryReply:
    rows = statement.page(request.max_rows)
    if not rows:
        return QueryReply()
    return QueryReply(rows=len(rows), attributes=len(request.selects), columns=statement.columns(rows))


def _keep(session: Session, statement: Statement) -> int:
    for number in range(1, STATEMENTS + 1):
        if number not in session.statements:
            session.statements[number] = statement
            return number
    session.finish_statement(statement)
    raise ZoneError(Code.CAT_STATEMENT_TABLE_FULL)


@api_call(722, "SPECIFIC_QUERY", SpecificQueryRequest)
def specific(session: Session, request: SpecificQueryRequest, _stream: Stream) -> Reply:
    """Answer a query by name, a page at a time; the page to continue with is the number of rows already had."""
    arguments = [getattr(request, f"arg{number}") for number in range(1, 11)]
    rows = session.engine.catalogue.specific_queries.run(request.sql, arguments)
    start = request.offset + request.statement
    page = rows[start : start + request.max_rows] if request.max_rows > 0 else []
    if not page:
        return Reply(Code.CAT_NO_ROWS_FOUND, QueryReply())
    columns = [QueryColumn(0, width_of(page), list(values)) for values in zip(*page, strict=True)]
    more = request.statement + len(page) if start + len(page) < len(rows) else 0
    return Reply(message=QueryReply(rows=len(page), attributes=len(columns), statement=more, columns=columns))
