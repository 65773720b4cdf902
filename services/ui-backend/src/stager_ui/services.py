"""What the views work with: made once for each process, found through the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app
from redis import Redis

from stager_ui.api_client import ApiClient
from stager_ui.identity import AccessTokens
from stager_ui.oidc import Provider
from stager_ui.session_store import SessionStore
from stager_ui.settings import UiSettings
from stager_ui.webdav import WebDav

KEY = "stager_services"


@dataclass(frozen=True)
class Services:
    """The parts of the application.

    Attributes:
        settings: As the service was started with.
        redis: Sessions and throttles.
        store: Sessions.
        provider: Where people sign in.
        tokens: The access token of the person at hand.
        api: The stager's API.
        webdav: The repository.
    """

    settings: UiSettings
    redis: Redis
    store: SessionStore
    provider: Provider
    tokens: AccessTokens
    api: ApiClient
    webdav: WebDav


def services() -> Services:
    """The parts of the application at hand."""
    return cast("Services", current_app.extensions[KEY])
