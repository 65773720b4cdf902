"""Everything by keyboard alone."""

from __future__ import annotations

import re

import pytest
from browsing import DONE, SignIn, folder, go, names, pane, row
from playwright.sync_api import Page, expect
from stack import Stack


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus has this name."""
    said = "document.activeElement.ariaLabel || document.activeElement.innerText || ''"
    for _ in range(60):
        page.keyboard.press("Tab")
        if name in page.evaluate(said):
            return
    raise AssertionError(f"Tab doesn't lead to {name}")


def test_a_transfer(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """Sort, filter, open, select, send and follow; the focus is always somewhere, and comes back after a dialog."""
    base = folder(stack, request)
    (base / "data").mkdir()
    for name, size in (("small.bin", 1), ("large.bin", 3000), ("middle.bin", 20)):
        (base / "data" / name).write_bytes(b"x" * size)
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    expect(row(page, "storage", "data")).to_be_visible()
    grid = pane(page, "storage").get_by_role("grid")
    tab_to(page, "Filter by name")
    page.keyboard.type("dat")
    page.keyboard.press("Enter")
    expect(grid).to_be_focused()
    page.keyboard.press("Enter")
    expect(row(page, "storage", "small.bin")).to_be_visible()
    tab_to(page, "Size")
    page.keyboard.press("Enter")
    assert names(page, "storage") == ["small.bin", "middle.bin", "large.bin"]
    page.keyboard.press("Enter")
    assert names(page, "storage") == ["large.bin", "middle.bin", "small.bin"]
    grid.focus()
    page.keyboard.press("/")
    expect(pane(page, "storage").get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+a")
    tab_to(page, "Upload")
    page.keyboard.press("Enter")
    dialog = page.locator("#transfer")
    expect(dialog.locator("tbody bdi").first).to_have_text("large.bin")  # in the order of the list
    tab_to(page, "Start 3 transfers")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading")).to_have_text("3 transfers have been queued")
    expect(dialog.get_by_role("heading")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(grid).to_be_focused()
    for name in ("small.bin", "middle.bin", "large.bin"):
        job = page.locator("#recent li").filter(has_text=name)
        expect(job.locator(".state-completed")).to_have_count(1, timeout=DONE)
    tab_to(page, "Restart")


def test_the_menu(page: Page, sign_in: SignIn) -> None:
    """It closes by Escape, which gives the focus back, and by a click beside it."""
    sign_in(page, repository=False)
    menu = page.locator("details.menu")
    tab_to(page, "Alice")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", re.compile(".*"))
    expect(menu.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#storage h2").click()
    expect(menu).not_to_have_attribute("open", re.compile(".*"))


def test_focus_is_seen(page: Page, sign_in: SignIn) -> None:
    """Whatever Tab leads to on the first page shows that it has the focus."""
    sign_in(page)
    expect(page.locator("#repository .pane-count")).not_to_be_empty()
    page.locator("body").press("Tab")
    unseen = []
    for _ in range(40):
        ring = page.evaluate(
            """() => {
                const style = getComputedStyle(document.activeElement);
                return document.activeElement === document.body || parseFloat(style.outlineWidth) >= 2;
            }"""
        )
        if not ring:
            unseen.append(page.evaluate("document.activeElement.outerHTML"))
        page.keyboard.press("Tab")
    assert not unseen
