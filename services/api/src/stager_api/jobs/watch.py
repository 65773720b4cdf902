"""Following jobs: one subscription to changes for all watchers, one look at a changed job for all of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from stager_jobs.errors import JobStoreError
from stager_jobs.job import ENDED, Job
from stager_jobs.store import ChangeFeed, JobChange, JobInspector, Resync
from stager_telemetry import get_logger

from stager_api.errors import ApiError, ExhaustedError, UnavailableError

log = get_logger(__name__)

TICK_SECONDS = 0.25
"""Changes of one job within this time are told as one."""
RESYNC_SECONDS = 1.0
"""How often, at the most, everything watched is looked at again after changes may have been missed."""
LOOK_AGAIN_SECONDS = 5.0
"""How often watched jobs that have not ended are looked at without a change having been told."""
BATCH = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """A job as it stands; None: its record was removed."""

    job_id: str
    job: Job | None


@dataclass(eq=False, slots=True)
class Watcher:
    """Someone who follows jobs: those with these ids, or all of `owner`.

    What they haven't taken yet is kept as the newest state of each job, so a slow one misses steps, never the end.
    `snapshot` gets their jobs as they stand.
    """

    ids: Collection[str]
    owner: str
    snapshot: Callable[[], Awaitable[Sequence[Job]]]
    news: dict[str, Seen] = field(default_factory=dict)
    told: dict[str, Job | None] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    def offer(self, seen: Seen) -> None:
        """Hand over how a job stands, unless they know.

        An id may come back as another owner's job once its record was deleted: that is none of theirs.
        """
        if seen.job and self.owners.setdefault(seen.job_id, self.owner or seen.job.owner) != seen.job.owner:
            seen = Seen(seen.job_id, None)
        known = self.told.get(seen.job_id, ...)
        if known == seen.job or (known is ... and seen.job is None):
            self.news.pop(seen.job_id, None)
            return
        self.news[seen.job_id] = seen
        self.wake.set()


class Watchers:
    """All of them, found by what they follow."""

    def __init__(self) -> None:
        self._by_id: dict[str, set[Watcher]] = {}
        self._by_owner: dict[str, set[Watcher]] = {}
        self._all: set[Watcher] = set()

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Watcher]:
        return iter(tuple(self._all))

    def add(self, watcher: Watcher) -> None:
        """One more."""
        self._all.add(watcher)
        for table, keys in self._places(watcher):
            for key in keys:
                table.setdefault(key, set()).add(watcher)

    def discard(self, watcher: Watcher) -> None:
        """One less."""
        self._all.discard(watcher)
        for table, keys in self._places(watcher):
            for key in keys:
                table.get(key, set()).discard(watcher)
                if not table.get(key):
                    table.pop(key, None)

    def of(self, change: JobChange) -> set[Watcher]:
        """Those whom a change is about."""
        return self._by_id.get(change.job_id, set()) | self._by_owner.get(change.owner, set())

    def _places(self, watcher: Watcher) -> tuple[tuple[dict[str, set[Watcher]], Collection[str]], ...]:
        return ((self._by_id, watcher.ids), (self._by_owner, (watcher.owner,) if watcher.owner else ()))


class WatchHub:
    """Reads the changes of all jobs in a thread of its own, and tells each watcher of theirs.

    All methods but the reading belong to the event loop that `start` was called in.
    """

    def __init__(
        self, inspector: JobInspector, run: Callable[..., Awaitable[list[Job | None]]], most_watchers: int = 2000
    ) -> None:
        """Nothing is read before `start`.

        Args:
            inspector: Where changes and jobs come from.
            run: Calls a blocking function with arguments outside of the event loop.
            most_watchers: How many there may be at a time.
        """
        self._inspector = inspector
        self._run = run
        self._most = most_watchers
        self._watchers = Watchers()
        self._dirty: dict[str, JobChange] = {}
        self._resync = False
        self._feed: ChangeFeed | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = threading.Event()

    def start(self) -> None:
        """Begin to read changes."""
        loop = asyncio.get_running_loop()
        self._feed = self._inspector.changes()
        threading.Thread(target=self._read, args=(self._feed, loop), name="job-changes", daemon=True).start()
        self._tasks.append(loop.create_task(self._tell()))

    def close(self) -> None:
        """End the subscription and every watcher."""
        self._closed.set()
        if self._feed:
            self._feed.close()
        for task in self._tasks:
            task.cancel()
        for watcher in self._watchers:
            watcher.closed = True
            watcher.wake.set()

    async def follow(
        self, snapshot: Callable[[], Awaitable[Sequence[Job]]], *, ids: Collection[str] = (), owner: str = ""
    ) -> AsyncGenerator[Seen, None]:
        """Each job as it stands, then each time it changed; ends once all of `ids` ended or were removed.

        Args:
            snapshot: Gets the jobs as they stand; called once changes are collected, so that none is missed.
            ids: Which jobs.
            owner: Instead of ids: all jobs of this user, new ones too; then it never ends.

        Raises:
            ExhaustedError: There are too many watchers.
            UnavailableError: The service stops.
        """
        if len(self._watchers) >= self._most:
            raise ExhaustedError("too many watchers at a time; try again later")
        watcher = Watcher(frozenset(ids), owner, snapshot)
        self._watchers.add(watcher)
        try:
            for job in await snapshot():
                # What came as a change meanwhile may be newer; if it is older, another change is on its way.
                if job.id not in watcher.news:
                    watcher.offer(Seen(job.id, job))
            running = set(watcher.ids)
            while not watcher.closed:
                news, watcher.news = watcher.news, {}
                watcher.wake.clear()
                for seen in news.values():
                    watcher.told[seen.job_id] = seen.job
                    yield seen
                    if seen.job is None or seen.job.state in ENDED:
                        running.discard(seen.job_id)
                    elif seen.job_id in watcher.ids:
                        running.add(seen.job_id)
                if ids and not running and not watcher.news:
                    return
                await watcher.wake.wait()
            raise UnavailableError("the service stops; connect again")
        finally:
            self._watchers.discard(watcher)

    def _read(self, feed: ChangeFeed, loop: asyncio.AbstractEventLoop) -> None:
        while not self._closed.is_set():
            try:
                for change in feed:
                    loop.call_soon_threadsafe(self._note, change)
            except Exception:
                if self._closed.is_set():  # connections and the loop are closed under it: the service stops
                    return
                # Without this thread no watcher would ever hear anything again.
                log.exception("changes can't be read; trying again")
                self._closed.wait(1.0)

    def _note(self, change: JobChange | Resync | None) -> None:
        if isinstance(change, Resync):
            self._resync = True
        elif change and self._watchers.of(change):
            self._dirty[change.job_id] = change

    async def _tell(self) -> None:
        loop = asyncio.get_running_loop()
        synced = looked = loop.time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            dirty, self._dirty = self._dirty, {}
            if loop.time() - looked > LOOK_AGAIN_SECONDS:
                looked = loop.time()
                dirty = self._unended() | dirty
            resync = self._resync and loop.time() - synced > RESYNC_SECONDS
            try:
                if resync:
                    self._resync, synced = False, loop.time()
                    await self._look_at_all()
                await self._look(list(dirty.values()))
            except (JobStoreError, ApiError) as error:
                log.warning("watched jobs can't be looked at now", reason=str(error), jobs=len(dirty))
                self._resync = self._resync or resync
                self._dirty = dirty | self._dirty
                await asyncio.sleep(1.0)
            except Exception:
                # Without this task no watcher would ever hear anything again.
                log.exception("watched jobs can't be looked at", jobs=len(dirty))
                await asyncio.sleep(1.0)

    def _unended(self) -> dict[str, JobChange]:
        """Watched jobs that may change without a word: an administrator may have changed them in rq-dashboard."""
        return {
            job_id: JobChange(job_id, job.owner)
            for watcher in self._watchers
            for job_id, job in watcher.told.items()
            if job and job.state not in ENDED
        }

    async def _look_at_all(self) -> None:
        """Changes may have been missed: look at every job that is watched, and for new ones and those that are gone."""
        ids = {job_id: job.owner for watcher in self._watchers for job_id, job in watcher.told.items() if job}
        await self._look([JobChange(job_id, owner) for job_id, owner in ids.items()])
        for watcher in self._watchers:
            if watcher.owner:
                for job in await watcher.snapshot():
                    watcher.offer(Seen(job.id, job))

    async def _look(self, changes: list[JobChange]) -> None:
        for start in range(0, len(changes), BATCH):
            batch = changes[start : start + BATCH]
            jobs = await self._run(self._inspector.get_many, [change.job_id for change in batch])
            for change, job in zip(batch, jobs, strict=True):
                for watcher in self._watchers.of(change):
                    watcher.offer(Seen(change.job_id, job))
