"""Log lines: JSON for machines, coloured text for a terminal, always to stderr."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from stager_telemetry.redact import redact_event

LogFormat = Literal["json", "console", "auto"]
LogLevel = Literal["debug", "info", "warning", "error"]


class _StderrHandler(logging.Handler):
    """Writes to what stderr is at that moment: a program that replaces it, as tests do, leaves no closed file here."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line at once, and whole: several processes share a log."""
        try:
            line = self.format(record) + "\n"
            sys.stderr.write(line)
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 # logging's own way to tell of a line that can't be written
            self.handleError(record)


def configure_logging(service: str, *, level: LogLevel = "info", log_format: LogFormat = "auto") -> None:
    """Send this process's log lines, and those of its libraries, to stderr in one form.

    Each line has `time` (ISO 8601, UTC), `level`, `service`, `event` and what was bound. `auto` means text where
    stderr is a terminal and JSON elsewhere. May be called again, such as after a fork.
    """
    console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())

    def add_service(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event.setdefault("service", service)
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.stdlib.ExtraAdder(),
        add_service,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact_event,
    ]
    renderer: Processor = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    handler = _StderrHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger; call it with a short event name and keyword values: `log.info("job stopped", job_id=...)`."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


def bind_log_context(**values: object) -> None:
    """Add values, such as job_id, user and request_id, to every line that this thread or task logs from now on."""
    structlog.contextvars.bind_contextvars(**values)


def clear_log_context() -> None:
    """Forget what `bind_log_context` added."""
    structlog.contextvars.clear_contextvars()
