"""Following jobs over connections that come and go."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from stager.v1 import job_pb2
from stager.v1.job_service_pb2 import WatchRequest, WatchResponse

from stager_client.calls import Steps
from stager_client.errors import NotFoundError, StagerError, TimedOutError, UnavailableError
from stager_client.job_states import has_ended
from stager_client.operations import get, list_page
from stager_client.retry import Retry

STREAM_SECONDS: Final = 120.0
"""A stream is asked for anew after this long, since silence looks the same from a job that waits and from a stager
that is gone without a word."""


@dataclass(frozen=True)
class JobEvent:
    """A job as it stands now.

    Attributes:
        job: The job; only its id is set if it was deleted.
        deleted: Its record was removed.
    """

    job: job_pb2.Job
    deleted: bool = False

    @property
    def final(self) -> bool:
        """Whether nothing more comes about this job by itself."""
        return self.deleted or has_ended(self.job)


class Following:
    """What is known of the jobs so far: which are still to be followed, and what was told already."""

    def __init__(self, ids: Iterable[str], stager_user: str, *, skip_ended: bool = False) -> None:
        self._all = not (pending := dict.fromkeys(ids))
        self._pending = pending
        self._stager_user = stager_user
        self._skip_ended = skip_ended
        self._told: dict[str, bytes] = {}

    @property
    def named(self) -> bool:
        """Whether jobs were named, so that the watch has an end."""
        return not self._all

    def is_done(self) -> bool:
        """Whether every job that was named has ended; never where none was."""
        return self.named and not self._pending

    @property
    def pending(self) -> list[str]:
        """The named jobs that haven't ended."""
        return list(self._pending)

    def request(self) -> WatchRequest:
        """Ask for what is still to be followed."""
        if self.named:
            return WatchRequest(ids=self._pending)
        # After a reconnect those that ended meanwhile have to be told, so only the first stream leaves ended ones out.
        return WatchRequest(stager_user=self._stager_user, skip_ended=self._skip_ended and not self._told)

    def take(self, response: WatchResponse) -> JobEvent | None:
        """Note what the stager tells; returns the event, unless it was told before a reconnect."""
        if response.change == WatchResponse.CHANGE_DELETED:
            return self.gone(response.job.id)
        event = JobEvent(response.job)
        if event.final:
            self._pending.pop(response.job.id, None)
        told = response.job.SerializeToString(deterministic=True)
        if self._told.get(response.job.id) == told:
            return None
        new = response.job.id not in self._told
        if new and event.final and self._skip_ended and not self.named:
            return None
        self._told[response.job.id] = told
        return event

    def gone(self, job_id: str) -> JobEvent:
        """Note that a job's record was removed."""
        self._pending.pop(job_id, None)
        self._told.pop(job_id, None)
        return JobEvent(job_pb2.Job(id=job_id), deleted=True)

    def was_told(self, job_id: str) -> bool:
        """Whether the caller has had an event of this job."""
        return job_id in self._told


class Outage:
    """How long the stager has been out of reach."""

    def __init__(self, retry: Retry) -> None:
        self._retry = retry
        self._since: float | None = None
        self._delays = retry.delays()

    def over(self) -> None:
        """The stager was heard."""
        self._since = None
        self._delays = self._retry.delays()

    def wait(self, error: StagerError) -> float:
        """Return the seconds to wait before the next try; raises the error once patience has run out."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since > self._retry.patience:
            raise error
        return next(self._delays)


@dataclass(frozen=True)
class Pause:
    """What to do between two streams.

    Attributes:
        seconds: To wait.
        events: To tell meanwhile.
        lost: Why the stream ended, where that is worth telling.
    """

    seconds: float = 0.0
    events: Sequence[JobEvent] = ()
    lost: StagerError | None = None


def after_stream(following: Following, outage: Outage, error: StagerError | None, *, heard: bool) -> Steps[Pause]:
    """Decide how a watch goes on after a stream has ended before the jobs did.

    Args:
        following: What is known of the jobs.
        outage: How long the stager has been out of reach.
        error: What ended the stream; None: the stager ended it without an error.
        heard: Something came over this stream.

    Raises:
        StagerError: It doesn't go on: not allowed, no such job, or out of reach for too long.
    """
    try:
        if isinstance(error, NotFoundError) and following.named:
            return Pause(events=(yield from _after_not_found(following)))
        if isinstance(error, TimedOutError):
            if not heard:  # silent all the time: is anybody there?
                yield from list_page(states=(), search="", stager_user="", page_size=1, page_token="")
            outage.over()
            return Pause()
    except UnavailableError as still_lost:
        error = still_lost
    if error is None:
        error = UnavailableError("the stager ended the watch before the jobs ended")
    if not error.transient:
        raise error
    return Pause(outage.wait(error), lost=error)


def _after_not_found(following: Following) -> Steps[list[JobEvent]]:
    """Tell which of the jobs are gone; raises NotFoundError for one that was never there."""
    events = []
    for job_id in following.pending:
        try:
            job = yield from get(job_id)
        except NotFoundError:
            if not following.was_told(job_id):
                raise
            events.append(following.gone(job_id))
        else:
            current = WatchResponse(change=WatchResponse.CHANGE_CURRENT, job=job)
            if (event := following.take(current)) is not None:
                events.append(event)
    return events
