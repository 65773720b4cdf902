"""The command as other programs and people run it, against a zone."""

import fcntl
import json
import os
import pty
import pwd
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from irods.password_obfuscation import encode
from stager_credentials import Keyring
from stager_sandbox.zone import Zone

_TOTALS = {
    "files_total", "bytes_total", "totals_final", "files_transferred", "bytes_transferred", "files_skipped",
    "bytes_skipped", "files_failed", "files_deleted", "bytes_checked", "scan_errors",
}  # fmt: skip
_ERROR = {"scope", "phase", "class", "code", "path", "message"}
_KEYS = {
    "start": {"protocol", "version", "task", "source", "destination", "dry_run"},
    "progress": _TOTALS | {"bytes_per_second", "seconds_left", "current", "working_seconds"},
    "file": {"path", "outcome", "bytes", "checksum", "error"},
    "error": {"error"},
    "end": _TOTALS | {"outcome", "exit_code", "exit_name", "error", "failures", "seconds"},
}
_GONE_WITHIN = 10
"""Seconds after a signal, which docs/isync-protocol.md promises; no slack for slow machines."""
_COMMAND = [str(Path(sys.executable).with_name("s-isync"))]


@pytest.fixture(scope="module")
def zone() -> Iterator[Zone]:
    """A zone with two users."""
    with Zone({"alice": "secret", "bob": "hidden"}) as running:
        yield running


@pytest.fixture
def home(zone: Zone, tmp_path: Path) -> str:
    """A collection of alice that nobody else uses; it doesn't exist yet."""
    return f"i:/{zone.zone_name}/home/alice/{tmp_path.name}"


@dataclass
class Done:
    """What a run has left."""

    code: int
    events: list[dict[str, Any]]
    stderr: str

    @property
    def end(self) -> dict[str, Any]:
        """The last event."""
        return self.events[-1]

    def outcomes(self) -> dict[str, str]:
        """What became of each file."""
        return {event["path"]: event["outcome"] for event in self.events if event["event"] == "file"}


Start = Callable[..., subprocess.Popen[str]]
Run = Callable[..., Done]


@pytest.fixture
def start(zone: Zone) -> Iterator[Start]:
    """Start the command as the worker does; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, **settings: object) -> subprocess.Popen[str]:
        reading, writing = os.pipe()
        document = {
            "irods_host": zone.host,
            "irods_port": zone.port,
            "irods_zone_name": zone.zone_name,
            "irods_user_name": "alice",
            "irods_client_server_policy": "CS_NEG_REFUSE",
            "password": "secret",
            **settings,
        }
        os.write(writing, json.dumps(document).encode())
        os.close(writing)
        command = [*_COMMAND, "--events", f"--connection-fd={reading}", *arguments]
        process = subprocess.Popen(
            command, pass_fds=[reading], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        os.close(reading)
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def run(start: Start) -> Run:
    """Run the command to its end."""

    def to_the_end(*arguments: str, **settings: object) -> Done:
        process = start(*arguments, **settings)
        out, err = process.communicate(timeout=60)
        return Done(process.returncode, [json.loads(line) for line in out.splitlines()], err)

    return to_the_end


def _tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_events_keep_the_contract_and_both_directions_work(
    run: Run, home: str, sample: Path, sample_files: dict[str, bytes], tmp_path: Path
) -> None:
    """Every event has the keys of the protocol page; start comes first, one end last; bytes come back the same."""
    up = run("--task", "t1", "--", str(sample), home)
    assert up.code == 0
    assert up.events[0]["event"] == "start"
    assert up.events[0]["task"] == "t1"
    assert [event["event"] for event in up.events].count("end") == 1
    assert up.end["event"] == "end"
    for event in up.events:
        assert set(event) == _KEYS[event["event"]] | {"event", "time"}
    assert up.end["files_total"] == up.end["files_transferred"] == len(sample_files)
    assert up.end["outcome"] == "complete"
    assert all(e["checksum"].startswith("sha2:") for e in up.events if e["event"] == "file")
    down = run("--", home, str(tmp_path / "back"))
    assert down.code == 0
    assert _tree(tmp_path / "back") == sample_files
    again = run("--", str(sample), home)
    assert set(again.outcomes().values()) == {"skipped"}
    assert again.end["bytes_transferred"] == 0


def test_over_tls_the_certificate_is_checked(run: Run, zone: Zone, home: str, sample: Path) -> None:
    """With the zone's own certificate it works; without, it ends as a matter of configuration."""
    good = run(
        str(sample), home, irods_host="localhost", irods_client_server_policy="CS_NEG_REQUIRE",
        irods_ssl_ca_certificate_file=str(zone.ca_file),
    )  # fmt: skip
    assert good.code == 0
    default = run(
        str(sample), home, irods_host="localhost", irods_client_server_policy="CS_NEG_DONT_CARE",
        irods_ssl_ca_certificate_file=str(zone.ca_file),
    )  # fmt: skip
    assert default.code == 0
    bad = run(str(sample), home, irods_host="localhost", irods_client_server_policy="CS_NEG_REQUIRE")
    assert (bad.code, bad.end["exit_name"]) == (15, "bad_configuration")
    assert "certificate" in bad.end["error"]["message"]


