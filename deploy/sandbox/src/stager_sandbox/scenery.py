"""What stands in the sandbox: its projects, their collections and the applications that its provider knows."""

from __future__ import annotations

from dataclasses import dataclass

from stager_sandbox.gateway import PPM_AUDIENCE, PPM_SCOPE
from stager_sandbox.oidc import Client
from stager_sandbox.oidc.claims import API_SCOPE, SCOPES
from stager_sandbox.secrets_file import SecretsFile

ZONE = "nl.ru.donders"
SERVICE_ACCOUNT = "stager-service"
"""The repository account of streamers."""
UI_CLIENT = "stager-ui"
STREAMER_CLIENT = "streamer"
FORM_CLIENT = "stager-api"


@dataclass(frozen=True, slots=True)
class Project:
    """A project with one collection for its raw data.

    Attributes:
        number: The project's number.
        name: The collection's, below /ZONE/di/dccn.
        owner: Who may write there.
        source: Who knows it: `gateway` or `form`.
    """

    number: str
    name: str
    owner: str
    source: str

    def path(self, zone: str) -> str:
        """The collection's path."""
        return f"/{zone}/di/dccn/{self.name}"


PROJECTS = (
    Project("3010000.01", "DAC_3010000.01_173", "alice", "gateway"),
    Project("3010000.02", "DAC_3010000.02_217", SERVICE_ACCOUNT, "form"),
    Project("3010000.03", "DAC_3010000.03_311", "bob", "gateway"),
    Project("3010000.03", "DAC_3010000.03_312", "bob", "gateway"),
)
"""The third one has two collections, which is one too many."""


def collections_at_gateway(zone: str) -> dict[str, dict[str, str]]:
    """What the gateway tells: by project, collections and their types."""
    told: dict[str, dict[str, str]] = {}
    for project in PROJECTS:
        if project.source == "gateway":
            told.setdefault(project.number, {})[project.path(zone)] = "DAC"
    told["3010000.01"][f"/{zone}/di/dccn/RDC_3010000.01_174"] = "RDC"
    return told


def collections_in_form(zone: str) -> dict[str, str]:
    """What the form tells: by collection, its project."""
    return {project.path(zone): project.number for project in PROJECTS if project.source == "form"}


def clients(secrets: SecretsFile) -> list[Client]:
    """The applications and services that the identity provider knows."""
    return [
        Client(UI_CLIENT, secrets.get("client " + UI_CLIENT), SCOPES, ("authorization_code", "refresh_token")),
        Client(STREAMER_CLIENT, secrets.get("client " + STREAMER_CLIENT), (API_SCOPE,), ("client_credentials",)),
        Client(
            FORM_CLIENT,
            secrets.get("client " + FORM_CLIENT),
            (PPM_SCOPE,),
            ("client_credentials",),
            audience=PPM_AUDIENCE,
        ),
    ]
