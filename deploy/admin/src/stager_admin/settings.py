"""What the admin service can be told: `admin.yml`, or variables that begin with STAGER_ADMIN_."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from redis import Redis
from stager_redis import TlsFiles, connect
from stager_settings import Settings, is_loopback


class AdminSettings(Settings):
    """Settings of the admin service."""

    redis_url: SecretStr
    """Redis, with user and password: redis://USER:PASSWORD@HOST:PORT/DB, rediss:// for TLS, or redis+sentinel:// and
    the Sentinels' hosts (docs/admin-guide.md)."""

    redis_ca_file: Path | None = None
    """For rediss://: who may have signed Redis' certificate, PEM; absent: those that the machine trusts."""

    redis_certificate: Path | None = None
    """For rediss://: this service's certificate, PEM, where Redis asks for one."""

    redis_key: Path | None = None
    """The certificate's private key, PEM."""

    users: dict[str, SecretStr] = Field(min_length=1)
    """Who may log in: names and the argon2 hashes of their passwords (`stager-admin hash-password` makes one)."""

    host: str = "127.0.0.1"
    """The address to listen on."""

    port: int = Field(default=9181, ge=0, le=65535)
    """The port to listen on; 0 lets the system choose."""

    certificate: Path | None = None
    """The server's certificate chain (PEM). Without it the service speaks plain HTTP."""

    key: Path | None = None
    """The certificate's private key (PEM)."""

    plaintext_beyond_loopback: bool = False
    """Speak plain HTTP to other machines too, such as a proxy that speaks HTTPS: passwords can be read on the way."""

    poll_interval_ms: int = Field(default=2500, ge=500)
    """How often an open page asks for news, in milliseconds."""

    read_only: bool = False
    """Show only: nothing can be requeued, emptied or deleted."""

    @model_validator(mode="after")
    def _no_passwords_in_clear(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together")
        if self.certificate is None and not self.plaintext_beyond_loopback and not is_loopback(self.host):
            raise ValueError(
                f"listening on {self.host} without TLS would send passwords in clear: give certificate and key, listen "
                "on 127.0.0.1, or set plaintext_beyond_loopback where something else encrypts"
            )
        return self

    @model_validator(mode="after")
    def _redis_is_usable(self) -> Self:
        self.connect().close()
        return self

    def connect(self) -> Redis:
        """A pool of connections; nothing is sent before it is used.

        Raises:
            ValueError: The address is none, or doesn't go with the files for TLS.
        """
        files = TlsFiles(self.redis_ca_file, self.redis_certificate, self.redis_key)
        return connect(self.redis_url.get_secret_value(), name="stager-admin", tls=files)
