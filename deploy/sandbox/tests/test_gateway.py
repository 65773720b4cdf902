"""The stand-ins of the repository's gateway and of the PPM form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from stager_sandbox.gateway import PPM_AUDIENCE, PPM_SCOPE, Gateway
from stager_sandbox.oidc import Client, OidcProvider

DAC = "/nl.ru.donders/di/dccn/DAC_3010000.01_173"
FORM = ("/api/RepositoryCollections", {"organizationalUnit": "DCC"})


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[OidcProvider]:
    """A provider with a client that may read the form, and one that may not."""
    clients = [
        Client("stager", "secret", (PPM_SCOPE,), ("client_credentials",), audience=PPM_AUDIENCE),
        Client("other", "secret", ("profile",), ("client_credentials",), audience=PPM_AUDIENCE),
    ]
    with OidcProvider([], clients, data=tmp_path) as running:
        yield running


@pytest.fixture
def gateway(provider: OidcProvider) -> Iterator[httpx.Client]:
    """A client of both stand-ins."""
    collections = {"3010000.01": {DAC: "DAC", f"{DAC}_rdc": "RDC"}}
    with Gateway(collections, {DAC: "3010000.01"}, issuer=provider.issuer) as running:
        yield httpx.Client(base_url=running.url)


def token(provider: OidcProvider, client: str) -> dict[str, str]:
    """The header with a client's token."""
    answer = httpx.post(f"{provider.issuer}/token", data={"grant_type": "client_credentials"}, auth=(client, "secret"))
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def test_the_gateway_tells_a_projects_collections(gateway: httpx.Client) -> None:
    """All with their types; none for a project that it doesn't know."""
    told = gateway.get("/collections/project/3010000.01").json()["collections"]
    assert {(item["path"], item["type"]) for item in told} == {(DAC, "DAC"), (f"{DAC}_rdc", "RDC")}
    assert gateway.get("/collections/project/42").json() == {"collections": []}


def test_the_form_opens_with_the_right_token_only(gateway: httpx.Client, provider: OidcProvider) -> None:
    """A token with the form's scope reads it; another, or none, doesn't."""
    listed = gateway.get(FORM[0], params=FORM[1], headers=token(provider, "stager"))
    assert listed.json() == [{"id": "di.dccn.DAC_3010000.01_173", "organizationalUnit": "DCC", "project": "3010000.01"}]
    assert gateway.get(FORM[0], params=FORM[1], headers=token(provider, "other")).status_code == 401
    assert gateway.get(FORM[0], params=FORM[1]).status_code == 401
    assert gateway.get(FORM[0], params=FORM[1], headers={"authorization": "Bearer x"}).status_code == 401
