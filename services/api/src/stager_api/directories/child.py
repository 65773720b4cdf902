"""Runs the program that looks into directories as a user, and takes its answers with care: that isn't trusted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

from stager_telemetry import get_logger

from stager_api.accounts import Account
from stager_api.errors import PreconditionError, UnavailableError

log = get_logger(__name__)

_PROGRAM = (Path(__file__).parent / "as_user.py").read_bytes()
_INTERPRETER = str(Path(sys.executable).resolve())
"""The installed interpreter behind the virtual environment's link: the program needs the standard library only."""
_ANSWER_BYTES = 8_000_000
_LINE_BYTES = 1_000_000


Start = Callable[[Account, dict[str, Any]], Awaitable[subprocess.Popen[bytes]]]
"""Calls `start_child` outside of the event loop."""


def run_child(account: Account, request: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The one answer to the request, found as the account.

    Raises:
        PreconditionError: This service doesn't run as root, and the account is somebody else's.
        UnavailableError: It took too long, or gave no answer that makes sense.
    """
    child = start_child(account, request)
    try:
        answer = _read(child, time.monotonic() + seconds)
    finally:
        _end(child)
    return _parsed(answer, account)


async def stream_child(
    account: Account, request: dict[str, Any], seconds: float, start: Start
) -> AsyncGenerator[dict[str, Any], None]:
    """The answers to the request as they come, until there is no more or time is over.

    Raises:
        PreconditionError, UnavailableError: As `run_child` does.
    """
    deadline = time.monotonic() + seconds
    child = await start(account, request)
    assert child.stdout is not None  # noqa: S101 - it was opened as a pipe
    reader = asyncio.StreamReader(_LINE_BYTES)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), child.stdout
    )
    heard = False
    try:
        while True:
            try:
                line = await asyncio.wait_for(reader.readline(), deadline - time.monotonic())
            except TimeoutError:
                return
            except ValueError as error:
                log.warning("a line of a directory's measurement is too long", user=account.name)
                raise UnavailableError("the directory can't be looked into now; the service's log says why") from error
            if heard and not line:
                return
            heard = True
            yield _parsed(line, account)
    finally:
        transport.close()
        child.kill()
        await asyncio.to_thread(_end, child)


def start_child(account: Account, request: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start to look; raises as `run_child` does."""
    return _start(json.dumps({**request, "identity": _identity(account)}))


def _parsed(answer: bytes, account: Account) -> dict[str, Any]:
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        log.error("looking gave no answer", user=account.name, bytes=len(answer), interpreter=_INTERPRETER)
        raise UnavailableError("the directory can't be looked into now; the service's log says why")
    return document


def _identity(account: Account) -> dict[str, Any] | None:
    """What the child has to become; None where it is the user already."""
    me = os.geteuid()
    if me == 0:
        return {"uid": account.uid, "gid": account.gid, "groups": account.groups}
    if account.uid != me:
        raise PreconditionError(f"this stager doesn't run as root, so it can't look into directories as {account.name}")
    return None


def _start(request: str) -> subprocess.Popen[bytes]:
    program, feed = os.pipe()
    try:
        # About 10 kB, less than a pipe holds: nobody has to read for this to return.
        os.write(feed, _PROGRAM)
        return subprocess.Popen(  # noqa: S603 - an absolute program and constant arguments; the request is data
            [_INTERPRETER, "-I", "-S", "-"],
            stdin=program,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"STAGER_LOOK": request},
            cwd="/",
            umask=0o077,
            start_new_session=True,
        )
    except OSError as error:
        log.exception("looking could not be started", interpreter=_INTERPRETER)
        raise UnavailableError("the directory can't be looked into now; the service's log says why") from error
    finally:
        os.close(feed)
        os.close(program)


def _read(child: subprocess.Popen[bytes], deadline: float) -> bytes:
    """All that the child writes, but not for longer or more than is sane."""
    assert child.stdout is not None  # noqa: S101 - it was opened as a pipe
    parts: list[bytes] = []
    size = 0
    with child.stdout, selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            part = os.read(child.stdout.fileno(), 65_536)
            if not part:
                return b"".join(parts)
            parts.append(part)
            size += len(part)
            if size > _ANSWER_BYTES:
                break
    log.warning("listing took too long or wrote too much", bytes=size)
    raise UnavailableError("the directory took too long to list; try again later")


def _end(child: subprocess.Popen[bytes]) -> None:
    """See the child off; one that hangs in a dead file system stays behind, killed, until that lets it go."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(0.05)
        return
    child.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(1.0)
