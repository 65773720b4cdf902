"""Many small files as one tar file that the zone unpacks."""

import contextlib
import logging
import time
from collections.abc import Mapping

from s_isync.backends import irods_requests as requests
from s_isync.backends.irods_reply import check
from s_isync.backends.irods_sessions import ZoneSessions
from s_isync.errors import EndOfRunError, TreeError
from s_isync.exit_codes import ExitCode
from s_isync.names import bundle_name, join

_log = logging.getLogger(__name__)
_SECOND_NS = 1_000_000_000
_AT_ONCE = 64  # requests in one round trip
_OLD = 24 * 3600  # seconds; a bundle is on its way for some minutes at most, but clocks may differ
_NOT_ALLOWED = {"SYS_UNMATCHED_API_NUM", "SYS_NO_API_PRIV", "SYS_NOT_ALLOWED", "SYS_UNSUPPORTED_OPERATION"}


class BundlesLeft:
    """Tar files of runs that were killed before they could remove them, as scans come by them."""

    def __init__(self, sessions: ZoneSessions) -> None:
        self._sessions = sessions
        self._paths: set[str] = set()

    def note(self, path: str, modified: int) -> None:
        """There is a tar file, of that time in seconds since the epoch; a young one may be a running transfer's."""
        if time.time() - modified > _OLD:
            self._paths.add(path)

    def drop(self, root: str) -> None:
        """Remove those below a collection that can be removed; others are somebody else's."""
        for path in sorted(self._paths):
            if path.startswith(f"{root.rstrip('/')}/"):
                try:
                    self._sessions.call(requests.unlink(path))
                except TreeError as error:
                    _log.info("%s is left of a broken-off run, and stays: %s", path, error)


class ZoneBundles:
    """Puts a tar file beside what it holds, has it unpacked and removed, and every file's checksum computed.

    What is unpacked has neither checksum nor time of its own, and may go round the policies and logs that a zone has
    for uploads; so this is for those who ask for it.
    """

    def __init__(self, sessions: ZoneSessions) -> None:
        self._sessions = sessions

    def accepts(self, path: str) -> bool:
        """Neither names that a tar file may spoil, nor those that a server would misread."""
        return path.isprintable() and "'" not in path

    def store_bundle(
        self, root: str, archive: bytes | memoryview, times: Mapping[str, int | None]
    ) -> Mapping[str, str]:
        """As the protocol says."""
        self._sessions.recycle()
        tar = join(root, bundle_name())
        resource = self._sessions.settings.default_resource
        try:
            self._put(tar, memoryview(archive), resource)
            try:
                self._sessions.call(requests.unpack_tar(tar, root, len(archive), resource))
            except TreeError as error:
                if error.code in _NOT_ALLOWED:
                    message = "the zone takes no bundles; run it without --bundle"
                    raise EndOfRunError(ExitCode.BAD_CONFIGURATION, message, error.code) from error
                _log.info("unpacking %s: %s", tar, error)  # some of its files may be there all the same
        finally:
            with contextlib.suppress(TreeError):
                self._sessions.call(requests.unlink(tar))
        return self._verify(root, times)

    def _put(self, path: str, data: memoryview, resource: str | None) -> None:
        descriptor = self._sessions.call(requests.open_to_store_tar(path, len(data), resource)).status
        check(self._sessions.exchange([*requests.writes(descriptor, data), requests.close(descriptor)]))

    def _verify(self, root: str, times: Mapping[str, int | None]) -> dict[str, str]:
        version = self._sessions.connection().server_version
        stored: dict[str, str] = {}
        paths = list(times)
        for start in range(0, len(paths), _AT_ONCE):
            some = paths[start : start + _AT_ONCE]
            batch = [requests.compute_checksum(join(root, path), 0) for path in some]
            for path in some:
                if (mtime_ns := times[path]) is not None:
                    batch.append(requests.set_mtime(join(root, path), mtime_ns // _SECOND_NS, version))
            replies = self._sessions.exchange(batch)
            for path, reply in zip(some, replies, strict=False):
                if reply.status >= 0 and (checksum := reply.value("myStr")):
                    stored[path] = checksum.strip()
        return stored
