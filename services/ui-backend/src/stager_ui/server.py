"""The application under gunicorn."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.glogging import Logger
from stager_telemetry import configure_logging

from stager_ui.app import create_app
from stager_ui.settings import UiSettings

GRACE_SECONDS = 20


def serve(settings: UiSettings) -> None:
    """Serve until told to end; prints `ready HOST:PORT` on stdout once browsers may come."""
    configure_logging("ui", level=settings.logs.level, log_format=settings.logs.format)
    # One line for each request to WebDAV says nothing that a failure's own line doesn't.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    _Server(settings).run()  # type: ignore[no-untyped-call] # gunicorn has few annotations


class _Logs(Logger):
    """Leaves gunicorn's lines to the service's own logging."""

    def setup(self, cfg: Config) -> None:
        self.cfg = cfg
        self.error_log.propagate = True
        self.access_log.disabled = True


class _Server(BaseApplication):
    def __init__(self, settings: UiSettings) -> None:
        self._settings = settings
        super().__init__()  # type: ignore[no-untyped-call] # as above

    def load_config(self) -> None:
        listen = self._settings.listen
        host = f"[{listen.host}]" if ":" in listen.host else listen.host
        options: dict[str, Any] = {
            "bind": f"{host}:{listen.port}",
            "workers": listen.workers,
            "threads": listen.threads,
            "worker_class": "gthread",
            "graceful_timeout": GRACE_SECONDS,
            "timeout": 120,
            "keepalive": 15,
            "worker_tmp_dir": "/dev/shm",  # noqa: S108 - gunicorn's heartbeat file, unlinked once open
            "control_socket_disable": True,
            "when_ready": _say_ready,
            "logger_class": _Logs,
        }
        if listen.certificate:
            options |= {"certfile": str(listen.certificate), "keyfile": str(listen.private_key)}
        assert self.cfg is not None  # noqa: S101 - made by the base class before it calls this
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        # In each worker, after the fork: connections and gRPC's threads don't survive one.
        return create_app(self._settings)


def _say_ready(arbiter: Arbiter) -> None:
    host, port = arbiter.LISTENERS[0].sock.getsockname()[:2]
    print(f"ready {host}:{port}", flush=True)  # noqa: T201 - what starts this service waits for the line
