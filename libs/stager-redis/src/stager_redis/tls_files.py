"""What a connection over TLS is verified with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What a `rediss://` connection is verified with, PEM.

    `authority` is who may have signed Redis' certificate, the system's own where it is None; `certificate` and `key`
    are this side's, where Redis asks for one.
    """

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __bool__(self) -> bool:
        """Whether any is named."""
        return any((self.authority, self.certificate, self.key))

    def options(self) -> dict[str, Any]:
        """As Redis' client takes them."""
        files = {"ssl_ca_certs": self.authority, "ssl_certfile": self.certificate, "ssl_keyfile": self.key}
        named = {name: str(path) for name, path in files.items() if path}
        return {"ssl_cert_reqs": "required", "ssl_check_hostname": True} | named
