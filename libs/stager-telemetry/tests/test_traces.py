"""Spans, with the libraries' own exporter into memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from stager_telemetry.traces import annotate, close_traces, configure_traces, current_traceparent, span


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Traces this process into memory."""
    exporter = InMemorySpanExporter()
    configure_traces("test", exporter)
    yield exporter
    close_traces()


def test_a_trace_goes_on_in_another_process(exporter: InMemorySpanExporter) -> None:
    """What a submit hands over makes the transfer part of its trace; secrets are no attributes."""
    with span("submit"):
        handed_over = current_traceparent()
    with span("transfer", parent=handed_over, attributes={"id": "j1", "url": "redis://u:pw@host/0"}):
        annotate(verdict="complete")
    close_traces()
    submit, transfer = exporter.get_finished_spans()
    assert transfer.parent
    assert transfer.parent.span_id == submit.context.span_id
    assert transfer.context.trace_id == submit.context.trace_id
    assert dict(transfer.attributes or {}) == {"id": "j1", "url": "redis://u:[hidden]@host/0", "verdict": "complete"}
    assert submit.resource.attributes["service.name"] == "test"


def test_an_error_is_marked(exporter: InMemorySpanExporter) -> None:
    """What is raised inside passes, and its span says so."""
    with pytest.raises(ValueError, match="no"), span("transfer"):
        raise ValueError("no")
    close_traces()
    assert not exporter.get_finished_spans()[0].status.is_ok


def test_a_bad_parent_is_none(exporter: InMemorySpanExporter) -> None:
    """Whatever stands in Redis, the transfer is traced."""
    with span("transfer", parent="00-nonsense"):
        pass
    close_traces()
    assert exporter.get_finished_spans()[0].parent is None


def test_nothing_is_traced_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an endpoint spans cost nothing and hand nothing over."""
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    configure_traces("test")
    with span("submit"):
        assert current_traceparent() == ""
