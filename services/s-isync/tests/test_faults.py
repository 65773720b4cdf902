"""Every fault of the zone, at every phase, both ways, small and big: nothing wrong under a final name, then whole."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from s_isync.backends.irods import ZoneTree
from s_isync.backends.irods_big_writer import BigZoneWriter
from s_isync.backends.irods_connection import ZoneConnection
from s_isync.backends.irods_reader import BigZoneReader
from s_isync.backends.local import LocalTree
from s_isync.exit_codes import ExitCode
from s_isync.operations.ranged_copy import RANGE_SIZE
from s_isync.reporter import Outcome
from s_isync.retry import Retry
from s_isync.rules import SyncRules
from s_isync.zone_settings import ZoneSettings
from stager_sandbox.zone import Zone

RunSync = Callable[..., Any]
_MIB = 1024 * 1024
_SMALL, _BIG = 3000, 13 * _MIB + 7
_TIMEOUT = 1.5  # seconds for an answer
_RULES = SyncRules(connections=3, retry=Retry(2, 0.05))
_PATIENT = SyncRules(connections=3, retry=Retry(6, 0.1))  # the zone may still hold what a broken connection had open
_EXPECTED = {
    ExitCode.COMPLETE, ExitCode.PARTIAL, ExitCode.UNREACHABLE, ExitCode.NO_SPACE, ExitCode.NO_PERMISSION,
    ExitCode.NO_SOURCE, ExitCode.BAD_DESTINATION,
}  # fmt: skip


@dataclass(frozen=True)
class Happening:
    """A fault, as words for `zone.faults.add`."""

    name: str
    words: dict[str, Any]


_KINDS: dict[str, dict[str, Any]] = {
    "cut": {"cut": True},
    "lost-reply": {"lose_reply": True},
    "silent": {"silent": True},
    "refused": {"refuse": -130000},
    "no-permission": {"refuse": -818000},
    "disk-full": {"refuse": -511028},
    "slow": {"delay": 0.3},
}
_CALLS = ["CONNECT", "AUTHENTICATION", "GEN_QUERY", "COLL_CREATE", "DATA_OBJ_OPEN", "DATA_OBJ_WRITE", "DATA_OBJ_READ",
          "DATA_OBJ_LSEEK", "DATA_OBJ_CLOSE", "REPLICA_CLOSE", "GET_FILE_DESCRIPTOR_INFO", "DATA_OBJ_CHKSUM",
          "DATA_OBJECT_MODIFY_INFO", "DATA_OBJ_COPY", "DATA_OBJ_UNLINK"]  # fmt: skip
_PLACES = {"first": {"times": 1}, "second": {"skip": 1, "times": 1}}
_SHORT = {"cut-first", "lost-reply-first", "refused-first"}  # what every test run tries; the rest takes minutes
_HAPPENINGS = [
    Happening(f"{call}-{kind}-{place}", {"on": call, **words, **where})
    for call in _CALLS
    for kind, words in _KINDS.items()
    for place, where in _PLACES.items()
    if not (call == "CONNECT" and kind not in {"cut", "refused"})
] + [
    Happening("bytes-cut-early", {"after_bytes": 2000, "cut": True, "times": 1}),
    Happening("bytes-cut-middle", {"after_bytes": 6_000_000, "cut": True, "times": 1}),
    Happening("bytes-cut-always", {"after_bytes": 9_000_000, "cut": True}),
    Happening("wrong-checksum-once", {"wrong_checksum": True, "times": 1}),
    Happening("wrong-checksum-always", {"wrong_checksum": True}),
    Happening("close-lost-always", {"on": "DATA_OBJ_CLOSE", "lose_reply": True}),
    Happening("write-refused-always", {"on": "DATA_OBJ_WRITE", "refuse": -130000}),
    Happening("open-refused-always", {"on": "DATA_OBJ_OPEN", "refuse": -130000}),
    Happening("checksum-refused-always", {"on": "DATA_OBJ_CHKSUM", "refuse": -130000}),
]


def _content(letter: bytes) -> dict[str, bytes]:
    return {
        "one/small": letter * _SMALL,
        "one/other": letter.upper() * 17,
        "two/big": (letter + b"0123456789abcde") * (_BIG // 16),
        "empty": b"",
    }


def _write(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def _in_zone(zone: Zone, home: str) -> dict[str, bytes]:
    """What stands in the zone as good."""
    found: dict[str, bytes] = {}

    def look(path: str) -> None:
        for entry in zone.files.list("alice", path):
            if entry.is_collection:
                look(entry.path)
            elif entry.status == 1:
                with zone.files.read("alice", entry.path) as stream:
                    found[entry.path.removeprefix(home + "/")] = stream.read()

    if zone.files.stat("alice", home) is not None:
        look(home)
    return found


def _on_disk(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()} if root.exists() else {}


def _nothing_wrong(found: dict[str, bytes], *versions: dict[str, bytes]) -> None:
    for name, data in found.items():
        if "/.s-isync-" not in f"/{name}":
            assert any(data == version.get(name) for version in versions), f"{name} holds what was never stored"


def _parameter(happening: Happening) -> Any:  # noqa: ANN401 - pytest's own type is not public
    short = "-first" not in happening.name and "-second" not in happening.name
    short = short or any(happening.name.endswith(name) for name in _SHORT)
    return pytest.param(happening, id=happening.name, marks=() if short else pytest.mark.chaos)


@pytest.mark.parametrize("happening", [_parameter(happening) for happening in _HAPPENINGS])
@pytest.mark.parametrize("direction", ["up", "over", "down"])
def test_a_fault_spoils_nothing_and_the_next_run_makes_it_whole(
    run_sync: RunSync,
    zone_of_faults: Zone,
    settings_of_faults: ZoneSettings,
    tmp_path: Path,
    direction: str,
    happening: Happening,
) -> None:
    """A run with the fault, one without it, and a third that finds nothing to do."""
    zone = zone_of_faults
    old, new = _content(b"o"), _content(b"n")
    source, target = tmp_path / "source", tmp_path / "target"
    home = f"/{settings_of_faults.zone}/home/alice/{uuid4()}"

    def run(rules: SyncRules = _PATIENT, *, timeout: float = 20.0) -> Any:  # noqa: ANN401 - as the fixture
        tree = ZoneTree(settings_of_faults, timeout)
        try:
            if direction == "down":
                return run_sync(tree, home, LocalTree(), str(target), rules)
            return run_sync(LocalTree(), str(source), tree, home, rules)
        finally:
            tree.close()

    def stored() -> dict[str, bytes]:
        return _on_disk(target) if direction == "down" else _in_zone(zone, home)

    if direction != "up":
        _write(source, old)
        tree = ZoneTree(settings_of_faults)
        before = run_sync(LocalTree(), str(source), tree, home, _RULES)
        tree.close()
        assert before.code is ExitCode.COMPLETE
    if direction == "down":
        _write(target, {"one/small": new["one/small"]})
    else:
        _write(source, new)
    zone.faults.add(**happening.words)
    failed = run(_RULES, timeout=_TIMEOUT)
    zone.faults.clear()
    assert failed.code in _EXPECTED, failed.end.problem
    _nothing_wrong(stored(), new, old)
    totals = failed.end.totals
    if failed.code is ExitCode.COMPLETE:
        named = {name: data for name, data in stored().items() if "/.s-isync-" not in f"/{name}"}
        assert named == (old if direction == "down" else new)
        assert totals.files_total == totals.files_transferred + totals.files_skipped
    if failed.code is ExitCode.PARTIAL:
        assert totals.files_failed == len(failed.seen.paths(Outcome.FAILED))
        assert totals.files_failed or totals.scan_errors
        assert failed.end.failures
    again = run()
    assert again.code is ExitCode.COMPLETE, again.end.failures
    assert stored() == (old if direction == "down" else new)
    third = run()
    assert (third.code, third.end.totals.bytes_transferred) == (ExitCode.COMPLETE, 0)
    assert third.end.totals.files_skipped == third.end.totals.files_total == len(new)


@pytest.mark.parametrize("answer", [-130000, 5], ids=["refused", "short"])
@pytest.mark.parametrize("call", ["DATA_OBJ_WRITE", "DATA_OBJ_READ"])
@pytest.mark.parametrize("size", [3 * _MIB, _BIG], ids=["small", "big"])
def test_of_messages_that_travel_together_one_goes_wrong(
    run_sync: RunSync,
    zone_of_faults: Zone,
    settings_of_faults: ZoneSettings,
    tmp_path: Path,
    size: int,
    call: str,
    answer: int,
) -> None:
    """The second of those that carry a range: the rest is then at the wrong place, and the attempt doesn't count."""
    home = f"/{settings_of_faults.zone}/home/alice/{uuid4()}"
    _write(tmp_path / "s", {"f": os.urandom(size)})
    tree = ZoneTree(settings_of_faults)
    faults = zone_of_faults.faults
    faults.add(on=call, skip=1, times=1, refuse=answer)
    up = run_sync(LocalTree(), str(tmp_path / "s"), tree, home, SyncRules(connections=1, retry=Retry(0)))
    again = run_sync(LocalTree(), str(tmp_path / "s"), tree, home, _PATIENT)
    down = run_sync(tree, home, LocalTree(), str(tmp_path / "t"), SyncRules(connections=1, retry=Retry(0)))
    struck = faults.struck()
    faults.clear()
    last = run_sync(tree, home, LocalTree(), str(tmp_path / "t"), _PATIENT)
    tree.close()
    assert struck == 1
    hit, spared = (up, down) if call == "DATA_OBJ_WRITE" else (down, up)
    read_anew = call == "DATA_OBJ_READ" and size < _BIG  # without telling the zone where it is
    assert hit.code is (ExitCode.COMPLETE if read_anew else ExitCode.PARTIAL)
    assert spared.code is ExitCode.COMPLETE
    assert (again.code, last.code) == (ExitCode.COMPLETE, ExitCode.COMPLETE)
    assert _on_disk(tmp_path / "t") == _on_disk(tmp_path / "s")


