"""The calls of administrators, whose arguments are the words of the iadmin command; and of users for themselves."""

import re

from stager_sandbox.zone.catalogue.catalogue import RESOURCE
from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.obfuscation import reveal
from stager_sandbox.zone.protocol.structs import AdminRequest, UserAdminRequest
from stager_sandbox.zone.session import Session

SIGNATURE_BYTES = 16


@api_call(701, "GENERAL_ADMIN", AdminRequest)
def administer(session: Session, request: AdminRequest, _stream: Stream) -> Reply:
    """Add, change and remove users, groups, quotas and specific queries; administrators only."""
    if not session.user.is_admin:
        raise ZoneError(Code.SYS_NO_API_PRIV)
    words = (request.arg1, request.arg2, request.arg3, request.arg4, request.arg5)
    match request.arg0:
        case "add":
            _add(session, words)
        case "modify":
            _change(session, words)
        case "rm":
            _remove(session, words)
        case "set-quota":
            _set_quota(session, request.arg1, request.arg2, request.arg3, request.arg4)
        case "calculate-usage":
            session.engine.catalogue.quotas.calculate()
        case _:
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)
    return Reply()


def _add(session: Session, words: tuple[str, ...]) -> None:
    match words:
        case ("user", name, kind, zone, *_):
            session.engine.administration.add_user(name, kind, zone)
        case ("zone", name, kind, address, comment):
            session.engine.catalogue.zones.add(name, kind, address, comment)
        case ("group", name, *_):
            session.engine.administration.add_group(name)
        case ("specificQuery", sql, alias, *_):
            session.engine.catalogue.specific_queries.add(alias, sql)
        case _:
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)


def _remove(session: Session, words: tuple[str, ...]) -> None:
    match words:
        case ("user" | "group" as kind, name, zone, *_):
            session.engine.administration.remove(name, zone, session.user, of_group=kind == "group")
        case ("resource", name, *_) if name != RESOURCE:
            raise ZoneError(Code.CAT_NO_ROWS_FOUND)
        case ("zone", name, *_):
            session.engine.catalogue.zones.remove(name)
        case ("specificQuery", alias, *_):
            session.engine.catalogue.specific_queries.remove(alias)
        case ("unusedAVUs", *_):
            session.engine.catalogue.metadata.remove_unused()
        case _:
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)


def _change(session: Session, words: tuple[str, ...]) -> None:
    does, users = session.engine.administration, session.engine.catalogue.users
    match words:
        case ("user", name, "type", kind, *_):
            does.set_kind(name, kind)
        case ("user", name, "password", disguised, *_):
            _set_password(session, name, disguised)
        case ("user", name, "info" | "comment" as what, value, *_):
            users.change(does.find(name).user_id, "user_info" if what == "info" else "r_comment", value)
        case ("user", name, "addAuth" | "rmAuth" as what, distinguished, *_):
            users.name_abroad(does.find(name).user_id, distinguished, known=what == "addAuth")
        case ("group", group, "add" | "remove" as what, member, zone):
            does.change_members(group, member, zone, joins=what == "add")
        case ("resource", name, *_) if name != RESOURCE:
            raise ZoneError(Code.CAT_INVALID_RESOURCE)
        case ("zone", name, option, value, *_):
            session.engine.catalogue.zones.change(name, option, value)
        case _:
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)


@api_call(714, "USER_ADMIN", UserAdminRequest)
def administer_self(session: Session, request: UserAdminRequest, _stream: Stream) -> Reply:
    """Change one's own password; or, for a group administrator, add users and change groups."""
    user, does = session.user, session.engine.administration
    if request.arg0 == "userpw":
        if request.arg2 != "password":
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)
        if request.arg1 != user.name:
            raise ZoneError(Code.CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
        _set_password(session, user.name, request.arg3)
        return Reply()
    if user.kind not in {"groupadmin", "rodsadmin"}:
        raise ZoneError(Code.CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
    match request.arg0, request.arg1:
        case "mkuser", name:
            does.add_user(name, "rodsuser")
            if request.arg2:
                _set_password(session, name, request.arg2)
        case "mkgroup", name:
            does.add_group(name)
        case "modify", "group":
            does.change_members(request.arg2, request.arg4, request.arg5, joins=request.arg3 == "add")
        case _:
            raise ZoneError(Code.CAT_INVALID_ARGUMENT)
    return Reply()


def _set_quota(session: Session, kind: str, name: str, resource: str, limit: str) -> None:
    if kind not in {"user", "group"}:
        raise ZoneError(Code.CAT_INVALID_ARGUMENT)
    if not re.fullmatch(r"-?\d+", limit):
        raise ZoneError(Code.SYS_INVALID_INPUT_PARAM)
    if resource not in {RESOURCE, "total"}:
        raise ZoneError(Code.CAT_INVALID_RESOURCE)
    if kind == "user" and int(limit) != 0:
        raise ZoneError(Code.SYS_NOT_ALLOWED)  # since iRODS 5, a user's can only be taken away
    session.engine.administration.set_quota(name, resource, limit, of_group=kind == "group")


def _set_password(session: Session, name: str, disguised: str) -> None:
    users = session.engine.catalogue.users
    own = users.password(users.find(session.startup.proxy_user)) or ""
    signature = session.proven[:SIGNATURE_BYTES].hex()
    users.set_password(session.engine.administration.find(name).user_id, reveal(disguised, own, signature))
