"""The application, put together."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

from flask import Flask, Response, g, request
from flask_wtf.csrf import CSRFProtect
from lucide.jinja import lucide
from werkzeug.middleware.proxy_fix import ProxyFix

from stager_ui import csp, failures, reasons, throttle
from stager_ui.api_client import ApiClient
from stager_ui.assets import Assets
from stager_ui.formats import duration_text, size_text
from stager_ui.identity import AccessTokens
from stager_ui.look import current_look
from stager_ui.oidc import Provider
from stager_ui.services import KEY, Services
from stager_ui.session_store import SessionStore
from stager_ui.sessions import RedisSessions
from stager_ui.settings import UiSettings
from stager_ui.texts import CATALOGUES, catalogue, t
from stager_ui.views import estimates, health, home, job_record, jobs, login, look, repository, storage, transfers
from stager_ui.visible import visible
from stager_ui.webdav import WebDav

MAX_FORM_BYTES = 2 * 2**20
COMPRESS_FROM = 2048


def create_app(settings: UiSettings) -> Flask:
    """The application; opens no connection before the first request."""
    app = Flask("stager_ui", static_folder=None)
    app.config.update(
        # Flask-WTF signs its tokens with it; sessions have a key of their own.
        SECRET_KEY=settings.session.secret.get_secret_value(),
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=True,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined] # of the default provider
    redis = settings.redis.connect()
    store = SessionStore(
        redis,
        prefix=settings.redis.prefix,
        secret=settings.session.secret.get_secret_value(),
        seconds=settings.session.seconds,
    )
    app.session_interface = RedisSessions(store, secure=settings.secure, unavailable=failures.without_sessions)
    provider = Provider(app, settings.oidc)
    tokens = AccessTokens(provider, store, redis, settings.redis.prefix)
    app.extensions[KEY] = Services(
        settings=settings,
        redis=redis,
        store=store,
        provider=provider,
        tokens=tokens,
        api=ApiClient(settings.api, tokens.current, lambda: bool(g.get("background"))),
        # A repository that hangs must leave threads for everything else.
        webdav=WebDav(settings.repository, at_once=max(1, settings.listen.threads // 2)),
    )
    failures.install(app)
    CSRFProtect(app).exempt(look.blueprint)
    throttle.install(app, redis, settings.redis.prefix)
    csp.protect(app, secure=settings.secure, issuer=str(settings.oidc.issuer))
    Assets().install(app)
    for view in (home, login, look, repository, storage, transfers, estimates, jobs, job_record, health):
        app.register_blueprint(view.blueprint)
    _prepare_templates(app, settings)
    app.after_request(_compress_listings)
    hops = settings.proxy.hops
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign] # the documented way
    return app


def _prepare_templates(app: Flask, settings: UiSettings) -> None:
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        t=t,
        catalogue=catalogue,
        languages=sorted(CATALOGUES),
        look=current_look,
        icon=lambda name, size=18: lucide(name, size=size, aria_hidden="true", focusable="false"),
        links=settings.links,
        reasons=reasons,
    )
    app.jinja_env.filters.update(
        size=_size, duration=duration_text, moment=_moment, utc=_utc, plain=_plain, visible=visible
    )


def _size(value: float) -> str:
    return size_text(value, t("decimal"))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _utc(value: datetime) -> str:
    return value.isoformat(timespec="seconds").replace("+00:00", "Z")


def _plain(value: datetime) -> str:
    """For browsers in which our script doesn't run, or not yet."""
    return value.strftime("%Y-%m-%d %H:%M UTC")


def _compress_listings(response: Response) -> Response:
    # Listings only: they hold nothing secret whose length could be guessed at, and are long.
    if (
        response.mimetype == "application/json"
        and request.accept_encodings["gzip"] > 0
        and (response.content_length or 0) >= COMPRESS_FROM
    ):
        response.set_data(gzip.compress(response.get_data(), compresslevel=1))
        response.headers["Content-Encoding"] = "gzip"
        response.vary.add("Accept-Encoding")
    return response