@pytest.mark.parametrize(
    ("host", "verify", "code", "words"),
    [
        ("127.1", "hostname", 15, "can't be trusted"),
        ("127.1", "cert", 0, "name isn't verified"),
        ("127.0.0.1", "none", 0, "certificate isn't verified"),
    ],
)
def test_a_server_that_is_not_verified_is_no_secret(
    run: Run, zone: Zone, home: str, sample: Path, host: str, verify: str, code: int, words: str
) -> None:
    """Its name counts as well, and who switches either off is told so in each run."""
    authority = {} if verify == "none" else {"irods_ssl_ca_certificate_file": str(zone.ca_file)}
    done = run(
        str(sample), home, irods_host=host, irods_client_server_policy="CS_NEG_REQUIRE", irods_ssl_verify_server=verify,
        **authority,
    )  # fmt: skip
    assert done.code == code
    assert words in done.stderr + json.dumps(done.end)


@pytest.mark.parametrize("scheme", ["pam", "pam_password", "PAM"])
def test_a_pam_login_by_either_name(run: Run, zone: Zone, home: str, sample: Path, scheme: str) -> None:
    """`pam` is what the first stagers and older clients of iRODS call it; a wrong password is refused."""
    tls = {"irods_client_server_policy": "CS_NEG_REQUIRE", "irods_ssl_ca_certificate_file": str(zone.ca_file)}
    assert run(str(sample), home, irods_host="localhost", irods_authentication_scheme=scheme, **tls).code == 0
    wrong = run(str(sample), home, irods_host="localhost", irods_authentication_scheme=scheme, password="no", **tls)
    assert (wrong.code, wrong.end["exit_name"]) == (10, "login_refused")


@pytest.mark.parametrize(
    ("settings", "code", "name"),
    [
        ({"password": "wrong"}, 10, "login_refused"),
        ({"irods_user_name": "nobody"}, 10, "login_refused"),
        ({"irods_port": "x"}, 15, "bad_configuration"),
        ({"irods_host": ""}, 15, "bad_configuration"),
        ({"irods_authentication_scheme": "gsi"}, 15, "bad_configuration"),
        ({"irods_ssl_ca_certificate_file": "/nowhere"}, 15, "bad_configuration"),
    ],
)
def test_what_ends_a_session_has_a_code_of_its_own(
    run: Run, home: str, sample: Path, settings: dict[str, object], code: int, name: str
) -> None:
    """A refused login and bad settings are fatal, scope session, and no secret is shown."""
    done = run(str(sample), home, **settings)
    assert (done.code, done.end["exit_name"], done.end["outcome"]) == (code, name, "failed")
    assert set(done.end["error"]) == _ERROR
    assert (done.end["error"]["scope"], done.end["error"]["class"]) == ("session", "fatal")
    assert "secret" not in done.stderr + json.dumps(done.events)


def test_roots_have_codes_of_their_own(run: Run, zone: Zone, home: str, sample: Path, tmp_path: Path) -> None:
    """No source, no permission for the destination, a file where the folder should go."""
    assert run(f"{home}-none", str(tmp_path / "x")).code == 12
    refused = run(str(sample), f"i:/{zone.zone_name}/home/bob/x")
    assert (refused.code, refused.end["error"]["code"]) == (11, "CAT_NO_ACCESS_PERMISSION")
    assert run(str(sample / "a.txt"), home + "/").code == 0
    assert run(str(sample), f"{home}/a.txt").code == 14


