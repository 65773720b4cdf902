"""WebDAV over the zone's data, as the repository offers it: the same people, rights and paths."""

from stager_sandbox.webdav.server import WebDav

__all__ = ["WebDav"]
