"""Traces through OpenTelemetry, where it is configured; nothing, and at no cost, where it isn't.

Its own variables say where spans go: `OTEL_EXPORTER_OTLP_ENDPOINT` (or `..._TRACES_ENDPOINT`), `OTEL_SERVICE_NAME`,
`OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`, `OTEL_SDK_DISABLED`. They are sent over HTTP. The libraries are the
extra `stager-telemetry[traces]`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stager_telemetry.redact import redact_text

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PARENT = "traceparent"


class _Traces:
    provider: TracerProvider | None = None


def configure_traces(service: str, exporter: SpanExporter | None = None) -> None:
    """Begin to trace this process, if an endpoint is configured or an exporter given. To be called after a fork.

    Args:
        service: What it is called where OTEL_SERVICE_NAME doesn't say.
        exporter: Where spans go instead of where the variables say.

    Raises:
        ImportError: It is configured, and its libraries are missing.
    """
    wanted = any(os.environ.get(name) for name in _ENDPOINTS) and os.environ.get("OTEL_SDK_DISABLED") != "true"
    if not wanted and exporter is None:
        return
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if exporter is None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter()
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: service}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _Traces.provider = provider


def close_traces() -> None:
    """Send what was not sent yet; at the end of a process."""
    if _Traces.provider:
        _Traces.provider.shutdown()
        _Traces.provider = None


@contextmanager
def span(name: str, *, parent: str = "", attributes: Mapping[str, str | int | float] | None = None) -> Iterator[None]:
    """Trace what happens inside; what it raises is marked on it.

    Args:
        name: What happens, such as `transfer`.
        parent: The `traceparent` of what this belongs to, perhaps in another process; absent: the span around it.
        attributes: What tells it from others; texts are freed from what looks like a secret.
    """
    if _Traces.provider is None:
        yield
        return
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract({_PARENT: parent}) if parent else None
    clean = {key: redact_text(value) if isinstance(value, str) else value for key, value in (attributes or {}).items()}
    tracer = _Traces.provider.get_tracer("stager")
    with tracer.start_as_current_span(name, context=context, attributes=clean):
        yield


def annotate(**attributes: str | float) -> None:
    """Add to the span around this."""
    if _Traces.provider is None:
        return
    from opentelemetry.trace import get_current_span

    for key, value in attributes.items():
        get_current_span().set_attribute(key, redact_text(value) if isinstance(value, str) else value)


def current_traceparent() -> str:
    """The span around this, as another process takes it for `parent`; empty where nothing is traced."""
    if _Traces.provider is None:
        return ""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get(_PARENT, "")
