"""The demo's folder: what stands where in it, and beginning anew in it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stager_sandbox.demo.errors import DemoError

_NEEDED_BYTES = 1_500_000_000
_MARK = "made-by-make-demo"


class Place:
    """Where the demo puts what it makes.

    Args:
        root: The folder; everything else is in it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.project = self.root / "project" / "3010000.01"
        """The project storage of one project, the transfers' user's own."""
        self.raw = self.project / "raw"
        """What goes up."""
        self.back = self.project / "back"
        """Where it comes back to."""
        self.private = self.root / "private"
        """Configuration, keys and data of the services, for their owner's eyes only."""
        self.sandbox = self.private / "sandbox"
        self.keys = self.private / "keys"
        self.public_keys = self.private / "public-keys"
        self.api_settings = self.private / "api-server.yml"
        self.worker_settings = self.private / "worker.yml"
        self.ui_settings = self.private / "ui.yml"
        self.client_settings = self.private / "config.toml"
        self.logs = self.private / "log"
        self.ca_file = self.root / "ca.pem"
        """With which the transfers, as their user, verify the zone."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have the folder to oneself, empty but for sample data that was made before.

        Raises:
            DemoError: Another demo runs in it, it isn't the demo's, or there is no room.
        """
        mark = self.root / _MARK
        if self.root.exists() and not mark.exists() and any(self.root.iterdir()):
            raise DemoError(
                f"{self.root} holds something that isn't the demo's; move it, or name another with --folder"
            )
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self.root.chmod(0o755)
            lock = os.open(mark, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DemoError(f"{self.root} can't be used: {error.strerror}; is it another user's? Remove it") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._begin_anew()
            yield
        except BlockingIOError:
            raise DemoError(f"a demo runs in {self.root} already; stop it with Ctrl-C where it runs") from None
        finally:
            os.close(lock)

    def _begin_anew(self) -> None:
        for left_over in (self.private, self.back):
            if left_over.exists():
                shutil.rmtree(left_over)
        free = shutil.disk_usage(self.root).free
        if free < _NEEDED_BYTES:
            raise DemoError(f"{self.root} has room for {free // 10**6} MB; {_NEEDED_BYTES // 10**6} MB are needed")
        for folder in (self.private, self.logs):
            folder.mkdir(mode=0o700)
        self.back.mkdir(parents=True)
