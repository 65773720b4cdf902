"""Threads for what blocks: Redis, password hashes, the identity provider, children that list directories."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from stager_api.errors import ExhaustedError

P = ParamSpec("P")
T = TypeVar("T")


class Pool:
    """A few threads, and a line of bounded length before them."""

    def __init__(self, name: str, threads: int, line: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = threads + line
        self._busy = 0

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function returns or raises, called in a thread with the caller's context.

        Raises:
            ExhaustedError: The line is full.
        """
        if self._busy >= self._most:
            raise ExhaustedError("the service is busy; try again in a moment")
        self._busy += 1
        context = contextvars.copy_context()
        future = self._executor.submit(lambda: context.run(function, *args, **kwargs))
        future.add_done_callback(self._done(asyncio.get_running_loop()))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Take no more, and don't wait."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _done(self, loop: asyncio.AbstractEventLoop) -> Callable[[object], None]:
        def count() -> None:
            self._busy -= 1

        def done(_future: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(count)

        return done


class Threads:
    """The pools. What is slow has one of its own, so that it can't hold up the rest."""

    def __init__(self) -> None:
        self._jobs = Pool("jobs", 8, 2000)
        self._logins = Pool("logins", 2, 200)
        self._provider = Pool("provider", 8, 200)
        self._directories = Pool("directories", 8, 100)
        self._projects = Pool("projects", 4, 100)
        self.jobs = self._jobs.run
        self.login = self._logins.run
        self.provider = self._provider.run
        self.directories = self._directories.run
        self.projects = self._projects.run

    def close(self) -> None:
        """Take no more, and don't wait."""
        for pool in (self._jobs, self._logins, self._provider, self._directories, self._projects):
            pool.close()
