"""Programs as children that never outlive their parent, however it ends.

A child is killed by the kernel when the *thread* that started it ends (see prctl(2), PR_SET_PDEATHSIG), so start them
from a thread that lives as long as they should: the main one.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_POLL_SECONDS = 0.02
READY = "ready "
"""How the line begins with which a program of the sandbox says that it answers; an address follows."""


class ChildError(Exception):
    """A program didn't start, or ended when it shouldn't have; the message holds the end of what it said."""


class Child:
    """A running program, in a session of its own so that a terminal's Ctrl-C reaches its parent alone.

    Args:
        name: What it is called in messages.
        command: The program and its arguments; no secrets, since everybody can read them.
        log: Where its output is appended; only its owner can read it.
        environment: Instead of this process's own.
        stdin: What it reads.

    Raises:
        ChildError: It can't be started.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> None:
        self.name = name
        self.log = log
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._begin = os.fstat(descriptor).st_size
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the sandbox's own commands
                [str(part) for part in command],
                stdin=subprocess.PIPE,
                stdout=descriptor,
                stderr=descriptor,
                env=environment,
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - calls nothing but libc
            )
        except OSError as error:
            raise ChildError(f"{name} can't be started: {command[0]}: {error.strerror}") from error
        finally:
            os.close(descriptor)
        assert self._process.stdin  # noqa: S101 - it was asked for
        with suppress(BrokenPipeError), self._process.stdin as pipe:
            pipe.write(stdin)

    @property
    def pid(self) -> int:
        """Its process id, which is its process group's too."""
        return int(self._process.pid)

    def exit_code(self) -> int | None:
        """How it ended (negative: by that signal), or None while it runs.

        Its number stays taken until `stop` or `kill`, so that neither can hit another process.
        """
        if self._process.returncode is not None:
            return int(self._process.returncode)
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def said(self) -> str:
        """All it has written since it was started."""
        with self.log.open("rb") as log:
            log.seek(self._begin)
            return log.read().decode(errors="replace")

    def wait_ready(self, seconds: float = 30) -> str:
        """Wait for its line `ready ADDRESS`, and give the address.

        Raises:
            ChildError: It ended, or the time is over.
        """

        def address() -> str | None:
            lines = self.said().splitlines(keepends=True)
            return next(
                (line[len(READY) :].strip() for line in lines if line.startswith(READY) and line[-1] == "\n"), None
            )

        return self.wait_for(address, seconds)

    def wait_for(self, probe: Callable[[], T | None], seconds: float = 30) -> T:
        """Ask `probe` again and again until it gives something, and give that.

        Raises:
            ChildError: The program ended, or the time is over.
        """
        deadline = time.monotonic() + seconds
        while True:
            if found := probe():
                return found
            if (code := self.exit_code()) is not None:
                raise ChildError(f"{self.name} ended with code {code}; its log is {self.log}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise ChildError(
                    f"{self.name} did not become ready within {seconds:g} s; its log is {self.log}:\n{self.tail()}"
                )
            time.sleep(_POLL_SECONDS)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it alone."""
        if self.exit_code() is None:
            os.kill(self.pid, number)

    def stop(self, seconds: float = 10) -> int:
        """Ask it to end, wait, and end it if it doesn't; gives its exit code. Safe to repeat."""
        self.signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while self.exit_code() is None and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return self.kill()

    def kill(self) -> int:
        """End it and all of its process group, now; gives its exit code. Safe to repeat."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait()

    def tail(self) -> str:
        """The last lines that it wrote."""
        return "\n".join(self.said().splitlines()[-12:]) or "(it said nothing)"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def die_with_parent() -> Callable[[], None]:
    """For `preexec_fn`: what the kernel is to kill when the calling thread ends. Calls nothing but libc."""
    parent = os.getpid()

    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(125)  # the parent died before the death signal was set

    return prepare


def end_with_parent() -> None:
    """Have this process asked to end (SIGTERM) when the one that started it dies."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
