"""Metrics for Prometheus, on an HTTP endpoint of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from stager_telemetry.logs import get_logger

log = get_logger(__name__)


class Figure(Protocol):
    """A figure at the moment at which it is asked for."""

    @property
    def name(self) -> str:
        """The metric's name."""

    @property
    def text(self) -> str:
        """What it means."""

    @property
    def labels(self) -> Mapping[str, str]:
        """What tells it from others of its name."""

    @property
    def value(self) -> float:
        """How much."""


class CurrentFigures(Collector):
    """Gauges that are read whenever somebody asks; where that fails, the rest of the metrics is still told.

    Args:
        read: Gives the figures of this moment. What it raises is logged.
        registry: Where to be found.
    """

    def __init__(self, read: Callable[[], Iterable[Figure]], registry: CollectorRegistry) -> None:
        self._read = read
        registry.register(self)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing beforehand: to register is not to read."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures, those of one name together."""
        families: dict[str, GaugeMetricFamily] = {}
        try:
            for figure in self._read():
                labels = sorted(figure.labels)
                family = families.setdefault(figure.name, GaugeMetricFamily(figure.name, figure.text, labels=labels))
                family.add_metric([figure.labels[label] for label in labels], figure.value)
        except Exception as error:  # noqa: BLE001 - whatever it is, it may not hide the other metrics
            log.warning("figures can't be read now", reason=str(error))
        yield from families.values()


class MetricsServer:
    """Answers `GET /metrics` in threads of its own, until it is closed. It has no login: for a closed network.

    Args:
        registry: What to tell.
        host: Address to listen on.
        port: Port to listen on; 0 for one of the kernel's choice.

    Attributes:
        port: The port that it listens on.

    Raises:
        OSError: The address can't be listened on.
    """

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        self._server, self._thread = start_http_server(port, host, registry)
        self.port = int(self._server.server_port)

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
