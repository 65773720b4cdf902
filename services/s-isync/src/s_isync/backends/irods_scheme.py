"""The scheme in which a zone takes checksums."""

from s_isync.checksums import DEFAULT_SCHEME, is_known, same, scheme_of
from s_isync.errors import TransientError, TreeError
from s_isync.zone_settings import ZoneSettings


class ZoneScheme:
    """What is known of it: the client's settings, until the zone has shown that it has another one.

    Attributes:
        name: such as `sha2`.
    """

    def __init__(self, settings: ZoneSettings) -> None:
        self.name = "md5" if settings.default_hash_scheme.upper() == "MD5" else DEFAULT_SCHEME

    def require_same(self, stored: str, sent: str) -> None:
        """Compare what the zone has computed of an object with what was computed here.

        Raises:
            TransientError: they differ; if in their scheme, files that are hashed in `name` from now on won't.
            TreeError: nothing here can compute what the zone does.
        """
        scheme = scheme_of(stored)
        if scheme == scheme_of(sent):
            if not same(stored, sent):
                raise TransientError("USER_CHKSUM_MISMATCH", f"the zone holds {stored}, {sent} was sent")
            return
        if not is_known(scheme):
            raise TreeError(
                "UNKNOWN_CHECKSUM", f"the zone's checksum {stored} is of a kind that can't be verified here"
            )
        self.name = scheme
        raise TransientError(
            "USER_HASH_TYPE_MISMATCH", f"the zone's checksums are {scheme}, {scheme_of(sent)} was sent"
        )
