"""The repository's side: signing in to it, looking into it, new collections."""

from __future__ import annotations

from time import perf_counter

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from stager_telemetry import get_logger

from stager_ui import throttle
from stager_ui.failures import fail
from stager_ui.identity import person
from stager_ui.listing import listing_answer
from stager_ui.paths import checked_folder, checked_name, join
from stager_ui.repository_login import account, forget_account, remember_account
from stager_ui.services import services
from stager_ui.texts import t
from stager_ui.webdav import Account, WrongPasswordError

blueprint = Blueprint("repository", __name__, url_prefix="/repository")
_log = get_logger(__name__)

MAX_CREDENTIAL = 256


@blueprint.post("/login")
@throttle.limiter.limit(
    throttle.REPOSITORY_LOGIN_BY_PERSON, key_func=throttle.by_person, deduct_when=throttle.was_refused
)
@throttle.limiter.limit(
    throttle.REPOSITORY_LOGIN_BY_ACCOUNT,
    key_func=throttle.by_account,
    exempt_when=throttle.is_known,
    deduct_when=throttle.was_refused,
)
@throttle.limiter.limit(throttle.REPOSITORY_LOGIN_BY_ADDRESS, deduct_when=throttle.was_refused)
def login() -> ResponseReturnValue:
    """Try a repository account and remember it if it is good."""
    user = request.form.get("user", "").strip()
    password = request.form.get("password", "")
    # A colon would end the user name in HTTP's basic authentication.
    usable = 0 < len(user) <= MAX_CREDENTIAL and ":" not in user and user.isprintable()
    if not usable or not 0 < len(password) <= MAX_CREDENTIAL or "\0" in password:
        return fail(401, "wrong_password", t("repository.wrong_password"))
    tried = Account(user, password)
    try:
        services().webdav.check_login(tried)
    except WrongPasswordError:
        _log.info("a repository login was refused", user=person().uid, account=user)
        return fail(401, "wrong_password", t("repository.wrong_password"))
    remember_account(tried)
    throttle.remember_good_login()
    return jsonify(user=user)


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Forget the repository account."""
    forget_account()
    return "", 204


@blueprint.get("/list")
def listing() -> ResponseReturnValue:
    """What stands in a collection."""
    path = checked_folder(request.args.get("path"))
    begun = perf_counter()
    entries = services().webdav.list_collection(account(), path)
    return listing_answer(path, entries, perf_counter() - begun)


@blueprint.post("/collections")
def make_collection() -> ResponseReturnValue:
    """Make a collection in another."""
    path = join(checked_folder(request.form.get("folder")), checked_name(request.form.get("name")))
    services().webdav.make_collection(account(), path)
    return jsonify(path=path), 201