def _cut_at(monkeypatch: pytest.MonkeyPatch, strikes: dict[int, Callable[[], None]]) -> list[int]:
    """The offsets of all ranges that are written from now on; the connection breaks before each numbered one."""
    written: list[int] = []
    real = BigZoneWriter._write

    def counted(self: BigZoneWriter, connection: ZoneConnection, offset: int, data: bytes | memoryview) -> None:
        written.append(offset)
        if strike := strikes.pop(len(written), None):
            strike()
            connection.abandon()
        real(self, connection, offset, data)

    monkeypatch.setattr(BigZoneWriter, "_write", counted)
    monkeypatch.setattr("s_isync.backends.irods_big_writer.WORTH_KEEPING", 2 * RANGE_SIZE)
    return written


@pytest.mark.parametrize("spoilt", [False, True], ids=["as written", "spoilt"])
def test_a_cut_upload_goes_on_where_it_was_cut(
    run_sync: RunSync,
    zone_of_faults: Zone,
    settings_of_faults: ZoneSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    spoilt: bool,
) -> None:
    """The next attempt writes the rest only; where the server has lost what was there, one more writes all."""
    home = f"/{settings_of_faults.zone}/home/alice/{uuid4()}"
    content = os.urandom(5 * RANGE_SIZE + 7)
    _write(tmp_path / "s", {"f": content})
    damage = (lambda: zone_of_faults.damage.flip(f"{home}/f", 5)) if spoilt else (lambda: None)
    written = _cut_at(monkeypatch, {4: damage})
    tree = ZoneTree(settings_of_faults)
    run = run_sync(LocalTree(), str(tmp_path / "s"), tree, home, SyncRules(connections=1, retry=Retry(4, 0.2)))
    tree.close()
    assert run.code is ExitCode.COMPLETE, run.end.failures
    ranges = [number * RANGE_SIZE for number in range(6)]
    assert written == [*ranges[:4], *ranges[3:], *(ranges if spoilt else [])]
    assert _in_zone(zone_of_faults, home) == {"f": content}


