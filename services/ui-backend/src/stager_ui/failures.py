"""What a person is told when something goes wrong: what happened, to what, and what to do."""

from __future__ import annotations

from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from redis.exceptions import RedisError
from stager_client import (
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    RequestIdTakenError,
    StagerError,
    TooManyError,
    UnavailableError,
    WrongStateError,
)
from stager_telemetry import get_logger
from werkzeug.exceptions import HTTPException

from stager_ui import reasons, webdav
from stager_ui.identity import SignedOutError, is_public, person, person_or_none
from stager_ui.oidc import ProviderUnreachableError
from stager_ui.paths import BadPathError
from stager_ui.sessions import BACKGROUND_HEADER, current_session
from stager_ui.texts import t

SCRIPT_HEADER = "Stager-Script"
"""On every request of our scripts: they want failures as JSON, and no redirect to a login page."""

_log = get_logger(__name__)

# Kind of exception: status, and the key of its text under `failure.`.
_KINDS: dict[type[Exception], tuple[int, str]] = {
    UnavailableError: (503, "api_unavailable"),
    NotAllowedError: (403, "denied"),
    NotFoundError: (404, "not_found"),
    InvalidRequestError: (409, "refused"),
    WrongStateError: (409, "refused"),
    RequestIdTakenError: (409, "refused"),
    TooManyError: (429, "refused"),
    StagerError: (502, "api_fault"),
    webdav.WrongPasswordError: (403, "repository_login"),
    webdav.RepositoryUnreachableError: (502, "repository_unreachable"),
    webdav.NoSuchCollectionError: (404, "no_such_collection"),
    webdav.NotACollectionError: (409, "not_a_collection"),
    webdav.NotPermittedError: (403, "not_permitted"),
    webdav.AlreadyThereError: (409, "already_there"),
    webdav.ListingTooLargeError: (413, "listing_too_large"),
    ProviderUnreachableError: (503, "provider_unreachable"),
    BadPathError: (400, "bad_path"),
    CSRFError: (400, "csrf"),
}


def install(app: Flask) -> None:
    """Ask for a login before every view that isn't public, and answer for what views let through."""

    def gate() -> None:
        g.background = BACKGROUND_HEADER in request.headers
        fault = current_session().fault
        if fault is not None:
            raise fault
        if not is_public(request.endpoint):
            person()

    app.before_request(gate)
    app.register_error_handler(SignedOutError, _signed_out)
    app.register_error_handler(NotSignedInError, _signed_out)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(RedisError, without_sessions)
    app.register_error_handler(Exception, _unforeseen)
    for kind in _KINDS:
        app.register_error_handler(kind, _known)
    app.register_error_handler(CSRFError, _csrf)


def fail(status: int, code: str, message: str) -> ResponseReturnValue:
    """A failure as JSON for a script, as a page for a person."""
    if SCRIPT_HEADER in request.headers:
        return jsonify(error=code, message=message), status
    return render_template("failure.html", message=message, code=code, person=person_or_none()), status


def refusal(error: StagerError) -> str:
    """Why the API refused something, in a line."""
    return " ".join(map(str, reasons.of_refusal(error))) or t("failure.refused")


def told(error: Exception) -> str:
    """What a person is told about one of the kinds of failure that are foreseen."""
    _, code = _kind(error)
    if isinstance(error, StagerError) and code in {"denied", "refused"}:
        return refusal(error)
    return t(f"failure.{code}")


def _kind(error: Exception) -> tuple[int, str]:
    return next(_KINDS[kind] for kind in type(error).__mro__ if kind in _KINDS)


def _signed_out(error: Exception) -> ResponseReturnValue:
    if isinstance(error, NotSignedInError):
        _log.warning("the API refused an access token", reason=str(error))
    elif error.__cause__ is not None:
        _log.info("a login has ended", reason=str(error.__cause__))
    if SCRIPT_HEADER in request.headers:
        return jsonify(error="signed_out", message=t("failure.signed_out")), 401
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("login.page", next=wanted), 303)


def _known(error: Exception) -> ResponseReturnValue:
    status, code = _kind(error)
    if status >= 500:
        _log.warning("a request failed", failure=code, reason=str(error), path=request.path)
    return fail(status, code, told(error))


def _csrf(error: CSRFError) -> ResponseReturnValue:
    # A page's token ends with its session. What is signed out needs no reload, it can sign in again; all that such a
    # page can still send is signing out, which has been done then.
    return _known(error) if person_or_none() else _signed_out(error)


def _http(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if code < 400:
        return error.get_response()
    key = {404: "failure.no_such_page", 429: "failure.too_often", 413: "failure.too_large"}.get(
        code, "failure.request" if code < 500 else "failure.unforeseen"
    )
    return fail(code, f"http_{code}", t(key))


def without_sessions(error: RedisError) -> Response:
    """What can be said without Redis, when nobody is known."""
    _log.error("Redis can't be reached", reason=str(error))
    code, message = "sessions_unavailable", t("failure.sessions_unavailable")
    if SCRIPT_HEADER in request.headers:
        answer = jsonify(error=code, message=message)
    else:
        answer = make_response(render_template("failure.html", message=message, code=code, person=None))
    answer.status_code = 503
    return answer


def _unforeseen(error: Exception) -> ResponseReturnValue:
    _log.error("a request failed in an unforeseen way", path=request.path, exc_info=error)
    return fail(500, "unforeseen", t("failure.unforeseen"))
