"""The connection to Redis: one server, or a group of them kept by Sentinel."""

from stager_redis.connection import connect
from stager_redis.sentinel_address import is_sentinel
from stager_redis.tls_files import TlsFiles

__all__ = ["TlsFiles", "connect", "is_sentinel"]
