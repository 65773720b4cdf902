"""What tests of the application do as a browser would."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import httpx
from flask.testing import FlaskClient

PASSWORD = "correct horse"
NOWHERE = "127.0.0.1:9"
"""An address where nothing answers."""


def sign_in(client: FlaskClient, name: str, start: str = "/login/start") -> Any:  # noqa: ANN401 - Flask's test response
    """Go through the provider's pages; gives the answer to coming back."""
    return client.get(back_from_provider(client, name, start))


def back_from_provider(client: FlaskClient, name: str, start: str = "/login/start") -> str:
    """Go to the provider and log in there; gives the address that it sends the browser back to."""
    leave = client.get(start)
    assert leave.status_code == 302, leave.text
    with httpx.Client() as browser:
        form = browser.get(leave.location)
        token = re.search(r'name="form" value="([^"]+)"', form.text)
        assert token, form.text
        back = browser.post(leave.location, data={"form": token[1], "name": name, "password": PASSWORD})
    assert back.status_code in {302, 303}, back.text
    parts = urlsplit(back.headers["location"])
    return f"{parts.path}?{parts.query}"


def csrf(client: FlaskClient) -> dict[str, str]:
    """The headers that our scripts send along with a change."""
    page = client.get("/").text
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert token, page
    return {"X-CSRFToken": token[1], "Stager-Script": "1"}
