"""What one is about to click stays where it is while the rest of the page comes in."""

from __future__ import annotations

import re

import pytest
from browsing import SignIn, folder, go, hold, pane, row
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
