"""How the queues stand, as figures for whoever watches over the stager."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stager_jobs.job import Priority


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure at this moment; `labels` tell it from others of its name."""

    name: str
    text: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """All queues at one moment. Costs of getting them don't grow with the number of waiting or ended jobs."""

    waiting: Mapping[Priority, int]
    """Jobs that wait for a worker."""
    delayed: Mapping[Priority, int]
    """Jobs that wait for their time, most of them for another attempt."""
    active: Mapping[Priority, int]
    """Jobs that run."""
    ended: Mapping[Priority, int]
    """Records of completed, failed and stopped jobs that are kept."""
    seconds_in_line: Mapping[Priority, float]
    """How long the first in line has been waiting."""
    active_owners: int
    """How many users have jobs that run."""
    workers: int
    """How many worker processes are known to live."""

    def gauges(self) -> Iterator[Gauge]:
        """Each figure with the name under which it is published."""
        for name, text, values in (
            ("stager_queue_waiting_jobs", "Jobs that wait for a worker", self.waiting),
            ("stager_queue_delayed_jobs", "Jobs that wait for their time", self.delayed),
            ("stager_queue_active_jobs", "Jobs that run", self.active),
            ("stager_queue_ended_jobs", "Records of ended jobs that are kept", self.ended),
            ("stager_queue_first_waits_seconds", "How long the first in line has waited", self.seconds_in_line),
        ):
            for priority, value in values.items():
                yield Gauge(name, text, {"queue": priority.value}, value)
        yield Gauge("stager_active_users", "Users whose jobs run", {}, self.active_owners)
        yield Gauge("stager_worker_processes", "Worker processes that live", {}, self.workers)
