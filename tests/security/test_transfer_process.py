"""What other processes of a user can learn of a transfer that runs as that user: its password may be no user's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration_stack import runnable_isync

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which takes root")

UID = 54_321
LOOK = """
import os, sys
pid, told = sys.argv[1], []
for name in ("environ", "mem", "maps", "fd/%s" % sys.argv[2]):
    try:
        open(f"/proc/{pid}/{name}", "rb").close()
    except PermissionError:
        told.append(name)
print(len(told))
"""


@pytest.fixture
def waiting() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """An s-isync of a user's that waits for its connection, and the number of the pipe that it will come through."""
    folder = Path(tempfile.mkdtemp(prefix="stager-transfer-"))
    folder.chmod(0o755)
    program = runnable_isync(folder, UID)
    if program is None:
        pytest.skip("neither this Python nor /usr/bin/python3 can be run by other users")
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [program, "--events", "--connection-fd", str(reading), "--", "/nowhere", "i:/zone/x"],
        pass_fds=[reading], stdout=subprocess.PIPE, user=UID, group=UID, extra_groups=[], cwd="/", env={},
    )  # fmt: skip
    yield process, reading
    os.close(reading)
    os.close(writing)
    process.kill()
    process.communicate()
    shutil.rmtree(folder)


def test_neighbours_see_nothing_of_it(waiting: tuple[subprocess.Popen[bytes], int]) -> None:
    """Before the password comes, the kernel shuts its memory, environment and pipes to the user's other processes."""
    process, pipe = waiting
    deadline = time.monotonic() + 60
    while Path(f"/proc/{process.pid}/environ").stat().st_uid != 0:
        assert time.monotonic() < deadline, "its memory stays open"
        assert process.poll() is None
        time.sleep(0.02)
    looked = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", LOOK, str(process.pid), str(pipe)], capture_output=True, text=True, check=True,
        user=UID, group=UID, extra_groups=[], cwd="/", env={},
    )  # fmt: skip
    assert looked.stdout.strip() == "4"
