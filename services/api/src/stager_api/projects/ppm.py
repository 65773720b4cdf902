"""The online PPM form: which collection its projects were given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from stager_telemetry import get_logger

from stager_api.projects.answers import SourceError, answer_of
from stager_api.rules import is_collection

log = get_logger(__name__)

Collections = Mapping[str, frozenset[str]]
"""By project number: the collections known for it."""


@dataclass(frozen=True, slots=True)
class PpmForm:
    """Asks the form with OAuth2 client credentials. `zone` is where its collections lie, such as nl.ru.donders."""

    http: httpx.Client
    endpoint: str
    token_url: str
    client_id: str
    client_secret: str
    scope: str
    organizational_unit: str
    zone: str

    def collections(self) -> Collections:
        """All collections that the form knows.

        Raises:
            SourceError: The form or its token endpoint doesn't answer.
        """
        try:
            headers = {"authorization": f"Bearer {self._token()}"}
            query = {"organizationalUnit": self.organizational_unit}
            listed = answer_of(
                self.http.get(f"{self.endpoint.rstrip('/')}/api/RepositoryCollections", params=query, headers=headers)
            )
        except httpx.HTTPError as error:
            raise SourceError(f"the PPM form can't be reached: {type(error).__name__}") from error
        if not isinstance(listed, list):
            raise SourceError("the PPM form's answer is no list")
        found: dict[str, set[str]] = defaultdict(set)
        for item in listed:
            self._add(item, found)
        return {project: frozenset(paths) for project, paths in found.items()}

    def _token(self) -> str:
        asked = self.http.post(
            self.token_url,
            data={"grant_type": "client_credentials", "scope": self.scope},
            auth=(self.client_id, self.client_secret),
        )
        answer = answer_of(asked)
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise SourceError("the PPM form's token endpoint gives no token")
        return token

    def _add(self, item: Any, found: dict[str, set[str]]) -> None:  # noqa: ANN401 - one item of a JSON list
        match item:
            case {"id": str(identifier), "project": str(project)}:
                path = self._path(identifier)
                if path:
                    found[project].add(path)
                    return
        log.warning("an entry of the PPM form is not understood", entry=str(item)[:200])

    def _path(self, identifier: str) -> str | None:
        """`o.ou.ns`, where ns may hold further dots, is the collection /zone/o/ou/ns."""
        parts = identifier.split(".", 2)
        path = "/".join(["", self.zone, *parts])
        return path if len(parts) == 3 and all(parts) and "/" not in identifier and is_collection(path) else None