def test_nobody_at_the_port_is_unreachable(run: Run, home: str, sample: Path) -> None:
    """After a few attempts, as a transient error."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = run(str(sample), home, irods_port=unused.getsockname()[1])
    assert (done.code, done.end["error"]["class"]) == (4, "transient")


def test_bad_arguments_are_told_in_an_event_too(run: Run, tmp_path: Path) -> None:
    """Exit code 2, an end event, and a sentence on standard error."""
    done = run(str(tmp_path), str(tmp_path / "y"))
    assert (done.code, done.end["exit_name"]) == (2, "usage")
    assert "i:/zone" in done.stderr


def test_odd_bytes_are_a_clear_error_of_their_file_alone(run: Run, home: str, sample: Path) -> None:
    """A name that is no UTF-8 can't go to iRODS; the others do, and the event writes its bytes in hexadecimal."""
    (sample / "bad\udcff").write_bytes(b"x")
    done = run(str(sample), home)
    assert done.code == 3
    assert [path for path, outcome in done.outcomes().items() if outcome == "failed"] == ["bad\\xff"]
    assert done.end["failures"][0]["code"] == "NAME_NOT_UTF8"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_soon_and_leaves_nothing_half_done(
    start: Start, run: Run, home: str, tmp_path: Path, number: signal.Signals
) -> None:
    """Up and down: the interrupted code within ten seconds, an end event, no part files; a second run completes."""
    source = tmp_path / "s"
    source.mkdir()
    for name in range(4):
        (source / f"{name}").write_bytes(os.urandom(60_000_000))
    for first, second in ((str(source), home), (home, str(tmp_path / "back"))):
        process = start("--bwlimit", "40M", first, second)  # so that it surely is under way when the signal comes
        assert process.stdout is not None
        moving = (event for event in map(json.loads, process.stdout) if event.get("bytes_transferred", 0) > 0)
        assert next(moving, {"event": "none"})["event"] == "progress"
        began = time.monotonic()
        process.send_signal(number)
        out, log = process.communicate(timeout=20)
        assert time.monotonic() - began < _GONE_WITHIN
        assert out, (process.returncode, log)
        end = json.loads(out.splitlines()[-1])
        assert (process.returncode, end["event"], end["outcome"]) == (130, "end", "interrupted")
        again = run(first, second)
        assert again.code == 0
        assert again.end["files_total"] == 4
    assert sorted(os.listdir(tmp_path / "back")) == ["0", "1", "2", "3"]  # noqa: PTH208 - dot files, too
    assert _tree(tmp_path / "back") == _tree(source)


def test_a_silent_server_does_not_hold_up_a_signal(start: Start, home: str, sample: Path) -> None:
    """A server that accepts and never answers: SIGTERM still ends the process in time."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = start(str(sample), home, irods_port=server.getsockname()[1])
        server.settimeout(60)
        peer, _ = server.accept()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=_GONE_WITHIN)
        peer.close()
    assert process.returncode == 130
    assert json.loads(out.splitlines()[-1])["outcome"] == "interrupted"


def test_a_reader_that_goes_away_ends_it(start: Start, home: str, tmp_path: Path) -> None:
    """When nobody reads the events any more, the run stops by itself."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s/big").write_bytes(bytes(400_000_000))
    process = start(str(tmp_path / "s"), home)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    assert process.wait(timeout=20) == 130


@pytest.mark.parametrize("options", [["-p", "4"], ["-n"]])
def test_a_reader_that_stays_and_does_not_read_does_not_hold_up_a_signal(
    start: Start, home: str, tmp_path: Path, options: list[str]
) -> None:
    """The pipe is full while files are copied, or when only the end is to be told."""
    (tmp_path / "s").mkdir()
    for number in range(600):
        (tmp_path / "s" / f"{number}{'n' * 150}").write_bytes(b"")
    process = start(*options, str(tmp_path / "s"), home)
    assert process.stdout is not None
    deadline = time.monotonic() + 30
    held, before = 0, -1
    while (held < 60_000 or held != before) and time.monotonic() < deadline:
        time.sleep(0.3)
        before, held = held, struct.unpack("i", fcntl.ioctl(process.stdout, termios.FIONREAD, bytes(4)))[0]
    assert held >= 60_000
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 130


