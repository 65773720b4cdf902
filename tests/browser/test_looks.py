"""How it looks and reads: dark, narrow, in Dutch, and to those who don't see it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import DONE, Complaints, SignIn, folder, picture, submit, watch
from playwright.sync_api import Browser, BrowserContext, Page, expect
from stack import Stack


def serious(page: Page) -> list[str]:
    """What axe-core finds that keeps somebody out."""
    # The page's policy lets no script in but its own; axe is put into the page's world by the debugger.
    found: dict[str, Any] = Axe().run(page).response
    return [
        f"{fault['id']}: {json.dumps([node['target'] for node in fault['nodes']])}"
        for fault in found["violations"]
        if fault["impact"] in {"serious", "critical"}
    ]


def still(browser: Browser, locale: str, scheme: str = "light") -> BrowserContext:
    """A browser of somebody who wants no motion: a colour on its way to another one may have too little contrast."""
    return browser.new_context(
        reduced_motion="reduce",
        color_scheme=scheme,  # type: ignore[arg-type]
        locale=locale,
        viewport={"width": 1280, "height": 860},
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(
    browser: Browser,
    stack: Stack,
    sign_in: SignIn,
    complaints: Complaints,
    request: pytest.FixtureRequest,
    scheme: str,
) -> None:
    """axe-core finds nothing serious on any page and in any dialog, in light and in dark."""
    base = folder(stack, request)
    for name in ("one.txt", "two.txt"):
        (base / name).write_text(name)
    stack.own(base, "alice")
    context = still(browser, "en-GB", scheme)
    page = context.new_page()
    watch(page, complaints)
    page.goto(stack.url)
    faults = {"login": serious(page)}
    sign_in(page, repository=False, path=f"/?storage={base}")
    expect(page.locator("#storage .pane-count")).to_have_text("2 items")
    faults["repository login"] = serious(page)
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill(stack.passwords["alice"])
    page.get_by_role("button", name="Connect").click()
    expect(page.locator("#repository .pane-count")).not_to_be_empty()
    faults["panes"] = serious(page)
    picture(page, f"panes-{scheme}")
    page.locator("#storage").get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#transfer tbody tr")).to_have_count(2)
    expect(page.locator("#transfer [data-so-far]")).to_have_text("", timeout=30_000)
    faults["preview"] = serious(page)
    submit(page)
    faults["queued"] = serious(page)
    page.keyboard.press("Escape")
    page.locator(".menu summary").click()
    faults["menu"] = serious(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="New folder").click()
    faults["new folder"] = serious(page)
    page.keyboard.press("Escape")
    page.locator("#storage").get_by_role("searchbox").fill("no such name")
    page.goto(f"{stack.url}/?storage=/nowhere&repository=/nowhere")
    expect(page.locator(".pane-message.bad")).to_have_count(2)
    faults["errors"] = serious(page)
    page.goto(f"{stack.url}/jobs")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    faults["jobs"] = serious(page)
    picture(page, f"jobs-{scheme}")
    page.locator("[data-all]").check()
    faults["jobs selected"] = serious(page)
    page.locator(".job-title").first.click()
    expect(page.locator("#job .state")).to_have_text("Completed", timeout=DONE)
    page.locator("#log summary").click()
    faults["job"] = serious(page)
    page.get_by_role("button", name="Delete").click()
    faults["confirmation"] = serious(page)
    context.close()
    assert not {name: found for name, found in faults.items() if found}


def test_narrow(browser: Browser, stack: Stack, sign_in: SignIn, complaints: Complaints) -> None:
    """On a phone nothing has to be scrolled sideways."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    page = context.new_page()
    watch(page, complaints)
    sign_in(page)
    for name, path in (("panes", "/"), ("jobs", "/jobs")):
        page.goto(stack.url + path)
        if name == "panes":
            for side in ("storage", "repository"):
                expect(page.locator(f"#{side} .pane-count")).not_to_be_empty()
        else:
            expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        picture(page, f"{name}-narrow")
    context.close()


def test_dutch(browser: Browser, stack: Stack, complaints: Complaints) -> None:
    """A browser that asks for Dutch gets it; the choice in the page wins and lasts."""
    context = still(browser, "nl-NL")
    page = context.new_page()
    watch(page, complaints)
    page.goto(stack.url)
    page.get_by_role("link", name="Inloggen").click()
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(stack.passwords["alice"])
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", name="Projectopslag")).to_be_visible()
    expect(page.get_by_role("button", name="Uploaden")).to_be_visible()
    assert not serious(page)
    picture(page, "dutch")
    page.get_by_role("button", name="EN", exact=True).click()
    expect(page.get_by_role("heading", name="Project storage")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Project storage")).to_be_visible()
    context.close()


def test_weight(page: Page, stack: Stack, sign_in: SignIn) -> None:
    """The main page loads less than half of the 300 kB that it may weigh, all of it from us."""
    sign_in(page)
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(stack.url)
    expect(page.locator("#storage .pane-count")).not_to_be_empty()
    bytes_loaded = page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".reduce((sum, entry) => sum + entry.decodedBodySize, 0)"
    )
    assert 10_000 < bytes_loaded < 150_000
    assert all(url.startswith(stack.url) for url in loaded)
