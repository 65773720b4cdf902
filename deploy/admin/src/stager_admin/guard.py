"""What stands before every page: the login, and no change but from this site's own pages."""

from __future__ import annotations

from flask import Flask, Response, request
from stager_telemetry import get_logger

from stager_admin.login import Throttle, Users, comes_from_own_page

log = get_logger(__name__)


class Guard:
    """Refuses what may not pass; `/health` alone is open."""

    def __init__(self, users: Users, *, read_only: bool) -> None:
        self._users = users
        self._read_only = read_only
        self._throttle = Throttle()

    def stand_before(self, app: Flask) -> None:
        """Check every request of the application."""
        app.before_request(self._check_caller)
        app.before_request(self._check_change)

    def _check_caller(self) -> Response | None:
        if request.path == "/health":
            return None
        given = request.authorization
        if given is not None:
            name, address = given.username or "", request.remote_addr or ""
            password = (given.password or "") if given.type == "basic" else ""
            if self._throttle.blocked(name, address):
                return Response("Too many wrong passwords; wait a minute.\n", 429, {"Retry-After": "60"})
            if self._throttle.attempt(name, address, lambda: self._users.check(name, password)):
                return None
            log.warning("login failed", user=name if self._users.knows(name) else "", address=address)
        return Response("Log in.\n", 401, {"WWW-Authenticate": 'Basic realm="stager admin"'})

    def _check_change(self) -> Response | None:
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            # rq-dashboard requeues on GET as well.
            changes = request.endpoint == "rq_dashboard.requeue_all"
            return Response("Use POST.\n", 405, {"Allow": "POST"}) if changes else None
        if self._read_only or not comes_from_own_page(request):
            return Response("Not allowed.\n", 403)
        log.info("admin action", user=request.authorization and request.authorization.username, path=request.path)
        return None
