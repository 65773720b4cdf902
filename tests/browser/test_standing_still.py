"""What one is about to click stays where it is while the rest of the page comes in."""

from __future__ import annotations

import re

import pytest
from browsing import DONE, SignIn, folder, go, hold, pane, row, submit
from playwright.sync_api import Locator, Page, expect
from stack import Stack

DESK = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}


def places(*elements: Locator) -> list[object]:
    """Where elements are, and how large."""
    return [element.bounding_box() for element in elements]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_preview_is_counted(
    page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest, size: dict[str, int]
) -> None:
    """Start, Cancel and the tick stay, whether the preview has one line or more than fit, and whatever is told."""
    base = folder(stack, request)
    (base / "study" / "closed").mkdir(parents=True)
    (base / "study" / "link").symlink_to("nowhere")
    for n in range(30):
        (base / f"{n}.txt").write_text("x")
    stack.own(base, "alice")
    (base / "study" / "closed").chmod(0)
    page.set_viewport_size(size)  # type: ignore[arg-type] # a dict of these two
    sign_in(page)
    dialog = page.locator("#transfer")
    pressed = [
        dialog.get_by_role("button", name=re.compile("^Start")),
        dialog.get_by_role("button", name="Cancel"),
        dialog.get_by_role("checkbox"),
    ]
    for lines in (1, 31):
        go(page, stack, base)
        expect(row(page, "storage", "study")).to_be_visible()
        if lines == 1:
            row(page, "storage", "study").locator(".box").click()
        else:
            pane(page, "storage").get_by_role("checkbox", name="Select all").check()
        let_go = hold(page, "**/transfers/estimate")
        page.get_by_role("button", name="Upload").click()
        expect(dialog.locator("tbody tr")).to_have_count(lines)
        before = places(*pressed)
        let_go()
        for told in ("room", "left-out", "trouble"):
            expect(dialog.locator(f"[data-{told}]")).not_to_be_empty()
        assert places(*pressed) == before
        for element in pressed:
            expect(element).to_be_in_viewport(ratio=1)


def test_what_failed_comes_in(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """A job's log and what else is clicked there stay when the list of failures is filled."""
    base = folder(stack, request)
    closed = base / "half" / "closed.txt"
    closed.parent.mkdir()
    closed.write_text("x")
    stack.own(base, "alice")
    closed.chmod(0)
    sign_in(page)
    go(page, stack, base)
    row(page, "storage", "half").click()
    page.get_by_role("button", name="Upload").click()
    submit(page).get_by_role("link", name="Open the job").click()
    expect(page.locator("#job .state")).to_have_text("Will retry", timeout=DONE)
    page.get_by_role("button", name="Stop").click()  # so that nothing else changes
    page.locator("#confirm").get_by_role("button", name="Stop").click()
    expect(page.locator("#job .state")).to_have_text("Stopped", timeout=DONE)
    let_go = hold(page, "**/failures")
    page.reload()
    pressed = page.locator("main :is(button, summary)").all()
    before = places(*pressed)
    let_go()
    expect(page.locator("#failures")).to_contain_text("1 failure")
    assert places(*pressed) == before


def test_the_way_to_the_folder_comes_in(page: Page, sign_in: SignIn, stack: Stack) -> None:
    """On a phone the tools stay when the way to the folder is longer than a line, and one sees where one is."""
    page.set_viewport_size(PHONE)  # type: ignore[arg-type] # a dict of these two
    sign_in(page)
    let_go = hold(page, "**/workbench*.js*")
    page.goto(stack.url, wait_until="commit")
    here = pane(page, "repository")
    tools = here.get_by_role("toolbar")
    expect(tools).to_be_visible()
    before = places(tools)
    let_go()
    expect(here.locator(".crumbs [aria-current]")).to_be_in_viewport(ratio=0.9)
    assert places(tools) == before
    start = here.get_by_role("button", name="Start folder")
    expect(start).not_to_be_in_viewport()
    start.click()  # can be scrolled to
