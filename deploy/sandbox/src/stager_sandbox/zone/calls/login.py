"""Login: native challenge and response, through the plug-in call and through the two old calls."""

import base64
import binascii
import hashlib
import hmac
import json
import os
from typing import Any

from stager_sandbox.zone.catalogue.users import User
from stager_sandbox.zone.dispatch import Reply, Stream, api_call
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.protocol.structs import Bytes, Challenge, ChallengeResponse, Nothing
from stager_sandbox.zone.session import Session

PASSWORD_LENGTH = 50


@api_call(110000, "AUTHENTICATION", Bytes, before_login=True)
def authenticate(session: Session, request: Bytes, _stream: Stream) -> Reply:
    """One step of a plug-in's conversation, in JSON."""
    try:
        step = json.loads(request.content.rstrip(b"\0"))
    except ValueError:
        raise ZoneError(Code.SYS_INVALID_INPUT_PARAM) from None
    if not isinstance(step, dict):
        raise ZoneError(Code.SYS_INVALID_INPUT_PARAM)
    match step.get("scheme"), step.get("next_operation"):
        case "pam_password", "auth_agent_auth_request":
            if not session.line.is_secure:
                raise ZoneError(Code.SYS_NOT_ALLOWED)
            users = session.engine.catalogue.users
            step["request_result"] = users.exchange(str(step.get("user_name")), str(step.pop("a_pw", "")))
        case "native", "auth_agent_auth_request":
            challenge = os.urandom(32).hex()
            session.challenge = challenge.encode("ascii")
            step["request_result"] = challenge
        case "native", "auth_agent_auth_response":
            digest = _decoded(step.get("digest"))
            session.signed_in = _sign_in(session, str(step.get("user_name")), str(step.get("zone_name")), digest)
        case _:
            raise ZoneError(Code.SYS_INVALID_INPUT_PARAM)
    packed = json.dumps(step, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return Reply(message=Bytes(packed + b"\0"))


@api_call(703, "AUTH_REQUEST", Nothing, before_login=True)
def request_challenge(session: Session, _request: Nothing, _stream: Stream) -> Reply:
    """Give a challenge."""
    # In hex, as the real server gives it: clients strip white space from what they get.
    session.challenge = os.urandom(32).hex().encode("ascii")
    return Reply(message=Challenge(session.challenge))


@api_call(704, "AUTH_RESPONSE", ChallengeResponse, before_login=True)
def respond(session: Session, request: ChallengeResponse, _stream: Stream) -> Reply:
    """Check the answer to a challenge."""
    name, _, zone = request.user.partition("#")
    session.signed_in = _sign_in(session, name, zone, request.response)
    return Reply()


def _decoded(digest: Any) -> bytes:  # noqa: ANN401 - whatever the JSON held
    try:
        return base64.b64decode(str(digest))
    except binascii.Error:
        raise ZoneError(Code.CAT_INVALID_AUTHENTICATION) from None


def _sign_in(session: Session, name: str, zone: str, digest: bytes) -> User:
    """Who the session acts for, once the digest proves the proxy user's password.

    Raises:
        ZoneError: CAT_INVALID_USER, CAT_INVALID_AUTHENTICATION; SYS_PROXYUSER_NO_PRIV when someone other than an
            administrator wants to act for another, CAT_INVALID_CLIENT_USER when an administrator wants to for no one.
    """
    users = session.engine.catalogue.users
    proxy = users.find(name, zone)
    challenge, session.challenge = session.challenge, b""
    for password in users.passwords(proxy) if challenge else ():
        if hmac.compare_digest(_digest(challenge, password), digest):
            users.spend(proxy, password)
            session.proven = challenge
            break
    else:
        raise ZoneError(Code.CAT_INVALID_AUTHENTICATION)
    startup = session.startup
    if startup.client_user in {"", proxy.name}:
        return proxy
    if not proxy.is_admin:
        raise ZoneError(Code.SYS_PROXYUSER_NO_PRIV)
    try:
        return users.find(startup.client_user, startup.client_zone)
    except ZoneError:
        raise ZoneError(Code.CAT_INVALID_CLIENT_USER) from None


def _digest(challenge: bytes, password: str) -> bytes:
    """MD5 over challenge and padded password; no zero bytes in it, as clients send it as a string."""
    padded = password.encode()[:PASSWORD_LENGTH].ljust(PASSWORD_LENGTH, b"\0")
    return hashlib.md5(challenge + padded, usedforsecurity=False).digest().replace(b"\0", b"\1")
