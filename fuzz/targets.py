"""What must hold for any bytes at all: called by the fuzzer (`make fuzz`) and by property-based tests.

Each target takes bytes and raises only if something is wrong.
"""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

from stager_credentials import CredentialError, Keyring, PublicKeyring
from stager_credentials.key_directory import add_key
from stager_jobs.errors import DamagedRecordError
from stager_jobs.job import Task
from stager_jobs.payload import decode_data, decode_task, encode_task
from stager_worker.isync_events import LONGEST_LINE, EndEvent, Event, EventReader, FileEvent, ProgressEvent, parse_line

OWNER, ACCOUNT, PASSWORD = "jan", "jan@ru.nl", "S3cret-päss"
_LARGEST = 2**63 - 1


def isync_events(data: bytes) -> None:
    """The worker's reader of s-isync's lines: in any pieces the same events, bounded, and fit to be stored."""
    if not data:
        return
    whole, pieces = EventReader(), EventReader()
    events = list(whole.feed(data + b"\n"))
    step = data[0] % 97 + 1
    cut: list[Event] = []
    for start in range(0, len(data), step):
        cut += pieces.feed(data[start : start + step])
        if len(pieces._rest) > LONGEST_LINE + step:
            raise AssertionError("a line that never ends is kept")
    cut += pieces.feed(b"\n")
    if not any(len(line) > LONGEST_LINE for line in data.split(b"\n")) and cut != events:
        raise AssertionError("pieces give other events than the whole")
    for event in events:
        _fit(event)


def _fit(event: Event) -> None:
    numbers: list[float | None] = []
    texts: list[str] = []
    match event:
        case ProgressEvent(totals, _, rate, left, current, working):
            numbers += [rate, left, working, *(getattr(totals, name) for name in totals.__slots__)]
            texts += current
        case FileEvent(path, outcome, size, checksum):
            numbers.append(size)
            texts += [path, outcome, checksum]
        case EndEvent(totals):
            numbers += [getattr(totals, name) for name in totals.__slots__]
    if any(number is not None and not 0 <= number <= _LARGEST for number in numbers):
        raise AssertionError("a number out of bounds")
    for text in texts:
        text.encode()  # a lone surrogate would break every store behind
        if len(text) > 4096:
            raise AssertionError("a text that is too long")


def one_line(data: bytes) -> None:
    """One line of s-isync's: an event, of no interest, or none."""
    found = parse_line(data)
    if found:
        _fit(found)


def sealed_text(data: bytes) -> None:
    """Sealed passwords: what was sealed opens, and nothing else does, for whomever; nothing else is raised."""
    text = data.decode("utf-8", "surrogateescape")
    public, private, good = _keys()
    for attempt in (text, _spliced(good, data)):
        try:
            public.accept(attempt)
        except CredentialError as error:
            if len(attempt) > 16 and attempt in str(error):
                raise AssertionError("an error quotes what may be a password") from error
        for owner, account in ((OWNER, ACCOUNT), (OWNER, text), (text, ACCOUNT)):
            try:
                opened = private.open(attempt, owner=owner, dr_user=account)
            except CredentialError:
                continue
            if (attempt, owner, account, opened) != (good, OWNER, ACCOUNT, PASSWORD):
                raise AssertionError("something opened that was never sealed so")


def _spliced(good: str, data: bytes) -> str:
    """The good text with one character changed, cut or added, as the bytes say."""
    if len(data) < 3:
        return good
    place = int.from_bytes(data[:2]) % len(good)
    character = chr(data[2]) if data[2] < 128 else ""
    return good[:place] + character + good[place + 1 + (data[2] & 1) :]


@cache
def _keys() -> tuple[PublicKeyring, Keyring, str]:
    with tempfile.TemporaryDirectory() as folder:
        add_key(Path(folder), "one")
        public, private = PublicKeyring.load(Path(folder)), Keyring.load(Path(folder))
    return public, private, public.current.seal(PASSWORD, owner=OWNER, dr_user=ACCOUNT)


def job_payload(data: bytes) -> None:
    """A job's data in Redis: a transfer that would be written again just so, or a DamagedRecordError."""
    try:
        task = decode_data(data)
    except DamagedRecordError:
        return
    if task.dr_pass or decode_task(json.loads(json.dumps(encode_task(task)))) != task:
        raise AssertionError("a payload comes back as another one")


TARGETS = {"isync_events": isync_events, "one_line": one_line, "sealed_text": sealed_text, "job_payload": job_payload}
"""By the name that `make fuzz` takes."""

_TASK = Task(title="t", dr_user="u", src_url="/a", dst_url="i:/b", stager_user="jan", stager_email="j@x")
_CALL = ["stager_worker.entry.transfer", None, [], {"payload": encode_task(_TASK)}]
_COUNTS = b'"files_total":3,"files_transferred":2,"files_skipped":1,"bytes_total":9,"scan_errors":0'

SEEDS = {
    "isync_events": [
        b'{"event":"progress",%s,"totals_final":true,"bytes_per_second":1.5,"current":["a"]}\n' % _COUNTS,
        b'{"event":"end",%s,"outcome":"partial","failures":[{"code":"c","message":"m","path":"p"}]}\nx' % _COUNTS,
    ],
    "one_line": [
        b'{"event":"file","path":"a","outcome":"failed","bytes":1,"error":{"code":"c","message":"m"}}',
        b'{"event":"error","error":{"code":"c","message":"m","path":"p"}}',
    ],
    "sealed_text": [b"sealed:v1:one:AAAA", b"\x00\x20a", b"\x01\x00="],
    "job_payload": [json.dumps(_CALL).encode()],
}
"""Where the fuzzer begins."""
