"""A zone that runs: in a test with ``with Zone(...) as zone``, or behind the ``stager-sandbox zone`` command."""

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from stager_sandbox.zone import tls
from stager_sandbox.zone.control import Control, Verbs
from stager_sandbox.zone.damage import Damage
from stager_sandbox.zone.engine import Engine
from stager_sandbox.zone.files import ZoneFiles
from stager_sandbox.zone.server import Manners, Server

DEFAULT_ZONE = "nl.ru.donders"
DEFAULT_RELEASE = "5.0.2"


class Zone:
    """An iRODS zone in this process, answering on loopback.

    Args:
        users: Names and passwords of ordinary users.
        data: The directory that holds the zone; a temporary one, removed at the end, if None.
        zone_name: The zone's name.
        admin: Name and password of the rodsadmin.
        collections: More collections to make, and the user who owns each.
        host: The address to listen on.
        port: The port; 0 for one of the kernel's choice.
        require_tls: Whether plain connections are refused.
        release: The iRODS release to answer with.
        checksum_scheme: ``sha2`` or ``md5``.
        quotas: How many bytes users may store; those not named, any number.
        browsable: Whether all may read the collections at the top, from ``/`` to those that hold the homes and trashes;
            on a real server as it is installed, administrators alone may.
        control: Whether other processes may set faults, through `stager_sandbox.zone.control.tell`.

    Attributes:
        host: The address it listens on.
        port: The port it listens on, once started.
        zone_name: The zone's name.
        ca_file: The certificate with which clients verify it.
        faults: What goes wrong in it from now on; see `Faults.add`.
        damage: Does harm to what is in it.
        files: The zone's contents, for other servers and for tests.
        engine: The zone's works, for tests that look inside.
    """

    def __init__(  # noqa: PLR0913 - a zone has these settings
        self,
        users: Mapping[str, str],
        *,
        data: Path | str | None = None,
        zone_name: str = DEFAULT_ZONE,
        admin: tuple[str, str] = ("rods", "rods"),
        collections: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        require_tls: bool = False,
        release: str = DEFAULT_RELEASE,
        checksum_scheme: str = "sha2",
        quotas: Mapping[str, int] | None = None,
        browsable: bool = False,
        control: bool = False,
    ) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="zone-") if data is None else None
        root = Path(self._temporary.name if self._temporary else str(data))
        self.engine = Engine(
            root,
            zone_name,
            users,
            admin=admin,
            collections=collections,
            checksum_scheme=checksum_scheme,
            quotas=quotas,
            browsable=browsable,
        )
        self.faults = self.engine.faults
        self.damage = Damage(self.engine)
        self.files = ZoneFiles(self.engine)
        self.zone_name = zone_name
        secured = tls.prepare(root / "tls")
        self.ca_file = secured.ca_file
        self.host = host
        self.port = port
        self._manners = Manners(release, secured.context, require_tls)
        self._server: Server | None = None
        self._control = Control(root, self._verbs()) if control else None

    def start(self) -> None:
        """Begin to answer; after a stop, on the same port. What a killed server left half-written is stale then."""
        self.engine.replicas.recover()
        self._server = Server(self.engine, (self.host, self.port), self._manners)
        self.port = self._server.port
        self._server.start()

    def stop(self) -> None:
        """Stop answering; the contents stay."""
        if self._server:
            self._server.stop()
            self._server = None

    def restart(self, down: float = 0.0) -> None:
        """Stop, and start again on the same port; connections are cut.

        Args:
            down: Seconds for which there is no server.
        """
        self.stop()
        time.sleep(down)
        self.start()

    def close(self) -> None:
        """Stop, and remove the contents if they were temporary."""
        if self._control:
            self._control.close()
        self.faults.clear()
        self.stop()
        self.engine.catalogue.database.close()
        if self._temporary:
            self._temporary.cleanup()

    def _verbs(self) -> Verbs:
        faults, damage = self.faults, self.damage
        verbs: list[Callable[..., object]] = [faults.add, faults.limit, faults.clear, faults.struck, self.restart]
        verbs += [damage.stale, damage.lock, damage.checksum, damage.flip, damage.lose]
        return {verb.__name__: verb for verb in verbs}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
