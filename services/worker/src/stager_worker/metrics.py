"""This worker's metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Histogram
from stager_jobs.job import Priority
from stager_jobs.rq_store.lease import Verdict
from stager_jobs.rq_store.outbox import Kind
from stager_telemetry.metrics import CurrentFigures, Figure

from stager_worker.tally import Ended
from stager_worker.verdicts import EXIT_CODES

_WAITS = (0.5, 1, 5, 15, 60, 300, 1800, 7200, 43200)
_RUNS = (1, 5, 15, 60, 300, 1800, 7200, 43200, 259200)
_OWN_FAULTS = (
    *(("fatal", code) for code in ("no_keyring", "credential", "wrong_user", "no_user")),
    *(("transient", code) for code in ("worker", "timeout", "no_progress", "killed", "no_user")),
)
"""Failures beside those that s-isync's exit code tells."""


class WorkerMetrics:
    """Counters of this worker, beside the figures of the queues that every worker sees alike.

    Args:
        queues: Reads the figures of the queues.
    """

    def __init__(self, queues: Callable[[], Iterable[Figure]]) -> None:
        self.registry = CollectorRegistry()
        CurrentFigures(queues, self.registry)
        name, by = self.registry, Counter
        self._attempts = by("stager_attempts", "Attempts that ended", ["queue", "verdict"], registry=name)
        self._failures = by("stager_failures", "Attempts that failed", ["error_class", "code"], registry=name)
        self._bytes = by("stager_transferred_bytes", "Bytes moved", ["direction"], registry=name)
        self._files = by("stager_files", "Files by their fate", ["outcome"], registry=name)
        self._notices = by("stager_notices", "Mails and webhooks", ["kind", "way", "outcome"], registry=name)
        self._run = Histogram(
            "stager_attempt_seconds", "How long attempts took", ["queue"], buckets=_RUNS, registry=name
        )
        self._wait = Histogram(
            "stager_wait_seconds", "How long jobs waited for a worker", ["queue"], buckets=_WAITS, registry=name
        )
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Tell of failures from the start: Prometheus takes no notice of a counter's first step if it begins at one."""
        for code, error_class in EXIT_CODES.values():
            self._failures.labels(error_class.value, code)
        for kind, code in _OWN_FAULTS:
            self._failures.labels(kind, code)
        for queue, verdict in product(Priority, Verdict):
            self._attempts.labels(queue.value, verdict.value)
        for kind, way, outcome in product(Kind, ("mail", "admin", "hook"), ("sent", "delayed", "given_up")):
            self._notices.labels(kind.value, way, outcome)

    def ended(self, ended: Ended) -> None:
        """Count an attempt."""
        self._attempts.labels(ended.queue, ended.verdict).inc()
        if ended.error_class:
            self._failures.labels(ended.error_class, ended.code).inc()
        self._bytes.labels(ended.direction).inc(ended.bytes_transferred)
        for outcome in ("transferred", "skipped", "failed"):
            self._files.labels(outcome).inc(getattr(ended, f"files_{outcome}"))
        self._run.labels(ended.queue).observe(ended.seconds)
        self._wait.labels(ended.queue).observe(ended.seconds_in_line)

    def told(self, kind: str, way: str, outcome: str) -> None:
        """Count a mail or a webhook: `sent`, `delayed` or `given_up`."""
        self._notices.labels(kind, way, outcome).inc()
