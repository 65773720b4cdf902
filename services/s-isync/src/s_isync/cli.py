"""The `s-isync` command."""

import contextlib
import errno
import io
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import NoReturn

from s_isync.errors import EndOfRunError, ErrorClass, Phase, Problem, Scope, fault_of_its_own
from s_isync.events import EventStream
from s_isync.exit_codes import ExitCode
from s_isync.interrupter import Interrupter
from s_isync.locations import Location
from s_isync.options import Options, UsageError, parse_options
from s_isync.own_memory import close_own_memory
from s_isync.report_file import ReportFile
from s_isync.reporter import Listener, Reporter, Start
from s_isync.rules import LinkMode
from s_isync.settings_sources import read_connection, zone_settings
from s_isync.stopping import StopFlag
from s_isync.sync import Sync
from s_isync.tree import Tree
from s_isync.zone_settings import ZoneSettings

_log = logging.getLogger(__name__)
_PATIENCE = 4.0  # seconds for running files to be given up after a signal, before connections are broken off
_LAST_PATIENCE = 2.0  # seconds after that
_END_PATIENCE = 1.0  # seconds for the end to be read after a signal
_FLUSH_PATIENCE = 0.5  # seconds for what is left to be written


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the process's exit code (docs/isync-protocol.md)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        options = parse_options(arguments)
    except UsageError as error:
        if "--events" in arguments:
            _end_at_once(EventStream(sys.stdout.buffer), ExitCode.USAGE, str(error))
        sys.stderr.write(f"s-isync: {error}\ns-isync --help tells more\n")
        return ExitCode.USAGE
    stop = StopFlag()
    interrupter = Interrupter(stop)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupter)
    with contextlib.ExitStack() as stack:
        try:
            with interrupter.breaking_off():
                connection = None
                if options.connection_fd is not None:
                    close_own_memory()
                    connection = read_connection(options.connection_fd)
                _start_log(options)
                # A person may have to type a password, before a bar is drawn over it; a program waits for `start`.
                settings = None if options.events else zone_settings(options, connection)
            listeners = _listeners(options, stack)
        except (EndOfRunError, OSError) as error:
            code = error.exit_code if isinstance(error, EndOfRunError) else ExitCode.BAD_CONFIGURATION
            if options.events:
                _end_at_once(EventStream(sys.stdout.buffer), code, str(error))
            sys.stderr.write(f"s-isync: {error}\n")
            return code
        reporter = Reporter(listeners, lambda error: _lost_listener(stop, error))
        start = Start(options.task, options.source.text, options.destination.text, options.rules.dry_run)
        reporter.start(start)
        try:
            if settings is None:
                with interrupter.breaking_off():
                    settings = zone_settings(options, connection)
            ended = _run(options, settings, reporter, stop)
        except RuntimeError:  # a limit of processes, of the user or of the container
            _log.exception("no thread can be started")
            stop.stop(ExitCode.INTERNAL, fault_of_its_own(None))
            ended = True
        except EndOfRunError as error:
            stop.stop(error.exit_code, _session_problem(error.code, error.message, error.error_class))
            ended = True
        verdict = _tell_end(options, reporter, stop)
    if verdict is None:
        _leave_at_once(stop.exit_code or ExitCode.INTERRUPTED)
    if not ended:
        _leave_at_once(verdict)
    return verdict


def _run(options: Options, settings: ZoneSettings, reporter: Reporter, stop: StopFlag) -> bool:
    """Do it in a thread of its own, so that this one can see signals; false if threads are left hanging."""
    from s_isync.backends.ground import Ground
    from s_isync.backends.hash_cache import HashCache
    from s_isync.backends.irods import ZoneTree
    from s_isync.backends.local import LocalTree

    follow = options.rules.links is LinkMode.FOLLOW and not options.source.in_zone
    cache = HashCache(options.hash_cache) if options.hash_cache is not None else None
    here = next((side.path for side in (options.source, options.destination) if not side.in_zone), None)
    ground = Ground(here, within=options.within, follow_links=follow)
    zone, local = ZoneTree(settings, options.timeout), LocalTree(follow_links=follow, cache=cache, ground=ground)

    def side(location: Location) -> Tree:
        return zone if location.in_zone else local

    sync = Sync(side(options.source), side(options.destination), options.rules, reporter, stop)
    work = threading.Thread(target=sync.run, args=(options.source, options.destination), name="scan", daemon=True)
    work.start()
    while work.is_alive() and not stop.stopped:
        work.join(0.2)
    deadline = time.monotonic() + _PATIENCE
    while work.is_alive() and time.monotonic() < deadline:
        work.join(0.1)
    if work.is_alive():
        zone.abandon()
        work.join(_LAST_PATIENCE)
        return not work.is_alive()
    zone.close()
    local.close()
    return True


