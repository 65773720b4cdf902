"""s-isync as a process of its own, run as the user: how it is started, listened to and ended.

It gets no shell, no environment of the worker's, no open file but the ones meant, no new privileges; it dies with its
worker, and nothing of what it started outlives it.
"""

from __future__ import annotations

import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from stager_worker.accounts import Account
from stager_worker.prctl import die_with_parent, gain_no_privileges

_CHUNK = 64 * 1024
_OPEN_FILES = 4096


@dataclass(frozen=True, slots=True)
class Command:
    """What to run."""

    program: Path
    """Absolute path."""
    arguments: Sequence[str]
    """Options, `--`, source and destination."""
    umask: int
    """For what it makes."""
    memory: int = 0
    """Bytes of address space that it may use; 0: any number."""


class IsyncProcess:
    """A running s-isync. To be used from the thread that started it: with that thread, it dies."""

    def __init__(self, command: Command, account: Account, *, document: bytes, lock: int) -> None:
        """Start it.

        Args:
            command: What to run; the options that this class needs are added.
            account: As whom.
            document: What it reads from its pipe; less than a pipe holds (64 KiB).
            lock: A descriptor that it inherits and that nobody reads.

        Raises:
            OSError: It can't be started.
        """
        self._others = frozenset(_children())
        other = account.uid != os.geteuid()
        read_end, write_end = os.pipe()
        try:
            with os.fdopen(write_end, "wb", closefd=True) as pipe:
                pipe.write(document)
            self._popen = subprocess.Popen(  # noqa: S603 - no shell, absolute program, `--` before the paths
                [str(command.program), "--events", "--connection-fd", str(read_end), *command.arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=(read_end, lock),
                cwd="/",
                env=_environment(account),
                umask=command.umask,
                start_new_session=True,
                user=account.uid if other else None,
                group=account.gid if other else None,
                extra_groups=account.groups if other else None,
                # Runs after the identity is changed, when a death signal no longer gets lost; calls nothing but libc.
                preexec_fn=_harden(os.getpid(), command.memory),  # noqa: PLW1509
            )
        finally:
            os.close(read_end)
        self._selector = selectors.DefaultSelector()
        for stream in (self._popen.stdout, self._popen.stderr):
            assert stream  # noqa: S101 - both were asked for
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        """Its process id, which is its session's too."""
        return int(self._popen.pid)

    def listen(self, timeout: float) -> tuple[bytes, bytes]:
        """What came on stdout and on stderr; waits for something, at most `timeout` seconds."""
        output, errors = b"", b""
        if not self._selector.get_map():
            time.sleep(min(timeout, 0.02))
        for key, _ in self._selector.select(timeout):
            stream = key.fileobj
            data = os.read(key.fd, _CHUNK)
            if not data:
                self._selector.unregister(stream)
            elif stream is self._popen.stdout:
                output += data
            else:
                errors += data
        return output, errors

    def exited(self) -> bool:
        """Whether it has ended. Its number stays taken until `end`."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def ask_to_end(self) -> None:
        """Send it SIGTERM: it begins no new file, closes or removes what is open, and goes."""
        self._signal(signal.SIGTERM)

    def end(self) -> tuple[int, bytes]:
        """End it and all that it started, now; returns its exit code (negative: its signal), and what was unread."""
        self._signal(signal.SIGKILL)
        code = self._popen.wait()
        unread = self._drain(self._popen.stdout)
        for stream in (self._popen.stdout, self._popen.stderr):
            if stream:
                stream.close()
        self._selector.close()
        _end_orphans(self._others)
        return code, unread

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _drain(self, stream: IO[bytes] | None) -> bytes:
        """What stands in the pipe; something that left the process group may still hold its other end."""
        data = b""
        with suppress(BlockingIOError):
            while stream and (chunk := os.read(stream.fileno(), _CHUNK)) and len(data) < 16 * _CHUNK:
                data += chunk
        return data


def _environment(account: Account) -> dict[str, str]:
    return {
        "HOME": account.home,
        "USER": account.name,
        "LOGNAME": account.name,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        # No module of the user's own runs where the password of a service account may be.
        "PYTHONNOUSERSITE": "1",
        "PYTHONSAFEPATH": "1",
    }


class _harden:  # noqa: N801 - called like a function
    """Between fork and exec, with the user's identity."""

    def __init__(self, parent: int, memory: int) -> None:
        self._parent = parent
        # A core file would hold the password.
        self._limits = [(resource.RLIMIT_CORE, (0, 0)), (resource.RLIMIT_NOFILE, (_files(), _files()))]
        if memory:
            self._limits.append((resource.RLIMIT_AS, (memory, memory)))

    def __call__(self) -> None:
        gain_no_privileges()
        die_with_parent(signal.SIGKILL)
        for limit, values in self._limits:
            resource.setrlimit(limit, values)
        if os.getppid() != self._parent:
            os._exit(125)  # the worker died before the death signal was set


def _files() -> int:
    """How many files it may have open: plenty, and no more than this process itself may allow."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _OPEN_FILES if most == resource.RLIM_INFINITY else min(_OPEN_FILES, most)


def _end_orphans(others: frozenset[int]) -> None:
    """Kill and bury what left the process group and came to this process instead (see `prctl.adopt_orphans`)."""
    for _ in range(100):
        children = _children() - others
        if not children:
            return
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)
        time.sleep(0.01)


def _children() -> set[int]:
    own = os.getpid()
    try:
        return {int(child) for child in Path(f"/proc/{own}/task/{own}/children").read_text().split()}
    except OSError:
        return set()
