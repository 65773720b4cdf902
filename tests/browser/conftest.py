"""A real Chromium before the whole service."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))

from browsing import Complaints, SignIn, sign_in_to_repository, watch
from stack import Stack

CHROMIUM = shutil.which("chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what these tests are, and skip them where they can't run."""
    for item in items:
        if Path(item.path).parent != Path(__file__).parent:
            continue
        item.add_marker(pytest.mark.browser)
        if os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="makes local users: runs as root only"))
        if CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason="Debian's chromium is not installed"))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """One service for all tests that need none of their own."""
    with Stack() as running:
        yield running


@pytest.fixture
def slow_transfers(stack: Stack) -> Iterator[Path]:
    """Has transfers outlast pages, however slowly those load; further ones are quick once the file is gone."""
    stack.slow.touch()
    yield stack.slow
    stack.slow.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A headless Chromium, with a profile of its own that is thrown away."""
    launched = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
    yield launched
    launched.close()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Fails the test at its end if there were any."""
    found = Complaints()
    yield found
    assert not found, "\n".join(found)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without cookies."""
    opened = browser.new_context(
        viewport={"width": 1280, "height": 860}, locale="en-GB", timezone_id="Europe/Amsterdam"
    )
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, complaints: Complaints) -> Page:
    """A page whose complaints count."""
    opened = context.new_page()
    watch(opened, complaints)
    return opened


@pytest.fixture
def sign_in(stack: Stack) -> SignIn:
    """Signs somebody in through the provider's real pages."""

    def do(page: Page, name: str = "alice", *, repository: bool = True, path: str = "/", to: Stack = stack) -> Page:
        page.goto(to.url + path)
        page.get_by_role("link", name="Sign in").click()
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(to.passwords[name])
        page.get_by_role("button").click()
        page.wait_for_url(to.url + "/**")
        if repository:
            sign_in_to_repository(page, name, to.passwords[name])
            expect(page.locator("#repository .repository-login")).to_be_hidden()
        return page

    return do
