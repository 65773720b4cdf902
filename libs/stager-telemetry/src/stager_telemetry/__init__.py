"""Structured logs without secrets, metrics and traces, set up the same way in every service."""

from stager_telemetry.logs import bind_log_context, clear_log_context, configure_logging, get_logger

__all__ = ["bind_log_context", "clear_log_context", "configure_logging", "get_logger"]
