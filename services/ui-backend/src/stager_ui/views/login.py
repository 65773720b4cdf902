"""Signing in at the OpenID provider, and out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from stager_telemetry import get_logger

from stager_ui import throttle
from stager_ui.identity import Person, person_or_none, public, sign_in, sign_out
from stager_ui.oidc import LoginError
from stager_ui.paths import local_address
from stager_ui.services import services
from stager_ui.sessions import current_session

blueprint = Blueprint("login", __name__)
_log = get_logger(__name__)


@blueprint.get("/login")
@public
def page() -> ResponseReturnValue:
    """The door."""
    wanted = local_address(request.args.get("next"))
    if person_or_none():
        return redirect(wanted)
    return render_template("login.html", wanted=wanted, signed_out="signed_out" in request.args)


@blueprint.get("/login/start")
@throttle.limiter.limit(throttle.LOGIN_BY_ADDRESS)
@public
def start() -> ResponseReturnValue:
    """Go to the provider."""
    session = current_session()
    session["wanted"] = local_address(request.args.get("next"))
    return services().provider.start(_outside("login.callback"))


@blueprint.get("/login/callback")
@throttle.limiter.limit(throttle.LOGIN_BY_ADDRESS)
@public
def callback() -> ResponseReturnValue:
    """Come back from the provider."""
    wanted = local_address(current_session().get("wanted"))
    try:
        tokens, claims = services().provider.finish()
    except LoginError as error:
        _log.warning("a login failed", reason=str(error))
        return render_template("login.html", wanted=wanted, failed=True), 400
    uid = claims.get(services().settings.oidc.uid_claim)
    name = str(claims.get("name") or claims.get("preferred_username") or uid or "")
    if not isinstance(uid, str) or not uid:
        _log.info("somebody without a local user wanted in", subject=claims.get("sub"))
        leave = services().provider.logout_url(tokens, _outside("login.page"))
        current_session().start_afresh()
        return render_template("no_account.html", name=name, leave=leave), 403
    email = claims.get("email")
    sign_in(Person(uid, name, email if isinstance(email, str) else ""), tokens)
    _log.info("signed in", user=uid)
    return redirect(wanted, 303)


@blueprint.post("/logout")
@public
def logout() -> ResponseReturnValue:
    """Sign out here, of the repository, and at the provider."""
    tokens = sign_out()
    back = _outside("login.page") + "?signed_out"
    return redirect(services().provider.logout_url(tokens, _outside("login.page")) or back if tokens else back, 303)


def _outside(endpoint: str) -> str:
    """The address of a view as browsers know it, whatever Host they sent."""
    return str(services().settings.public_url).rstrip("/") + url_for(endpoint)
