"""The threads that do the work, each with a connection of its own.

Small and big files wait in queues of their own, so that neither holds up the other; a thread that finds nothing else
to do helps with a big file that is under way.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from s_isync.errors import fault_of_its_own
from s_isync.exit_codes import ExitCode
from s_isync.ramp import Advice, Ramp
from s_isync.stopping import StopFlag

_log = logging.getLogger(__name__)

Task = Callable[[], None]
_WAITING_SMALL = 2000
_WAITING_BIG = 2000
_IDLE = 15.0  # seconds without work after which a connection is of more use to others


class GivenBackError(Exception):
    """A task can't be done by the thread that took it, for want of a connection.

    Args:
        rest: what another thread is to do instead; None for nothing.
    """

    def __init__(self, rest: Task | None) -> None:
        super().__init__("there is no connection for this thread")
        self.rest = rest


class Workers:
    """A pool of daemon threads; a task that raises anything but `GivenBackError` ends the run, as a fault of s-isync.

    They start as there is work for them, a few at once and then as `Ramp` says, and as many as the machine lets start.
    One that gives its task back ends, unless it is the last.

    Args:
        count: threads, and so connections.
        stop: tasks that have not begun when it is set are dropped.
        enter: called by each thread as its first act.
        leave: called by each thread as its last act, and when it has long had nothing to do.
        distant: whether answers take long to come.
    """

    def __init__(
        self,
        count: int,
        stop: StopFlag,
        enter: Callable[[], None],
        leave: Callable[[], None],
        distant: Callable[[], bool],
    ) -> None:
        self._stop = stop
        self._enter = enter
        self._leave = leave
        self._distant = distant
        self._ramp = Ramp(count)
        self._lock = threading.Lock()
        self._work_waits = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._small: deque[Task] = deque()
        self._big: deque[Task] = deque()
        self._assists: deque[Task] = deque()
        self._running_big = 0
        self._busy = 0
        self._most_big = max(1, count // 2)
        self._closed = False
        self._threads: list[threading.Thread] = []
        self._running = 0
        self._too_many = 0

    def submit(self, task: Task, *, big: bool) -> None:
        """Queue a task; waits while its queue is full. Nothing happens once the run is ending.

        Raises:
            RuntimeError: not a single thread can be started.
        """
        queue, limit = (self._big, _WAITING_BIG) if big else (self._small, _WAITING_SMALL)
        with self._lock:
            while len(queue) >= limit and not self._stop.stopped:
                self._room.wait(0.2)
            if self._stop.stopped:
                return
            queue.append(task)
            self._adjust(helping=False)
            self._work_waits.notify()  # one: to wake all for every file costs more than the file

    def assist(self, task: Task) -> None:
        """Offer a task to threads that have nothing else to do; it may never be run."""
        with self._lock:
            self._assists.append(task)
            self._adjust(helping=True)
            self._work_waits.notify()

    def withdraw(self, task: Task) -> None:
        """Take back an offer that nobody has taken up."""
        with self._lock:
            while task in self._assists:
                self._assists.remove(task)

    def finish(self, seconds: float | None = None) -> bool:
        """Wait until every task is done, and let the threads go.

        Args:
            seconds: how long to wait at most, counted from when the run is stopped; None waits for ever.

        Returns:
            Whether all threads have ended.
        """
        with self._lock:
            self._closed = True
            self._work_waits.notify_all()
        waited = 0.0
        for thread in self._threads:
            while thread.is_alive():
                thread.join(0.1)
                if self._stop.stopped and seconds is not None:
                    waited += 0.1
                    if waited > seconds:
                        return False
        return True

    def _adjust(self, *, helping: bool) -> None:
        """One thread more or less, if that is called for; there is work waiting."""
        now = time.monotonic()
        advice = self._ramp.advise(now, self._running, helping=helping, distant=self._distant())
        if advice is Advice.START_ONE:
            thread = threading.Thread(target=self._work, name=f"worker-{len(self._threads)}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # a limit of processes, of the user or of the container
                if not self._running:
                    raise
                _log.warning("no more than %d threads can be started; going on with these", self._running)
                self._ramp.limit(self._running)
                return
            self._threads.append(thread)
            self._running += 1
        elif advice is Advice.END_ONE:
            self._too_many += 1
            self._running -= 1
        else:
            return
        self._ramp.changed(now, self._running)

    def _work(self) -> None:
        try:
            self._enter()
            goes_on = True
            while goes_on and (taken := self._take()) is not None:
                task, big = taken
                given_back: GivenBackError | None = None
                try:
                    task()
                except GivenBackError as error:
                    given_back = error
                finally:
                    with self._lock:
                        self._running_big -= big
                        self._busy -= 1
                        if given_back is not None:
                            goes_on = self._take_back(given_back.rest, big=big)
                        else:
                            self._ramp.done(time.monotonic())
                        if big or not self._busy:  # what waited for this may go on
                            self._work_waits.notify_all()
        except BaseException:  # noqa: BLE001 - logged, and the run ends as internal
            _log.exception("a task failed")
            self._stop.stop(ExitCode.INTERNAL, fault_of_its_own(None))
        finally:
            self._leave()

    def _take_back(self, task: Task | None, *, big: bool) -> bool:
        """Let another thread do it, first of all; whether the calling one is needed for that."""
        if task is not None:
            (self._big if big else self._small).appendleft(task)
            self._work_waits.notify()
        if self._running == 1:
            return True
        self._running -= 1
        self._ramp.refused(time.monotonic(), self._running)
        return False

    def _take(self) -> tuple[Task, bool] | None:
        idle_from = time.monotonic()
        with self._lock:
            while not self._stop.stopped:
                if self._too_many:
                    self._too_many -= 1
                    self._work_waits.notify()  # what this one was woken for is another one's
                    return None
                big = bool(self._big) and (self._running_big < self._most_big or not self._small)
                if big or self._small:
                    self._running_big += big
                    self._busy += 1
                    if len(self._big) + len(self._small) > 1:
                        self._adjust(helping=False)
                    self._room.notify()
                    return (self._big if big else self._small).popleft(), big
                if self._assists:
                    self._busy += 1
                    return self._assists.popleft(), False
                if self._closed and not self._busy:
                    return None
                if time.monotonic() > idle_from + _IDLE:
                    self._busy += 1
                    return self._leave, False
                self._work_waits.wait(0.2)
            return None
