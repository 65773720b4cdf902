"""How tests get to a zone of the sandbox."""

from s_isync.zone_settings import ZoneSettings
from stager_sandbox.zone import Zone


def settings_of(zone: Zone) -> ZoneSettings:
    """Those of alice, without TLS."""
    return ZoneSettings(zone.host, zone.port, zone.zone_name, "alice", "secret", client_server_policy="CS_NEG_REFUSE")
