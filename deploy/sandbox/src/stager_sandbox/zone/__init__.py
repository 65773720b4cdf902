"""An iRODS zone in one process, for tests: real protocol, real permissions, real files."""

from stager_sandbox.zone.control import ControlError, tell
from stager_sandbox.zone.errors import Code, ZoneError
from stager_sandbox.zone.faults import Fault, Faults
from stager_sandbox.zone.files import Entry, ZoneFiles
from stager_sandbox.zone.streams import Upload
from stager_sandbox.zone.zone import Zone

__all__ = ["Code", "ControlError", "Entry", "Fault", "Faults", "Upload", "Zone", "ZoneError", "ZoneFiles", "tell"]
