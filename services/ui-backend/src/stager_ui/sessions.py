"""Flask's sessions on the session store, and the cookie that names them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, cast

from flask import Flask, Request, Response, g
from flask import session as flask_session
from flask.sessions import SessionInterface, SessionMixin
from redis.exceptions import RedisError

from stager_ui.session_store import SessionStore, new_session_id

BACKGROUND_HEADER = "Stager-Background"
"""On requests that a page makes by itself: they don't keep a session alive that nobody sits before."""


class StagerSession(dict[str, Any], SessionMixin):
    """What is remembered of one browser. Values are plain JSON; each top-level key is stored by itself."""

    def __init__(self, session_id: str, values: dict[str, Any], *, new: bool) -> None:
        super().__init__(values)
        self.session_id = session_id
        self.new = new
        self.fault: RedisError | None = None
        """Why it couldn't be looked up; then nobody knows whose request this is."""
        self.retired: list[str] = []
        self._stored = {name: json.dumps(value) for name, value in values.items()}

    @property
    def lock_name(self) -> str:
        """A name for locks on this session that doesn't tell its id."""
        return hashlib.sha256(b"lock" + self.session_id.encode()).hexdigest()

    def changes(self) -> tuple[dict[str, Any], set[str]]:
        """What differs from the store: values to write, names to forget."""
        changed = {name: value for name, value in self.items() if self._stored.get(name) != json.dumps(value)}
        return changed, self._stored.keys() - self.keys()

    def is_stored(self, name: str, value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        """Take over what was written by another way, so that it isn't written again over something newer."""
        self[name] = value
        self._stored[name] = json.dumps(value)

    def start_afresh(self) -> None:
        """Forget everything and go on under a new id, so that an id that somebody knew before is worth nothing."""
        self.retired.append(self.session_id)
        self.clear()
        self._stored = {}
        self.session_id = new_session_id()
        self.new = True


def current_session() -> StagerSession:
    """The session of the request at hand."""
    # flask.session is a proxy; its methods are what it stands for.
    return cast("StagerSession", flask_session)


class RedisSessions(SessionInterface):
    """Loads a session before a request and writes what has changed after it.

    Args:
        store: Where sessions are kept.
        secure: Whether the cookie travels by https only; its name then has the prefix that makes browsers insist.
        unavailable: The answer to a request whose changes couldn't be kept.
    """

    def __init__(self, store: SessionStore, *, secure: bool, unavailable: Callable[[RedisError], Response]) -> None:
        self._store = store
        self._secure = secure
        self._unavailable = unavailable
        self._cookie = "__Host-stager" if secure else "stager"

    def open_session(self, app: Flask, request: Request) -> StagerSession:  # noqa: ARG002 - Flask's signature
        """The session that the cookie names, or a new and empty one."""
        session_id = request.cookies.get(self._cookie, "")
        try:
            values = self._store.load(session_id) if session_id and request.endpoint != "assets.asset" else None
        except RedisError as error:
            # Raised from here, Flask would answer without our handlers; the gate before every view raises it.
            lost = StagerSession(new_session_id(), {}, new=True)
            lost.fault = error
            return lost
        if values is None:
            return StagerSession(new_session_id(), {}, new=True)
        return StagerSession(session_id, values, new=False)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:  # noqa: ARG002 - Flask's
        """Write what has changed; every request but a page's own ones prolongs the session."""
        ours = cast("StagerSession", session)
        if ours.fault is not None:
            return
        try:
            self._save(ours, response)
        except RedisError as error:
            # Here, too, Flask knows no handlers any more, and what the view said isn't so.
            told = self._unavailable(error)
            response.status_code = told.status_code
            response.headers["Content-Type"] = told.headers["Content-Type"]
            response.set_data(told.get_data())
            for name in ("Location", "Set-Cookie"):
                response.headers.pop(name, None)

    def _save(self, ours: StagerSession, response: Response) -> None:
        for session_id in ours.retired:
            self._store.delete(session_id)
        changed, removed = ours.changes()
        background = bool(g.get("background"))
        if ours.new and not changed:
            if ours.retired:
                response.delete_cookie(self._cookie, secure=self._secure, httponly=True, samesite="Lax")
            return
        if changed or removed:
            self._store.save(ours.session_id, changed, removed, new=ours.new, prolong=not background)
        elif not background:
            self._store.prolong(ours.session_id)
        if ours.new:
            response.set_cookie(self._cookie, ours.session_id, secure=self._secure, httponly=True, samesite="Lax")
