"""The form's collections, kept in memory and renewed every hour, whatever goes wrong in between."""

from __future__ import annotations

import threading
from collections.abc import Callable

from stager_telemetry import get_logger

from stager_api.projects.answers import SourceError
from stager_api.projects.ppm import Collections

log = get_logger(__name__)


class RefreshedCollections:
    """Renews what `fetch` gives in a thread of its own; after an error it keeps what it has, and tries again sooner."""

    def __init__(self, fetch: Callable[[], Collections], every: float = 3600.0, again: float = 60.0) -> None:
        self._fetch = fetch
        self._every = every
        self._again = again
        self._stop = threading.Event()
        self._collections: Collections | None = None

    def start(self) -> None:
        """Begin to renew; returns at once."""
        threading.Thread(target=self._renew, name="ppm-refresh", daemon=True).start()

    def close(self) -> None:
        """Renew no more."""
        self._stop.set()

    def known(self) -> Collections | None:
        """What was fetched last; None if nothing was yet."""
        return self._collections

    def _renew(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                self._collections = self._fetch()
            except SourceError as error:
                log.warning("collections of the PPM form not renewed", reason=str(error), again_in=self._again)
                pause = self._again
            except Exception:
                log.exception("collections of the PPM form not renewed", again_in=self._again)
                pause = self._again
            else:
                log.info("collections of the PPM form renewed", projects=len(self._collections))
                pause = self._every
