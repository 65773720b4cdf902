"""Sessions and tokens that end while a page is open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import SignIn, picture
from playwright.sync_api import Page, expect
from stack import Stack

SESSION_SECONDS = 24


@pytest.fixture(scope="module")
def short() -> Iterator[Stack]:
    """A service whose sessions end soon, and whose access tokens are renewed at every request."""
    with Stack(session_seconds=SESSION_SECONDS, token_seconds=20) as running:
        yield running


def test_the_session_ends_in_an_empty_room(page: Page, sign_in: SignIn, short: Stack) -> None:
    """Who works stays signed in; who leaves an open page is signed out of it, and of the repository, in time."""
    place = f"/?storage={short.project / 'alice'}"
    sign_in(page, to=short, path=place)
    for _ in range(2):  # longer together than a session
        page.wait_for_timeout(SESSION_SECONDS * 550)
        with page.expect_response("**/storage/list*") as listing:
            page.locator("#storage").get_by_role("button", name="Refresh").click()
        assert listing.value.ok
    expect(page.locator("#confirm")).to_be_hidden()
    # The list of jobs goes on asking; that is nobody's doing.
    expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible(timeout=2000 * SESSION_SECONDS)
    picture(page, "session-ended")
    page.locator("#confirm").get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Sign in").click()
    # The provider may remember; the stager asks for the repository's password again.
    expect(page.locator("#storage").or_(page.get_by_label("Password")).first).to_be_visible()
    if not page.url.startswith(short.url):
        page.get_by_label("Name").fill("alice")
        page.get_by_label("Password").fill(short.passwords["alice"])
        page.get_by_role("button").click()
    expect(page.locator("#storage .crumbs")).to_contain_text("alice")
    expect(page.locator(".repository-login")).to_be_visible()