def _tell_end(options: Options, reporter: Reporter, stop: StopFlag) -> ExitCode | None:
    """The exit code, told to whom it concerns; None where a signal has come, and nobody reads what is written."""
    told: list[ExitCode] = []

    def tell() -> None:
        check, tell_nothing = options.rules.check, options.tell_nothing
        told.append(reporter.end(stop.exit_code, stop.problem, check=check, tell_nothing=tell_nothing))

    try:
        thread = threading.Thread(target=tell, name="end", daemon=True)
        thread.start()
    except RuntimeError:
        tell()
        return told[0]
    waited = 0.0
    while thread.is_alive() and waited < _END_PATIENCE:
        thread.join(0.1)
        waited += 0.1 * stop.interrupted
    if thread.is_alive():
        return None
    return told[0] if told else ExitCode.INTERNAL


def _listeners(options: Options, stack: contextlib.ExitStack) -> list[Listener]:
    found: list[Listener] = []
    if options.report is not None:
        found.append(ReportFile(stack.enter_context(options.report.open("wb", buffering=0))))
    if options.events:
        found.append(EventStream(sys.stdout.buffer))
    elif sys.stderr.isatty() and not options.quiet and not options.rules.dry_run:
        from s_isync.progress_bar import ProgressBar

        found.append(ProgressBar(sys.stderr, each_file=options.verbose))
    else:
        from s_isync.plain_lines import PlainLines

        stream = sys.stdout if options.rules.dry_run else sys.stderr
        if isinstance(stream, io.TextIOWrapper):  # a name may hold what the terminal's encoding doesn't
            stream.reconfigure(errors="backslashreplace")
        found.append(PlainLines(stream, each_file=options.verbose, quiet=options.quiet))
    return found


def _start_log(options: Options) -> None:
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if options.log_file is not None:
        handler = logging.FileHandler(options.log_file, encoding="utf-8", errors="backslashreplace")
    task = f" {options.task}" if options.task else ""
    handler.setFormatter(logging.Formatter(f"%(asctime)s %(levelname)s{task} %(message)s"))
    root = logging.getLogger("s_isync")
    root.propagate = False
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO if options.verbose or options.log_file is not None else logging.WARNING)


def _lost_listener(stop: StopFlag, error: OSError) -> None:
    """Nobody reads what is written: whoever started this is gone. Or there is no room for it."""
    _log.error("output can't be written any more: %s", error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        message = "there is no room for what s-isync writes about the run; make room, or write it elsewhere"
        stop.stop(ExitCode.NO_SPACE, _session_problem(ExitCode.NO_SPACE.label, message))
    else:
        stop.interrupt()


def _session_problem(code: str, message: str, error_class: ErrorClass = ErrorClass.FATAL) -> Problem:
    return Problem(Scope.SESSION, Phase.PREPARE, error_class, code, None, message)


def _end_at_once(events: EventStream, exit_code: ExitCode, message: str) -> None:
    """The only event of a run that could not begin."""
    Reporter([events], lambda _: None).end(exit_code, _session_problem(exit_code.label, message))


def _leave_at_once(code: int) -> NoReturn:
    """End the process past threads that hang in a system call, such as a write that nobody reads."""

    def flush() -> None:
        logging.shutdown()
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()

    with contextlib.suppress(RuntimeError):
        last = threading.Thread(target=flush, name="flush", daemon=True)
        last.start()
        last.join(_FLUSH_PATIENCE)
    os._exit(code)