def test_a_report_that_cannot_be_written_ends_the_run(run: Run, home: str, sample: Path) -> None:
    """The disk is full: event and exit code say the same, and the log what it is."""
    done = run("--report", "/dev/full", str(sample), home)
    assert (done.code, done.end["exit_code"], done.end["error"]["code"]) == (13, 13, "no_space")
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_report_has_a_line_for_each_file(
    run: Run, home: str, sample: Path, sample_files: dict[str, bytes], tmp_path: Path
) -> None:
    """JSON lines with fate and checksum."""
    run("--report", str(tmp_path / "report"), str(sample), home)
    rows = [json.loads(line) for line in (tmp_path / "report").read_text().splitlines()]
    assert {row["path"]: row["bytes"] for row in rows} == {name: len(data) for name, data in sample_files.items()}
    assert {row["outcome"] for row in rows} == {"transferred"}


def _environment(tmp_path: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("IRODS_", "STAGER_"))}
    return {**kept, "HOME": str(tmp_path), **more}


def _person(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def _irods_document(zone: Zone) -> dict[str, object]:
    return {
        "irods_host": zone.host,
        "irods_port": zone.port,
        "irods_zone_name": zone.zone_name,
        "irods_user_name": "alice",
        "irods_client_server_policy": "CS_NEG_REFUSE",
    }


def test_an_irods_environment_and_its_password_file_are_enough(
    zone: Zone, home: str, sample: Path, tmp_path: Path
) -> None:
    """As iinit leaves them; a dry run prints the plan, a run a summary, with -q nothing."""
    (tmp_path / ".irods").mkdir()
    (tmp_path / ".irods/irods_environment.json").write_text(json.dumps(_irods_document(zone)))
    (tmp_path / ".irods/.irodsA").write_text(encode("secret", os.getuid()))
    environment = _environment(tmp_path)
    dry = _person(["-n", str(sample), home], environment)
    assert dry.returncode == 0
    assert "transfer a/b.txt (2.0 kB)" in dry.stdout
    done = _person([str(sample), home], environment)
    assert done.returncode == 0
    assert "complete: 10 files" in done.stderr
    assert (_person(["-q", str(sample), home], environment).stderr, done.stdout) == ("", "")


def test_variables_alone_are_enough(zone: Zone, home: str, sample: Path, tmp_path: Path) -> None:
    """IRODS_HOST and its kin, and a password file given by name that is gone afterwards unless it is to be kept."""
    variables = {key.upper(): str(value) for key, value in _irods_document(zone).items()}
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    environment = _environment(tmp_path, **variables)
    assert _person(["--fdrpass", str(secret), "--keep-fdrpass", str(sample), home], environment).returncode == 0
    assert secret.exists()
    assert _person(["--fdrpass", str(secret), str(sample), home], environment).returncode == 0
    assert not secret.exists()
    shown = _person(["--drpass", "secret", str(sample), home], environment)
    assert shown.returncode == 0
    assert "everybody" in shown.stderr
    assert _person([str(sample), home], environment).returncode == 15


def test_a_sealed_password_is_opened_with_its_key(zone: Zone, home: str, sample: Path, tmp_path: Path) -> None:
    """With -e the file holds what was sealed for this user and account; for another account it opens nothing."""
    keys = tmp_path / "keys"
    subprocess.run([str(Path(sys.executable).with_name("stager-credentials")), "new-key", str(keys)], check=True)
    (key,) = (path for path in keys.glob("*.pem") if not path.name.endswith(".pub.pem"))
    owner = pwd.getpwuid(os.getuid()).pw_name
    sealing = Keyring.load(keys).sealing_key(key.stem)
    variables = {name.upper(): str(value) for name, value in _irods_document(zone).items()}
    environment = _environment(tmp_path, **variables)
    for account, code in (("alice", 0), ("bob", 15)):
        (tmp_path / "sealed").write_text(sealing.seal("secret", owner=owner, dr_user=account))
        arguments = ["-e", "-k", str(key), "--fdrpass", str(tmp_path / "sealed"), str(sample), home]
        done = _person(arguments, environment)
        assert (done.returncode, "secret" in done.stderr) == (code, False)


@pytest.mark.parametrize(("form", "scheme"), [("yaml", "native"), ("json", "native"), ("yaml", "pam")])
def test_a_worker_configuration_brings_zone_and_service_account(
    zone: Zone, home: str, sample: Path, tmp_path: Path, form: str, scheme: str
) -> None:
    """The dr section of the first stagers, with the password of the account that --druser names."""
    text = f"""
dr:
  irodsHost: localhost
  irodsPort: {zone.port}
  irodsSslCacert: {zone.ca_file}
  irodsZone: {zone.zone_name}
  irodsAuthScheme: {scheme}
  organisationalUnits:
    - name: OTHER
      irodsUser: bob
      irodsPass: hidden
    - name: DCCN
      irodsUser: alice
      irodsPass: secret
mailer:
  host: localhost
"""
    if form == "json":
        import yaml

        text = json.dumps(yaml.safe_load(text))
    config = tmp_path / "worker.yml"
    config.write_text(text)
    environment = _environment(tmp_path)
    assert _person(["-c", str(config), "--druser", "alice", str(sample), home], environment).returncode == 0
    unknown = _person(["-c", str(config), "--druser", "carol", str(sample), home], environment)
    assert unknown.returncode == 15
    assert "password" in unknown.stderr


def test_a_terminal_gets_a_bar(zone: Zone, home: str, sample: Path, tmp_path: Path) -> None:
    """On a terminal there is a bar, and the summary after it."""
    variables = {key.upper(): str(value) for key, value in _irods_document(zone).items()}
    environment = _environment(tmp_path, **variables, IRODS_PASSWORD="secret", TERM="xterm", COLUMNS="120")
    master, terminal = pty.openpty()
    process = subprocess.Popen([*_COMMAND, str(sample), home], env=environment, stderr=terminal)
    os.close(terminal)
    shown = bytearray()

    def read() -> None:
        try:
            while chunk := os.read(master, 4096):
                shown.extend(chunk)
        except OSError:
            pass  # the terminal is closed

    reader = threading.Thread(target=read)
    reader.start()
    assert process.wait(timeout=60) == 0
    reader.join(timeout=10)
    os.close(master)
    assert "files" in shown.decode()
    assert "complete: 10 files" in shown.decode()


def test_the_first_event_comes_quickly(start: Start, home: str, sample: Path) -> None:
    """Under 0.35 s of CPU time, whoever else is at the machine: nothing heavy is imported before it."""
    times = []
    for _ in range(3):
        process = start(str(sample), home)
        assert process.stdout is not None
        process.stdout.readline()
        used = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        times.append((int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK"))
        process.communicate(timeout=60)
    assert min(times) < 0.35


def test_a_person_who_is_asked_for_a_password_may_stop_instead(zone: Zone, home: str, sample: Path) -> None:
    """Ctrl-C at the prompt ends it at once, and no bar is drawn over the question."""
    variables = {key.upper(): str(value) for key, value in _irods_document(zone).items()}
    process, terminal = pty.fork()
    if not process:
        environment = _environment(sample, **variables, TERM="xterm")
        os.execve(_COMMAND[0], [*_COMMAND, str(sample), home], environment)  # noqa: S606 - it needs this terminal
    shown = b""
    while b"Password of alice" not in shown:
        shown += os.read(terminal, 4096)
    os.write(terminal, b"\x03")
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 130
    assert b"files" not in shown


def _catches(process: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{process}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def test_a_parent_that_never_tells_the_password_does_not_hold_up_a_signal(home: str, sample: Path) -> None:
    """SIGTERM while the pipe is still open at its other end: interrupted, with an end event."""
    reading, writing = os.pipe()
    command = [*_COMMAND, "--events", f"--connection-fd={reading}", str(sample), home]
    with subprocess.Popen(command, pass_fds=[reading], stdout=subprocess.PIPE, text=True) as process:
        while not _catches(process.pid, signal.SIGTERM):
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=_GONE_WITHIN)
    os.close(reading)
    os.close(writing)
    assert (process.returncode, json.loads(out.splitlines()[-1])["outcome"]) == (130, "interrupted")


def test_a_run_that_had_nothing_to_do_says_so_on_request(run: Run, home: str, sample: Path, tmp_path: Path) -> None:
    """Exit code 9, in a dry run, too; not where something is moved, would be, fails or is removed."""
    ask = "--error-on-no-transfer"
    assert run(ask, "-n", str(sample), home).code == 0
    assert run(ask, str(sample), home).code == 0
    for options in ([], ["-n"], ["--check"]):
        nothing = run(ask, *options, str(sample), home)
        assert (nothing.code, nothing.end["exit_name"], nothing.end["outcome"]) == (9, "nothing_done", "complete")
    (sample / "one more").mkdir()
    for options in (["-n"], []):
        assert run(ask, *options, str(sample), home).code == 9
    (sample / "a.txt").unlink()
    assert run(ask, "--delete", "-n", str(sample), home).code == 0
    assert run(ask, "--delete", str(sample), home).code == 0
    assert run(ask, str(tmp_path / "none"), home).code == 12


def test_check_says_whether_both_sides_are_equal(run: Run, home: str, sample: Path) -> None:
    """Exit code 5 while they differ, and nothing is changed; 0 once they are equal."""
    before = run("--check", str(sample), home)
    assert (before.code, before.end["exit_name"], before.end["outcome"]) == (5, "differs", "partial")
    assert set(before.outcomes().values()) == {"planned"}
    assert run(str(sample), home).code == 0
    assert run("--check", str(sample), home).code == 0
    (sample / "a.txt").write_bytes(b"b")
    after = run("--check", "--no-hash-cache", str(sample), home)
    assert after.code == 5
    assert [path for path, outcome in after.outcomes().items() if outcome == "planned"] == ["a.txt"]
    assert run("--check", home, str(sample)).code == 5


def test_a_destination_that_is_missing_differs_from_an_empty_source(run: Run, home: str, tmp_path: Path) -> None:
    """It would be made, and says so; once it is there, both are equal."""
    (tmp_path / "s").mkdir()
    missing = run("--check", str(tmp_path / "s"), home)
    assert missing.code == 5
    assert [(event["path"], event["outcome"]) for event in missing.events if event["event"] == "folder"] == [
        (".", "planned")
    ]
    assert run(str(tmp_path / "s"), home).code == 0
    assert run("--check", str(tmp_path / "s"), home).code == 0


def test_a_name_outside_of_the_outputs_encoding_has_its_line(zone: Zone, home: str, tmp_path: Path) -> None:
    """In a dry run, which writes to standard output, as well."""
    (tmp_path / "s").mkdir()
    for name in ("台灣", "a", "z"):
        (tmp_path / "s" / name).write_bytes(b"1")
    keys = {key.upper(): str(value) for key, value in _irods_document(zone).items()}
    environment = _environment(tmp_path, IRODS_PASSWORD="secret", PYTHONIOENCODING="latin-1", **keys)
    done = _person(["-n", str(tmp_path / "s"), home], environment)
    assert done.returncode == 0
    planned = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("transfer")]
    assert planned == ["a", "z", r"\u53f0\u7063"]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="starts the command as another user, which takes root")
@pytest.mark.parametrize(("most", "code"), [(1, 1), (3, 1), (4, 0), (6, 0)])
def test_a_limit_of_processes_is_kept_to(zone: Zone, home: str, tmp_path_of_all: Path, most: int, code: int) -> None:
    """It goes on with the threads that it gets; without one for work it says so, and may be tried again."""
    source = tmp_path_of_all / "s"
    source.mkdir()
    for number in range(300):
        (source / str(number)).write_bytes(b"1")
    keys = {key.upper(): str(value) for key, value in _irods_document(zone).items()}
    nobody_else = 64000 + most  # the limit counts all processes of a user
    done = subprocess.run(
        [*_COMMAND, "--events", "--no-hash-cache", str(source), home],
        env=_environment(source, IRODS_PASSWORD="secret", **keys), capture_output=True, timeout=60, check=False,
        user=nobody_else, group=nobody_else, extra_groups=[],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (most, most)),
    )  # fmt: skip
    end = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, end["event"], end["exit_code"]) == (code, "end", code)
    assert end["files_transferred"] == (0 if code else 300)


