"""What tests do in a browser, and what they keep of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from stack import COLLECTION, Stack

PICTURES = Path(os.environ.get("STAGER_PICTURES", Path(__file__).parents[2] / "build" / "pictures"))

DONE = 60_000
"""Milliseconds within which a job has ended."""

SignIn = Callable[..., Page]


class Complaints(list[str]):
    """What the browser found wrong with our pages: errors of scripts, and what the content policy forbade."""


def watch(page: Page, complaints: Complaints) -> None:
    """Collect what the browser complains about; failed requests are what tests make on purpose."""
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type in {"error", "warning"} and not re.search("Failed to load resource", message.text)
            else None
        ),
    )


def sign_in_to_repository(page: Page, name: str, password: str) -> None:
    """Fill in the repository's own login."""
    form = page.locator(".repository-login")
    form.get_by_label("User name").fill(name)
    form.get_by_label("Password").fill(password)
    form.get_by_role("button", name="Connect").click()


def picture(page: Page, name: str) -> None:
    """Keep a picture of the page, for the guides."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")


def folder(stack: Stack, request: pytest.FixtureRequest, name: str = "alice") -> Path:
    """A folder of somebody's for one test."""
    made = stack.home(name) / re.sub(r"\W+", "-", request.node.name)
    made.mkdir()
    stack.own(made, name)
    return made


def pane(page: Page, side: str) -> Locator:
    """One side of the page."""
    return page.locator(f"#{side}")


def row(page: Page, side: str, name: str) -> Locator:
    """One entry's row."""
    label = page.locator(".label").get_by_text(name, exact=True)
    return pane(page, side).locator(".listing-body .row").filter(has=label)


def names(page: Page, side: str) -> list[str]:
    """The names in sight."""
    return pane(page, side).locator(".listing-body .label").all_text_contents()


def go(page: Page, stack: Stack, storage: Path, repository: str = COLLECTION) -> None:
    """Open the page with both folders, as a link would."""
    page.goto(f"{stack.url}/?storage={storage}&repository={repository}")


def hold(page: Page, address: str) -> Callable[[], None]:
    """Keep answers back; gives what lets them go."""
    page.route(address, lambda _route: None)

    def let_go() -> None:
        page.unroute(address)  # which lets go of those that are held

    return let_go


def submit(page: Page) -> Locator:
    """Confirm the preview; gives the dialog, which then tells what was queued."""
    dialog = page.locator("#transfer")
    dialog.get_by_role("button", name=re.compile("^Start")).click()
    expect(dialog.get_by_role("heading")).to_contain_text("queued")
    return dialog


def newest_job(page: Page) -> Locator:
    """The first line of the latest jobs."""
    return page.locator("#recent li").first
