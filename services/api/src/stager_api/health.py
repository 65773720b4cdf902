"""What probes are told: the parts that need the queue serve while it can be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer
from stager_jobs.errors import JobStoreError
from stager_telemetry import get_logger

log = get_logger(__name__)

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class QueueHealth:
    """Looks at the queue every few seconds and tells the health service."""

    def __init__(self, check: Callable[[], None], names: Sequence[str], seconds: float = 2.0) -> None:
        """Nothing is looked at before `watch`.

        Args:
            check: Blocks until the queue has answered; raises JobStoreError if it doesn't.
            names: The parts that need the queue, as probes name them.
            seconds: Between two looks.
        """
        self._check = check
        self._names = names
        self._seconds = seconds
        self._known: bool | None = None

    async def look(self, health: HealthServicer) -> None:
        """Look once."""
        try:
            await asyncio.to_thread(self._check)
            reachable = True
        except JobStoreError as error:
            reachable = False
            if self._known is not False:
                log.warning("the queue can't be reached", reason=str(error))
        if reachable and self._known is False:
            log.info("the queue can be reached again")
        if reachable is not self._known:
            self._known = reachable
            for name in self._names:
                await health.set(name, SERVING if reachable else NOT_SERVING)

    async def watch(self, health: HealthServicer) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            await self.look(health)
