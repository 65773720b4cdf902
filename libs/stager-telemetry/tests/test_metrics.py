"""Figures as Prometheus reads them, over HTTP."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter
from stager_telemetry.metrics import CurrentFigures, MetricsServer


@dataclass
class Depth:
    """A figure."""

    name: str
    text: str
    labels: Mapping[str, str]
    value: float


def told(port: int) -> str:
    """What the endpoint says."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def test_figures_are_read_when_asked() -> None:
    """Counters and the figures of the moment are told together, and a failure of one hides no other."""
    registry = CollectorRegistry()
    Counter("ended", "Attempts that ended", registry=registry).inc()
    depths = [1.0]

    def read() -> Iterator[Depth]:
        for depth in depths:
            yield Depth("depth", "Jobs", {"queue": "low"}, depth)
        if not depths:
            raise ConnectionError("Redis is away")

    CurrentFigures(read, registry)
    server = MetricsServer(registry, "127.0.0.1", 0)
    assert 'depth{queue="low"} 1.0' in told(server.port)
    depths[:] = [7.0]
    assert 'depth{queue="low"} 7.0' in told(server.port)
    depths.clear()
    text = told(server.port)
    assert "ended_total 1.0" in text
    assert "depth" not in text
    server.close()
