"""Harm done to data objects that are there: what a test finds in a zone that has lived."""

from stager_sandbox.zone.catalogue.objects import Replica, Status
from stager_sandbox.zone.engine import Engine
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.storage import false_checksum


class Damage:
    """Does harm to data objects by path; each raises `ZoneError` when there is none."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def stale(self, path: str) -> None:
        """Mark the replica stale, as a failed overwrite leaves it."""
        self._engine.catalogue.objects.set_status(self._find(path).data_id, Status.STALE)

    def lock(self, path: str) -> None:
        """Mark the replica intermediate, as a writer leaves it who vanished with the whole server."""
        self._engine.catalogue.objects.set_status(self._find(path).data_id, Status.INTERMEDIATE)

    def checksum(self, path: str, value: str | None = None) -> None:
        """Record another checksum than the bytes have: this one ("" for none), or some wrong one."""
        found = self._find(path)
        if value is None:
            value = false_checksum(found.checksum or self._engine.storage.checksum(found.data_id))
        self._engine.catalogue.objects.set_checksum(found.data_id, value)

    def flip(self, path: str, offset: int = 0) -> None:
        """Change the byte at an offset, behind the catalogue's back."""
        file = self._engine.storage.path(self._find(path).data_id)
        content = bytearray(file.read_bytes())
        content[offset] ^= 0xFF
        file.write_bytes(content)

    def lose(self, path: str) -> None:
        """Remove the file behind a data object, and leave the catalogue as it is."""
        self._engine.storage.remove(self._find(path).data_id)

    def _find(self, path: str) -> Replica:
        found = self._engine.catalogue.objects.find(path)
        if found is None:
            raise ZoneError(Code.CAT_NO_ROWS_FOUND, path)
        return found
