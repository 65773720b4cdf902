"""`make bench`: s-isync side by side with others."""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parent))
from contenders import Call, Contender, contenders
from tap import Tap


@dataclass(frozen=True)
class Measured:
    """One run of one program."""

    seconds: float
    cpu: float
    megabytes: float
    ok: bool


_SHOWN = ("seconds", "cpu", "megabytes")
Results = dict[tuple[str, str], list[Measured]]


@dataclass(frozen=True)
class Work:
    """What is moved: its name and its folder."""

    name: str
    folder: Path
    files: int


def main() -> None:
    """Measure, and print a table."""
    options = _options()
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=options.scratch)))
        document = _zone(options, stack)
        works = _make_data(scratch, options)
        zone_file = scratch / "zone.json"
        everyone = [c for c in contenders(zone_file, ibridges=options.ibridges) if _chosen(c, options.only)]
        turns = {} if options.no_turns else _round_trips(everyone, document, scratch, zone_file)
        if options.delay:
            tap = Tap(document["irods_host"], document["irods_port"], options.delay / 2000)
            stack.callback(tap.close)
            document = {**document, "irods_host": "localhost", "irods_port": tap.port}
            everyone = [c for c in everyone if not c.by_icommands]
        _write(zone_file, document)
        for work in works:
            results = _compare(work, everyone, document, options, scratch)
            _show(work, results, turns if work.files > 1 else {})


def _compare(
    work: Work, everyone: list[Contender], document: dict[str, object], options: argparse.Namespace, scratch: Path
) -> Results:
    results: Results = {}
    for _ in range(options.rounds):
        for contender in everyone:
            remote = f"{_home(document)}/bench-{uuid4()}"
            back = scratch / f"back-{uuid4()}"
            for step, direction, local in (
                ("up", "up", work.folder),
                ("again", "up", work.folder),
                ("down", "down", back),
            ):
                if step == "again" and not contender.name.startswith(("s-isync", "irsync", "iBridges")):
                    continue
                command = contender.command(Call(direction, local, remote))
                if command is not None:
                    results.setdefault((step, contender.name), []).append(_run(command, document))
            shutil.rmtree(back, ignore_errors=True)
            _remove(remote, document)
    return results


def _show(work: Work, results: Results, turns: dict[str, float]) -> None:
    for step, title in (("up", "up"), ("again", "nothing to do"), ("down", "down")):
        names = [name for at, name in results if at == step]
        if not names:
            continue
        ours = statistics.median(m.seconds for m in results[step, names[0]])
        print(f"\n{work.name}, {title}\n  {'':20}{'s':>8}{'x':>7}{'CPU s':>8}{'MB':>7}{'trips/file':>12}")
        for name in names:
            runs = results[step, name]
            seconds, cpu, size = (statistics.median(getattr(m, key) for m in runs) for key in _SHOWN)
            trips = turns.get(f"{step} {name}")
            shown = "" if trips is None else f"{trips:12.1f}"
            failed = "" if all(m.ok for m in runs) else "  FAILED"
            print(f"  {name:20}{seconds:8.2f}{seconds / ours:7.2f}{cpu:8.2f}{size:7.0f}{shown}{failed}", flush=True)


def _run(command: list[str], document: dict[str, object]) -> Measured:
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        env=_environment(document),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode == 0)


def _environment(document: dict[str, object]) -> dict[str, str]:
    """For s-isync, whose variables icommands don't look at."""
    variables = {key.upper(): str(value) for key, value in document.items() if key.startswith("irods_")}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("IRODS_")}
    files = ("IRODS_ENVIRONMENT_FILE", "IRODS_AUTHENTICATION_FILE")
    named = {name: os.environ[name] for name in files if name in os.environ}
    return {**kept, **variables, **named, "IRODS_PASSWORD": str(document["password"]), "XDG_CACHE_HOME": "/nonexistent"}


