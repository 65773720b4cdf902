"""Client certificates: services that are known by what their certificate, which TLS has verified, says they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stager_api.errors import UnauthenticatedError
from stager_api.principal import Principal


@dataclass(frozen=True, slots=True)
class CertificateLogin:
    """By the name in a certificate: who shows it."""

    services: Mapping[str, Principal]

    def principal(self, names: Sequence[str]) -> Principal:
        """The service that goes by one of these names.

        Raises:
            UnauthenticatedError: None does, or more than one.
        """
        found = {name: self.services[name] for name in names if name in self.services}
        if len(found) != 1:
            what = "several services" if found else "no service"
            raise UnauthenticatedError(f"the client certificate names {what} of client_certificates")
        return next(iter(found.values()))