def test_links_are_skipped_followed_or_errors(run: Run, home: str, sample: Path, tmp_path: Path) -> None:
    """A followed link is what it points to; one to nothing and one into itself are told of, and don't hang."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/f").write_bytes(b"f")
    (sample / "to-file").symlink_to("a.txt")
    (sample / "to-folder").symlink_to(tmp_path / "outside")
    assert run("--links", "error", str(sample), f"{home}/e").code == 3
    skipped = run(str(sample), f"{home}/s")
    assert skipped.code == 0
    assert "to-file" not in skipped.outcomes()
    followed = run("--links", "follow", str(sample), f"{home}/f")
    assert followed.code == 0
    assert followed.outcomes()["to-file"] == followed.outcomes()["to-folder/f"] == "transferred"
    (sample / "a/loop").symlink_to(sample)
    (sample / "dangling").symlink_to("nowhere")
    odd = run("--links", "follow", str(sample), f"{home}/f")
    assert odd.code == 3
    assert sorted((e["error"]["path"], e["error"]["code"]) for e in odd.events if e["event"] == "error") == [
        ("a/loop", "ELOOP"),
        ("dangling", "ENOENT"),
    ]


def test_bandwidth_is_kept(run: Run, home: str, tmp_path: Path) -> None:
    """Five times the rate takes at least some four seconds, in small files and in a big one."""
    (tmp_path / "s").mkdir()
    for number in range(5):
        (tmp_path / f"s/{number}").write_bytes(os.urandom(500_000))
    (tmp_path / "s/big").write_bytes(os.urandom(7_500_000))
    done = run("--bwlimit", "2M", str(tmp_path / "s"), home)
    assert done.code == 0
    assert 2.5 < done.end["seconds"] < 20


def test_options_that_make_no_sense_together_are_told(run: Run, home: str, sample: Path, tmp_path: Path) -> None:
    """Exit code 2, before anything is done."""
    (tmp_path / "list").write_text("../up\n")
    for arguments in (
        ["--bundle", home, str(sample)],
        ["--bundle", "--perms", str(sample), home],
        ["--bundle", "--metadata", "a;b", str(sample), home],
        ["--metadata", "a;b", home, str(sample)],
        ["--metadata", "a", str(sample), home],
        ["--bwlimit", "fast", str(sample), home],
        ["--max-delete", "3", str(sample), home],
        ["--delete", "--max-delete", "-1", str(sample), home],
        ["--exclude", "/", str(sample), home],
        ["--files-from", str(tmp_path / "list"), str(sample), home],
        ["--files-from", str(tmp_path / "none"), str(sample), home],
        [home, f"{home}/inside"],
        ["--delete", f"{home}/inside", home],
        ["--timeout", "nan", str(sample), home],
        ["--timeout", "0", str(sample), home],
        [str(sample), str(tmp_path)],
    ):
        assert run(*arguments).code == 2, arguments


def test_a_list_of_files_says_what_takes_part(run: Run, home: str, sample: Path, tmp_path: Path) -> None:
    """Paths one a line, relative to the source; the patterns apply to them, too."""
    (tmp_path / "list").write_text("a\n-dash\n")
    done = run("--files-from", str(tmp_path / "list"), "--exclude", "deep.*", str(sample), home)
    assert done.code == 0
    assert set(done.outcomes()) == {"a/b.txt", "-dash"}


def test_a_destination_that_takes_nothing_ends_the_run(run: Run, zone: Zone, sample: Path) -> None:
    """A collection that may be read and not written: no permission, rather than one failure a file."""
    path = f"/{zone.zone_name}/home/alice/{uuid4()}"
    zone.files.make_collection("alice", path)
    engine = zone.engine
    collection = engine.catalogue.collections.find(path)
    assert collection is not None
    engine.catalogue.access.grant(collection.collection_id, engine.catalogue.users.find("bob").user_id, 1050)
    shutil.rmtree(sample / "a")
    done = run(str(sample), f"i:{path}", irods_user_name="bob", password="hidden")
    assert (done.code, done.end["exit_name"]) == (11, "no_permission")


def test_a_silent_server_ends_as_a_transient_error(run: Run, home: str, sample: Path) -> None:
    """It accepts and never answers: with --timeout that is known soon, and the run ends as unreachable."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        done = run("--timeout", "1", str(sample), home, irods_port=server.getsockname()[1])
    assert (done.code, done.end["error"]["class"]) == (4, "transient")
    assert done.end["seconds"] < 20