def _round_trips(
    everyone: list[Contender], document: dict[str, object], scratch: Path, zone_file: Path
) -> dict[str, float]:
    """Per file, over plain TCP: what fifty files more cost than ten."""
    found: dict[str, float] = {}
    plain = {**document, "irods_client_server_policy": "CS_NEG_REFUSE"}
    for contender in everyone:
        if contender.by_icommands:
            continue
        counts: dict[str, list[int]] = {}
        for number in (10, 60):
            folder = scratch / f"few-{number}"
            _small_files(folder, number)
            remote = f"{_home(document)}/bench-{uuid4()}"
            for direction, local in (("up", folder), ("down", scratch / f"few-back-{uuid4()}")):
                command = contender.command(Call(direction, local, remote))
                if command is None:
                    continue
                tap = Tap(str(document["irods_host"]), int(str(document["irods_port"])))
                tapped = {**plain, "irods_host": "localhost", "irods_port": tap.port}
                _write(zone_file, tapped)
                _run(command, tapped)
                tap.close()
                counts.setdefault(direction, []).append(tap.turns)
            _remove(remote, document)
        for direction, (few, many) in counts.items():
            found[f"{direction} {contender.name}"] = (many - few) / 50
    return found


def _remove(remote: str, document: dict[str, object]) -> None:
    from irods.session import iRODSSession

    with iRODSSession(
        host=document["irods_host"], port=document["irods_port"], user=document["irods_user_name"],
        zone=document["irods_zone_name"], password=document["password"],
    ) as session, contextlib.suppress(Exception):  # fmt: skip
        session.collections.remove(remote, recurse=True, force=True)


def _home(document: dict[str, object]) -> str:
    return f"/{document['irods_zone_name']}/home/{document['irods_user_name']}"


def _make_data(scratch: Path, options: argparse.Namespace) -> list[Work]:
    works = []
    if options.small:
        _small_files(scratch / "small", options.small)
        works.append(Work(f"{options.small} files of 10 kB", scratch / "small", options.small))
    if options.big:
        (scratch / "big").mkdir()
        with (scratch / "big/one").open("wb") as file:
            for _ in range(options.big):
                file.write(os.urandom(1024 * 1024))
        works.append(Work(f"one file of {options.big} MiB", scratch / "big", 1))
    return works


def _small_files(folder: Path, number: int) -> None:
    folder.mkdir(exist_ok=True)
    for index in range(number):
        (folder / f"{index:05}").write_bytes(os.urandom(10_000))


def _zone(options: argparse.Namespace, stack: contextlib.ExitStack) -> dict[str, object]:
    if options.zone is not None:
        document: dict[str, object] = json.loads(options.zone.read_text())
    else:
        document = stack.enter_context(_sandbox())
    document["irods_client_server_policy"] = "CS_NEG_REQUIRE" if options.tls else "CS_NEG_REFUSE"
    return document


@contextlib.contextmanager
def _sandbox() -> Iterator[dict[str, object]]:
    with tempfile.TemporaryDirectory(prefix="bench-zone-") as data:
        command = [str(Path(sys.executable).with_name("stager-sandbox")), "zone", "--port", "0", "--data", data]
        process = subprocess.Popen([*command, "--user", "alice:secret"], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        try:
            yield {
                "irods_host": "localhost",
                "irods_port": port,
                "irods_zone_name": "nl.ru.donders",
                "irods_user_name": "alice",
                "irods_ssl_ca_certificate_file": f"{data}/tls/ca.pem",
                "password": "secret",
            }
        finally:
            process.terminate()
            process.wait()


def _write(path: Path, document: dict[str, object]) -> None:
    path.write_text(json.dumps(document))


def _chosen(contender: Contender, only: list[str]) -> bool:
    return not only or any(contender.name.startswith(name) for name in only)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measures s-isync side by side with others.")
    add = parser.add_argument
    add("--zone", type=Path, metavar="FILE", help="a zone of your own; without it one of the sandbox is started")
    add("--tls", action="store_true", help="over TLS")
    add("--rounds", type=int, default=3)
    add("--small", type=int, default=500, metavar="N", help="files of 10 kB (500; 0 for none)")
    add("--big", type=int, default=1024, metavar="MIB", help="size of the big file (1024; 0 for none)")
    add("--delay", type=float, default=0, metavar="MS", help="round-trip time to put between")
    add("--only", action="append", default=[], metavar="NAME", help="measure these")
    add("--ibridges", action="store_true", help="measure iBridges, too")
    add("--no-turns", action="store_true", help="count no round trips")
    add("--scratch", type=Path, help="where the data is made")
    return parser.parse_args()


if __name__ == "__main__":
    main()
