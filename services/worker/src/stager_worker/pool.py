"""A process for each job that runs, one that waits for the next, and one that watches over them."""

from __future__ import annotations

import gc
import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from stager_telemetry import get_logger

from stager_worker.prctl import adopt_orphans, die_with_parent
from stager_worker.stopping import Stopping

log = get_logger(__name__)

_LONGEST_PAUSE = 30.0
_STEADY = 10.0
"""Seconds after which a process that ended is started again at once."""
_LOOK_EVERY = 0.2
_PIPE = 65_536
"""Bytes: all that a pipe holds, so that no line is read in two halves."""
_TAKEN, _DONE = b"+", b"-"

Work = Callable[[Stopping], None]
Slot = Callable[[Stopping, "Turn"], None]


class Turn:
    """What a slot tells its pool: when it has taken a job, and when it will take no more.

    So the pool keeps one slot waiting while fewer jobs run than may, and no more: an idle one is megabytes of memory.
    """

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def taken(self) -> None:
        """A job has been taken; another slot should wait for the next."""
        self._say(_TAKEN)

    def done(self) -> None:
        """The job is at its end, and this process will be at once; another one may take its place."""
        self._say(_DONE)

    def _say(self, word: bytes) -> None:
        os.write(self._pipe, word + str(os.getpid()).encode() + b"\n")  # so short that it is written in one piece


class _Slots:
    """The slots that live, by their pids."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._read, pipe = os.pipe()
        self.turn = Turn(pipe)
        self._poll = select.poll()
        self._poll.register(self._read, select.POLLIN)
        self.pids: set[int] = set()
        self._busy: set[int] = set()
        self.leaving: set[int] = set()

    @property
    def wanted(self) -> bool:
        """Whether there should be one more."""
        staying = self.pids - self.leaving
        return len(staying) < self._most and staying <= self._busy

    def listen(self) -> None:
        """Hear what they say, if they do within a moment."""
        if not self._poll.poll(_LOOK_EVERY * 1000):
            return
        for line in os.read(self._read, _PIPE).splitlines():
            known = {_TAKEN: self._busy, _DONE: self.leaving}[line[:1]]
            known.update(self.pids & {int(line[1:])})

    def forget(self, pid: int) -> None:
        """It has ended."""
        for known in (self.pids, self._busy, self.leaving):
            known.discard(pid)


def run_pool(concurrency: int, slot: Slot, keeper: Work) -> None:
    """Run `slot` in as many processes as jobs need, up to `concurrency`, and `keeper` in one.

    A slot runs one job and ends. One that ends unasked, or a keeper, is followed by another. SIGTERM or SIGINT ends
    them, the keeper last, since what the slots have just ended is still to be told.
    """
    stopping = Stopping()
    stopping.watch()
    adopt_orphans()
    gc.freeze()  # what is loaded by now stays shared between the processes
    slots = _Slots(concurrency)
    started: dict[int, float] = {}
    keeping = 0
    told: set[int] = set()
    pause = 0.5
    while started or not stopping():
        if stopping():
            asked = slots.pids or set(started)
            _tell(asked - told)
            told |= asked
        else:
            if keeping not in started:
                keeping = _start(keeper)
                started[keeping] = time.monotonic()
            if slots.wanted:
                pid = _start(lambda own: slot(own, slots.turn))
                slots.pids.add(pid)
                started[pid] = time.monotonic()
        slots.listen()
        while (ended := _ended())[0]:
            pid, status = ended
            since = started.pop(pid, None)
            expected = stopping() or since is None or pid in slots.leaving
            slots.forget(pid)
            if expected or since is None:
                continue
            pause = 0.5 if time.monotonic() - since > _STEADY else min(pause * 2, _LONGEST_PAUSE)
            log.error("a worker process ended unasked; another one follows", pid=pid, status=status, seconds=pause)
            _sleep(pause, stopping)


def _start(work: Work) -> int:
    # Whoever asks a new process to end before it listens has asked in vain: it would go by its parent's handlers.
    asked = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, asked)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, asked)
        return pid
    code = 1
    try:
        stopping = Stopping()
        stopping.watch()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, asked)
        die_with_parent(signal.SIGTERM)
        work(stopping)
        code = 0
    except BaseException:
        log.exception("a worker process failed")
    finally:
        os._exit(code)


def _ended() -> tuple[int, int]:
    """A child that ended, an adopted one among them; (0, 0) if none has."""
    with suppress(ChildProcessError):
        return os.waitpid(-1, os.WNOHANG)
    return 0, 0


def _tell(pids: set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _sleep(seconds: float, stopping: Stopping) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not stopping():
        time.sleep(0.1)
