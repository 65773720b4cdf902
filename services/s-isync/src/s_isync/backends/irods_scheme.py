"""The schemes of a zone's checksums."""

from s_isync.backends import irods_requests as requests
from s_isync.backends.irods_sessions import ZoneSessions
from s_isync.checksums import DEFAULT_SCHEME, is_known, scheme_of
from s_isync.errors import TransientError
from s_isync.zone_settings import ZoneSettings


class ZoneScheme:
    """In which scheme a zone takes checksums: as the client's settings say, until the zone has shown another one.

    Attributes:
        name: such as `sha2`.
    """

    def __init__(self, settings: ZoneSettings) -> None:
        self.name = "md5" if settings.default_hash_scheme.upper() == "MD5" else DEFAULT_SCHEME

    def learn(self, stored: str) -> None:
        """A checksum that the zone has computed, in a scheme of its own choice."""
        if is_known(scheme_of(stored)):
            self.name = scheme_of(stored)


def verify(sessions: ZoneSessions, path: str, size: int, checksum: str) -> None:
    """Have the server compare an object with a checksum, in whose scheme it is registered from then on.

    Asked for a checksum, a server computes one of its own scheme; to verify what is being closed it takes any, and
    what isn't as it should be does not count as good after that.

    Raises:
        TreeError: it has another one.
    """
    connection = sessions.connection()
    opened, closed = connection.exchange(
        [requests.open_to_verify(path, size, checksum), requests.close(requests.FIRST_DESCRIPTOR, size)]
    )
    if opened.status < 0:
        raise opened.failure()
    if opened.status != requests.FIRST_DESCRIPTOR:
        connection.break_off()
        raise TransientError("BAD_ANSWER", f"the zone opened descriptor {opened.status}, not the first one")
    if closed.status < 0:
        raise closed.failure()
