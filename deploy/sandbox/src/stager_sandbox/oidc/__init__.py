"""An OpenID Connect provider, small and real: Authlib's server side over a handful of people and clients."""

from stager_sandbox.oidc.clients import Client
from stager_sandbox.oidc.provider import OidcProvider

__all__ = ["Client", "OidcProvider"]
