"""The RDR gateway: the collections of a project in the repository."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import httpx

from stager_api.projects.answers import SourceError, answer_of
from stager_api.rules import is_collection

RAW_DATA = "dac"
"""The type of a data acquisition collection."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Asks the gateway about one project."""

    http: httpx.Client
    endpoint: str

    def collections(self, project: str) -> frozenset[str]:
        """The project's data acquisition collections.

        Raises:
            SourceError: The gateway doesn't answer.
        """
        url = f"{self.endpoint.rstrip('/')}/collections/project/{quote(project, safe='')}"
        try:
            response = self.http.get(url)
        except httpx.HTTPError as error:
            raise SourceError(f"the gateway can't be reached: {type(error).__name__}") from error
        if response.status_code == httpx.codes.NOT_FOUND:
            return frozenset()
        match answer_of(response):
            case {"collections": list(items)}:
                return frozenset(path for item in items if (path := _raw_data_path(item)))
            case {"collections": None}:
                return frozenset()
        raise SourceError("the gateway's answer has no list of collections")


def _raw_data_path(item: object) -> str | None:
    match item:
        case {"path": str(path), "type": str(kind)} if kind.lower() == RAW_DATA and is_collection(path):
            return path
    return None
