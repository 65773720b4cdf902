"""Calls that give passwords for a while."""

from stager_sandbox.zone.catalogue.users import EXCHANGED_SECONDS
from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.obfuscation import temporary
from stager_sandbox.zone.protocol.structs import (
    LimitedPassword,
    LimitedPasswordRequest,
    Nothing,
    PamReply,
    PamRequest,
    TemporaryPassword,
    TemporaryPasswordOfOther,
    TemporaryPasswordRequest,
)
from stager_sandbox.zone.session import Session


@api_call(709, "GET_TEMP_PASSWORD", Nothing)
def for_oneself(session: Session, _request: Nothing, _stream: Stream) -> Reply:
    """Give a seed, which makes a password of the user's own, good for one login within two minutes."""
    users = session.engine.catalogue.users
    return Reply(message=TemporaryPassword(users.lend(session.user, users.password(session.user) or "", temporary)))


@api_call(726, "GET_LIMITED_PASSWORD", LimitedPasswordRequest)
def for_hours(session: Session, request: LimitedPasswordRequest, _stream: Stream) -> Reply:
    """Give a seed, which makes a password of the user's own, good for some hours, at most two weeks."""
    users, seconds = session.engine.catalogue.users, request.hours * 3600
    if not 0 < seconds <= EXCHANGED_SECONDS:
        raise ZoneError(Code.PAM_AUTH_PASSWORD_INVALID_TTL)
    own = users.password(session.user) or ""
    return Reply(message=LimitedPassword(users.lend(session.user, own, temporary, seconds)))


@api_call(724, "GET_TEMP_PASSWORD_FOR_OTHER", TemporaryPasswordRequest)
def for_another(session: Session, request: TemporaryPasswordRequest, _stream: Stream) -> Reply:
    """Give an administrator a seed, which makes another user's password of their own."""
    if not session.user.is_admin:
        raise ZoneError(Code.CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
    users = session.engine.catalogue.users
    try:
        target = users.find(request.user)
    except ZoneError:
        raise ZoneError(Code.CAT_SQL_ERR) from None
    own = users.password(users.find(session.startup.proxy_user)) or ""
    return Reply(message=TemporaryPasswordOfOther(users.lend(target, own, temporary)))


@api_call(725, "PAM_AUTH_REQUEST", PamRequest, before_login=True)
def pam(session: Session, request: PamRequest, _stream: Stream) -> Reply:
    """Check a password as PAM would, and give one for the native login; the old way, over TLS only."""
    users = session.engine.catalogue.users
    if not session.line.is_secure:
        raise ZoneError(Code.SYS_NOT_ALLOWED)
    return Reply(message=PamReply(users.exchange(request.user, request.password)))
