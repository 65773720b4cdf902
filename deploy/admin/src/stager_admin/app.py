"""The WSGI application: rq-dashboard with a login in front and its open doors closed."""

from __future__ import annotations

import rq_dashboard.web
from flask import Flask, Response, request
from redis.exceptions import RedisError
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer, PickleSerializer
from stager_telemetry import get_logger
from werkzeug.exceptions import HTTPException

from stager_admin.guard import Guard
from stager_admin.login import Users
from stager_admin.settings import AdminSettings

log = get_logger(__name__)

# Where rq-dashboard names no serializer RQ reads pickle, and whoever can write to Redis could run code here. What
# pickles is replaced in its place, since RQ and rq-dashboard hold on to the class under several names.
PickleSerializer.dumps = JSONSerializer.dumps
PickleSerializer.loads = JSONSerializer.loads
rq_dashboard.web.config.serializer = JSONSerializer  # type: ignore[assignment] # its own switch
# Who looks at a list of running jobs would take those whose worker is silent away from it; that is the workers' to do.
StartedJobRegistry.cleanup = lambda *_args, **_options: None  # type: ignore[method-assign]

HEADERS = {
    # rq-dashboard's own pages have inline scripts and templates that are compiled in the browser.
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; form-action 'self'; "
    "base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def create_app(settings: AdminSettings) -> Flask:
    """The application for these settings."""
    app = Flask(__name__)
    redis = settings.connect()
    # rq-dashboard would make connections of its own, from an address: with no Sentinel's own user and no TLS files.
    rq_dashboard.web.from_url = lambda *_, **__: (None, redis)  # type: ignore[attr-defined] # where it looks it up
    app.config.update(
        RQ_DASHBOARD_REDIS_URL="redis://",
        RQ_DASHBOARD_POLL_INTERVAL=settings.poll_interval_ms,
        RQ_DASHBOARD_DISABLE_DELETE=settings.read_only,
    )
    rq_dashboard.web.setup_rq_connection(app)  # type: ignore[no-untyped-call] # it ships no types
    app.register_blueprint(rq_dashboard.web.blueprint, url_prefix="/rq")
    users = Users({name: value.get_secret_value() for name, value in settings.users.items()})
    Guard(users, read_only=settings.read_only).stand_before(app)
    _finish(app)

    @app.get("/")
    def start() -> Response:
        return Response(status=302, headers={"Location": "/rq/"})

    @app.get("/health")
    def health() -> tuple[dict[str, str], int]:
        try:
            redis.ping()
        except RedisError:
            return {"status": "no redis"}, 503
        return {"status": "ok"}, 200

    return app


def _without_markup(response: Response) -> Response:
    """Keep rq-dashboard's pages from taking a title or an error's text for HTML: its templates put many in as they are.

    Angle brackets stand in strings only, in JSON; and a page shows an entity as the sign that it means.
    """
    if response.mimetype == "application/json":
        response.set_data(response.get_data().replace(b"<", b"&lt;").replace(b">", b"&gt;"))
    return response


def _finish(app: Flask) -> None:
    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return _without_markup(response)

    @app.errorhandler(Exception)
    def say_what_failed(error: Exception) -> HTTPException | tuple[str, int]:
        if isinstance(error, HTTPException):
            return error
        if isinstance(error, RedisError):
            log.error("redis failed", error=str(error))
            return "Redis can't be reached.\n", 503
        if type(error).__name__ == "NoSuchJobError":
            return "There is no such job.\n", 404
        log.error("request failed", path=request.path, exc_info=error)
        return "Something went wrong here; the log says more.\n", 500
