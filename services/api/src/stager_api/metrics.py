"""Figures about calls, for Prometheus; those about queues come from the job store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_FAULTS = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
_SECONDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)


class CallMetrics:
    """Counts calls by method and status, measures how long they take, and how many are under way."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter("stager_api_calls", "Calls that have ended", ["method", "code"], registry=registry)
        self._open = Gauge("stager_api_open_calls", "Calls under way", ["method"], registry=registry)
        self._seconds = Histogram(
            "stager_api_call_seconds", "How long calls take", ["method"], buckets=_SECONDS, registry=registry
        )

    @contextmanager
    def call(self, method: str) -> Iterator[CallOutcome]:
        """Count the block as a call of this method, whose name has to be one of the contract's."""
        outcome = CallOutcome()
        began = time.perf_counter()
        self._open.labels(method).inc()
        for fault in _FAULTS:
            self._calls.labels(method, fault.name)  # begins at zero, so that Prometheus sees its first step
        try:
            yield outcome
        except BaseException:
            if outcome.code is grpc.StatusCode.OK:
                outcome.code = grpc.StatusCode.CANCELLED
            raise
        finally:
            self._open.labels(method).dec()
            self._seconds.labels(method).observe(time.perf_counter() - began)
            self._calls.labels(method, outcome.code.name).inc()


class CallOutcome:
    """How a call ends; OK unless it is set to something else."""

    code = grpc.StatusCode.OK
