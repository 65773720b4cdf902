"""What the worker asks of the Linux kernel for its processes. A refusal is an OSError, never passed over."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """Make this process the parent of whatever its descendants leave behind, so that it can end it."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(number: signal.Signals) -> None:
    """Have the kernel send this process a signal when the thread that started it is gone.

    To be called after a change of identity, which undoes it.
    """
    _prctl(_PR_SET_PDEATHSIG, number)


def gain_no_privileges() -> None:
    """Let nothing that this process runs gain privileges, such as by a setuid program."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")
