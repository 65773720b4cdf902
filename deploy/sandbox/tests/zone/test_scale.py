"""A collection with very many objects."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stager_sandbox.zone import calls
from stager_sandbox.zone.catalogue.database import now
from stager_sandbox.zone.engine import Engine
from stager_sandbox.zone.protocol import structs
from stager_sandbox.zone.protocol.framing import read_frame, write_frame
from stager_sandbox.zone.protocol.native import NativeDialect
from stager_sandbox.zone.protocol.xml import XmlDialect

OBJECTS = 100_000
ROOM = 48 << 20
HOME = "/nl.ru.donders/home/alice"


def fill(data: Path) -> None:
    """Make the zone and put the objects straight into its catalogue."""
    engine = Engine(data, "nl.ru.donders", {"alice": "alicepw"})
    home = engine.catalogue.collections.find(HOME)
    assert home is not None
    owner = engine.catalogue.users.find("alice").user_id
    with engine.catalogue.database.transaction() as connection:
        connection.executemany(
            "INSERT INTO r_data_main (data_id, coll_id, data_name, data_repl_num, resc_id, data_owner_name,"
            " data_owner_zone, data_is_dirty, create_ts, modify_ts) VALUES (?, ?, ?, 0, ?, 'alice', 'x', 1, ?, ?)",
            [
                (1_000_000 + n, home.collection_id, f"f{n:06}", engine.catalogue.resource_id, now(), now())
                for n in range(OBJECTS)
            ],
        )
        connection.executemany(
            "INSERT INTO r_objt_access VALUES (?, ?, 1200, ?, ?)",
            [(1_000_000 + n, owner, now(), now()) for n in range(OBJECTS)],
        )
    engine.catalogue.database.close()


@contextmanager
def served(data: Path) -> Iterator[tuple[int, int]]:
    """The zone as a process: its id and its port."""
    command = [sys.executable, "-c", "from stager_sandbox.cli import main; main()", "zone", "--port", "0"]
    command += ["--data", str(data), "--zone", "nl.ru.donders", "--user", "alice:alicepw"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline().strip().rpartition(":")[2])
        finally:
            process.kill()


def resident(process: int) -> int:
    """How much memory a process has, in bytes."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def logged_in(port: int) -> socket.socket:
    """A connection of alice's that packs natively."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=60)
    hello = structs.StartupPack(proxy_user="alice", client_user="alice", release="rods5.0.2", api="d")
    write_frame(sock, "RODS_CONNECT", 0, XmlDialect().pack(hello))
    read_frame(sock)
    write_frame(sock, "RODS_API_REQ", 703)
    challenge = NativeDialect().unpack(structs.Challenge, read_frame(sock).message).challenge
    answer = structs.ChallengeResponse(calls.login._digest(challenge, "alicepw"), "alice")
    write_frame(sock, "RODS_API_REQ", 704, NativeDialect().pack(answer))
    assert read_frame(sock).int_info == 0
    return sock


def test_listing_of_very_many_takes_no_memory(tmp_path: Path) -> None:
    """A hundred thousand objects come in pages, by name, and the server does not grow with them."""
    fill(tmp_path)
    with served(tmp_path) as (process, port), logged_in(port) as sock:
        request = structs.QueryRequest(max_rows=256, selects=[(403, 1), (407, 1)], conditions=[(501, f"= '{HOME}'")])
        before = most = resident(process)
        names = 0
        while True:
            write_frame(sock, "RODS_API_REQ", 702, NativeDialect().pack(request))
            frame = read_frame(sock)
            assert frame.int_info == 0
            page = NativeDialect().unpack(structs.QueryReply, frame.message)
            assert page.columns[0].values == [f"f{number:06}" for number in range(names, names + page.rows)]
            names += page.rows
            most = max(most, resident(process))
            request.statement = page.statement
            if not page.statement:
                break
        assert names == OBJECTS
        assert most - before < ROOM
