"""The command line."""

import argparse
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from s_isync.compare import CompareMode
from s_isync.filters import Filter, listed, rule
from s_isync.locations import Location, lies_in, parse_location
from s_isync.option_values import avu, default_place, rate, read_list
from s_isync.retry import Retry
from s_isync.rules import LinkMode, SyncRules


class UsageError(Exception):
    """The arguments make no sense; the message says which."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    source: Location
    destination: Location
    rules: SyncRules
    task: str | None
    events: bool
    quiet: bool
    verbose: bool
    log_file: Path | None
    report: Path | None
    connection_fd: int | None
    config: Path | None
    user: str | None
    password: str | None
    password_file: Path | None
    keep_password_file: bool
    key: Path | None
    timeout: float
    hash_cache: Path | None
    within: tuple[str, ...]
    tell_nothing: bool


class _Pattern(argparse.Action):
    """Keeps `--include` and `--exclude` in the order in which they come."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - the signature is argparse's
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        found = list(getattr(namespace, self.dest) or [])
        setattr(namespace, self.dest, [*found, (option_string == "--include", values)])


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def parse_options(arguments: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        UsageError: with a sentence for the person who typed it.
        SystemExit: after `--help` or `--version`.
    """
    given = _parser().parse_args(arguments)
    try:
        source, destination = parse_location(given.source), parse_location(given.destination)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if source.in_zone and destination.in_zone:
        if lies_in(destination, source):
            raise UsageError("the destination is the source, or lies in it; choose another one")
        if given.delete and lies_in(source, destination):
            raise UsageError("the source lies in the destination, where --delete would remove it; choose another one")
    if not source.in_zone and not destination.in_zone:
        raise UsageError(
            "neither path is in iRODS: write it as i:/zone/...; to copy within a file system use cp or rsync"
        )
    if given.bundle and (source.in_zone or not destination.in_zone):
        raise UsageError("--bundle is for uploads from a file system")
    if given.bundle and given.perms:
        raise UsageError("--perms doesn't go with --bundle: what is unpacked has permissions of the zone's choice")
    if given.bundle and given.metadata:
        raise UsageError("--metadata doesn't go with --bundle: what is unpacked has none; leave one of the two out")
    if given.connections < 1 or given.retries < 0 or not 0 < given.timeout < math.inf:
        raise UsageError("-p takes a number from 1, --retries one from 0, --timeout one above 0")
    if given.max_delete is not None and (given.max_delete < 0 or not given.delete):
        raise UsageError("--max-delete takes a number from 0, and goes with --delete")
    if given.metadata and not destination.in_zone:
        raise UsageError("--metadata is for uploads")
    return Options(
        source=source,
        destination=destination,
        rules=SyncRules(
            compare=CompareMode(given.compare),
            retry=Retry(given.retries),
            connections=given.connections,
            dry_run=given.dry_run or given.check,
            keep_times=given.times,
            keep_modes=given.perms,
            keep_old=not given.in_place,
            server_checksum=given.server_checksum,
            bundle=given.bundle,
            filter=_filter(given),
            links=LinkMode(given.links),
            delete=given.delete,
            max_delete=given.max_delete,
            check=given.check,
            bandwidth=given.bwlimit,
            metadata=tuple(dict.fromkeys(given.metadata)),  # twice the same is refused
        ),
        task=given.task,
        events=given.events,
        quiet=given.quiet,
        verbose=given.verbose,
        log_file=given.log_file,
        report=given.report,
        connection_fd=given.connection_fd,
        config=given.config,
        user=given.druser,
        password=given.drpass,
        password_file=given.fdrpass,
        keep_password_file=given.keep_fdrpass,
        key=given.key if given.encrypted else None,
        timeout=given.timeout,
        hash_cache=given.hash_cache if given.use_hash_cache else None,
        within=tuple(given.within),
        tell_nothing=given.tell_nothing,
    )


def _filter(given: argparse.Namespace) -> Filter:
    try:
        rules = tuple(rule(pattern, include=include) for include, pattern in given.patterns)
        if given.files_from is None:
            return Filter(rules)
        return listed(read_list(given.files_from), rules)
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="s-isync",
        description="Moves a file or a folder's contents between a file system and iRODS, verified by checksum. "
        "i:PATH or irods:PATH is a path in iRODS, anything else a local one.",
        epilog="Exit codes: 0 complete, 2 usage, 3 partial, 4 unreachable, 5 differs, "
        "9 nothing done, 10 login refused, 11 no permission, 12 no source, 13 no space, 14 bad destination, "
        "15 bad configuration, 130 interrupted, 1 internal.",
        allow_abbrev=False,
    )
    config = os.environ.get("STAGER_WORKER_CONFIG")
    add = parser.add_argument
    add("source", metavar="SOURCE")
    add("destination", metavar="DESTINATION")
    add("-n", "--dry-run", action="store_true", help="say what a run would do, and do nothing")
    add("--compare", choices=[mode.value for mode in CompareMode], default="checksum", help="what makes files equal")
    add("-p", "--max-connections", dest="connections", metavar="N", type=int, default=8, help="at most (8)")
    add("--retries", metavar="N", type=int, default=4, help="further attempts for each file (4)")
    add("--report", metavar="FILE", type=Path, help="write a JSON line for each file there")
    add("--no-times", dest="times", action="store_false", help="don't keep modification times")
    add("--perms", action="store_true", help="keep permission bits; a zone takes them for new data objects only")
    add("--in-place", action="store_true", help="overwrite data objects without keeping their old bytes meanwhile")
    add("--no-server-checksum", dest="server_checksum", action="store_false", help="never have the server compute one")
    add(
        "--include",
        action=_Pattern,
        metavar="PATTERN",
        dest="patterns",
        default=[],
        help="take what matches; the first decides",
    )
    add("--exclude", action=_Pattern, metavar="PATTERN", dest="patterns", default=[], help="leave out what matches")
    add("--files-from", metavar="FILE", help="take only the paths that FILE (- for standard input) lists, one a line")
    add("--links", choices=[mode.value for mode in LinkMode], default="skip", help="what becomes of symbolic links")
    add("--delete", action="store_true", help="remove from the destination what the source doesn't hold")
    add("--max-delete", metavar="N", type=int, help="with --delete: remove nothing if more than N files would go")
    add(
        "--check",
        action="store_true",
        help="only tell whether the destination holds what the source does (with --delete: and nothing else); "
        "exit code 5 if not",
    )
    add(
        "--error-on-no-transfer",
        dest="tell_nothing",
        action="store_true",
        help="exit code 9 if all is there already, no file to be moved or removed",
    )
    add("--bwlimit", metavar="RATE", type=rate, help="bytes a second at most, such as 20M")
    add(
        "--metadata",
        metavar="A;V[;U]",
        type=avu,
        action="append",
        default=[],
        help="AVU for every uploaded object, may be repeated",
    )
    add(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=120.0,
        help="for an answer of the zone, and more for big files (120)",
    )
    add("--hash-cache", metavar="FILE", type=Path, default=default_place(), help="where hashes of local files are kept")
    add("--no-hash-cache", dest="use_hash_cache", action="store_false", help="hash every local file anew")
    add(
        "--bundle",
        action="store_true",
        help="send small new files to iRODS in tar files, verified there; without --metadata, --perms",
    )
    add("--within", metavar="FOLDER", action="append", default=[], help="hold the local side to it, links resolved")
    add("-v", "--verbose", action="store_true", help="a line for each file, and more in the log")
    add("-q", "--quiet", action="store_true", help="say nothing but errors")
    add("-l", "--log-file", metavar="FILE", type=Path, help="append the log there")
    add("--events", action="store_true", help="speak JSON lines on standard output")
    add("--connection-fd", metavar="N", type=int, help="read zone and password from this file descriptor")
    add("--task", metavar="ID", help="name of the task, for log and events")
    add("-c", "--config", metavar="FILE", type=Path, default=Path(config) if config else None, help="worker.yml")
    add("--druser", metavar="USER", help="iRODS user; a service account of worker.yml brings its password")
    add("--drpass", metavar="PASSWORD", help="of that user; everybody on this machine can see it, so don't")
    add("--fdrpass", metavar="FILE", type=Path, help="holds the password; removed once read")
    add("--keep-fdrpass", action="store_true", help="don't remove it")
    add("-e", dest="encrypted", action="store_true", help="the password is sealed for this user")
    add("-k", dest="key", metavar="KEY", type=Path, default=Path("key.pem"), help="private key that opens it (key.pem)")
    add("--version", action="version", version=f"s-isync {version('s-isync')}")
    return parser