def test_an_upload_that_is_given_up_leaves_nothing(
    run_sync: RunSync,
    zone_of_faults: Zone,
    settings_of_faults: ZoneSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was kept for another attempt goes when there is none."""
    home = f"/{settings_of_faults.zone}/home/alice/{uuid4()}"
    _write(tmp_path / "s", {"f": os.urandom(5 * RANGE_SIZE)})
    _cut_at(monkeypatch, {4: lambda: None})
    tree = ZoneTree(settings_of_faults)
    run = run_sync(LocalTree(), str(tmp_path / "s"), tree, home, SyncRules(connections=1, retry=Retry(0, 0.1)))
    tree.close()
    assert run.code is ExitCode.PARTIAL
    assert not list(zone_of_faults.files.list("alice", home))


def _read_bytes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of all ranges that are read from now on."""
    read: list[int] = []
    real = BigZoneReader.read_at

    def counted(self: BigZoneReader, offset: int, length: int) -> bytes | memoryview:
        read.append(length)
        return real(self, offset, length)

    monkeypatch.setattr(BigZoneReader, "read_at", counted)
    return read


@pytest.mark.parametrize("changed", [False, True], ids=["same", "changed"])
def test_a_cut_download_goes_on_where_it_was_cut(
    run_sync: RunSync,
    zone_of_faults: Zone,
    settings_of_faults: ZoneSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changed: bool,
) -> None:
    """What came is read back and hashed instead of fetched again, unless the source is another one by then."""
    zone, size = zone_of_faults, 100 * 1024 * 1024
    home = f"/{settings_of_faults.zone}/home/alice/{uuid4()}"
    (tmp_path / "big").write_bytes(os.urandom(size))
    tree = ZoneTree(settings_of_faults)
    assert run_sync(LocalTree(), str(tmp_path / "big"), tree, f"{home}/").code is ExitCode.COMPLETE
    target = tmp_path / "target"
    target.mkdir()
    zone.faults.add(on="DATA_OBJ_READ", skip=72, cut=True)
    cut = run_sync(tree, f"{home}/big", LocalTree(), str(target), SyncRules(connections=2, retry=Retry(0)))
    zone.faults.clear()
    assert cut.code is ExitCode.PARTIAL
    assert not (target / "big").exists()
    if changed:
        (tmp_path / "big").write_bytes(os.urandom(size))
        assert run_sync(LocalTree(), str(tmp_path / "big"), tree, home).code is ExitCode.COMPLETE
    read = _read_bytes(monkeypatch)
    again = run_sync(tree, f"{home}/big", LocalTree(), str(target))
    tree.close()
    assert again.code is ExitCode.COMPLETE
    assert (target / "big").read_bytes() == (tmp_path / "big").read_bytes()
    assert os.listdir(target) == ["big"]  # noqa: PTH208 - dot files, too
    assert os.listxattr(target / "big") == []
    if changed:
        assert sum(read) == size
    else:
        assert sum(read) <= size - 32 * 1024 * 1024


def test_a_spoilt_beginning_is_found_and_fetched_again(
    run_sync: RunSync, zone_of_faults: Zone, settings_of_faults: ZoneSettings, tmp_path: Path
) -> None:
    """What a cut download has left is damaged meanwhile: the checksum of the whole tells, and a retry is whole."""
    home = f"/{settings_of_faults.zone}/home/alice/{uuid4()}"
    (tmp_path / "big").write_bytes(os.urandom(80 * 1024 * 1024))
    tree = ZoneTree(settings_of_faults)
    run_sync(LocalTree(), str(tmp_path / "big"), tree, f"{home}/")
    target = tmp_path / "target"
    target.mkdir()
    zone_of_faults.faults.add(on="DATA_OBJ_READ", skip=56, cut=True)
    run_sync(tree, f"{home}/big", LocalTree(), str(target), SyncRules(connections=2, retry=Retry(0)))
    zone_of_faults.faults.clear()
    part = target / ".s-isync-part.big"
    assert os.listxattr(part)
    with part.open("r+b") as file:
        file.write(b"damaged")
    again = run_sync(tree, f"{home}/big", LocalTree(), str(target), SyncRules(retry=Retry(1, 0.01)))
    tree.close()
    assert again.code is ExitCode.COMPLETE
    assert (target / "big").read_bytes() == (tmp_path / "big").read_bytes()


def test_a_zone_that_breaks_every_connection_ends_the_run(
    run_sync: RunSync, zone_of_faults: Zone, settings_of_faults: ZoneSettings, tmp_path: Path
) -> None:
    """It lets everybody in and answers nothing: unreachable, rather than one failure a file."""
    home = f"/{settings_of_faults.zone}/home/alice/{uuid4()}"
    (tmp_path / "s").mkdir()
    for number in range(50):
        (tmp_path / f"s/{number}").write_bytes(b"x")
    tree = ZoneTree(settings_of_faults)
    tree.make_folder(home)
    zone_of_faults.faults.add(on="DATA_OBJ_*", cut=True)
    zone_of_faults.faults.add(on="GEN_QUERY", path="*", skip=4, cut=True)
    run = run_sync(LocalTree(), str(tmp_path / "s"), tree, home, _RULES)
    zone_of_faults.faults.clear()
    tree.close()
    assert run.code is ExitCode.UNREACHABLE
    assert run.end.totals.files_failed < 50
