"""What a page does when something behind it is slow, silent or gone."""

from __future__ import annotations

import os
import re
import signal

import pytest
from browsing import Complaints, SignIn, folder, go, hold, pane, row, submit, watch
from playwright.sync_api import Page, expect
from stack import Stack


def test_a_slow_folder(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """While a folder is on its way, nothing of the one before can be chosen or opened as if it were in the new one."""
    base = folder(stack, request)
    for name in ("first", "first/same name", "same name"):
        (base / name).mkdir()
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    here = pane(page, "storage")
    expect(row(page, "storage", "same name")).to_be_visible()
    let_go = hold(page, "**/storage/list*")
    row(page, "storage", "first").locator(".label").click()
    # The old rows may stand there for a moment; they do nothing.
    if row(page, "storage", "same name").count():
        row(page, "storage", "same name").dispatch_event("click")
    expect(here.locator(".pane-chosen")).to_have_text("")
    expect(page.get_by_role("button", name="Upload")).to_be_disabled()
    expect(here.locator(".pane-message")).to_have_text(re.compile("Loading"))
    expect(here.locator(".listing-body .row")).to_have_count(0)
    here.get_by_role("grid").focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Upload")).to_be_disabled()
    let_go()
    expect(row(page, "storage", "same name")).to_be_visible()
    expect(here.locator(".crumbs [aria-current]")).to_have_text("first")


def test_the_api_hangs(page: Page, sign_in: SignIn, stack: Stack) -> None:
    """The jobs below the panes say that they are old and why, and go on by themselves once the API is back."""
    sign_in(page, repository=False)
    expect(page.locator("#recent h2")).to_be_visible()
    expect(page.locator("#recent")).not_to_contain_text("Loading")
    os.kill(stack.api.pid, signal.SIGSTOP)
    try:
        # The page asks every few seconds, and its question has a time limit of its own.
        expect(page.locator(".trouble")).to_contain_text("can't be reached at the moment", timeout=40_000)
    finally:
        os.kill(stack.api.pid, signal.SIGCONT)
    expect(page.locator(".trouble")).to_have_count(0, timeout=40_000)


def test_signed_out_in_another_tab(page: Page, sign_in: SignIn, stack: Stack, complaints: Complaints) -> None:
    """An open page learns of it and offers nothing but to sign in; the way back shows nothing of what was there."""
    sign_in(page, repository=False)
    place = page.url
    other = page.context.new_page()
    watch(other, complaints)
    other.goto(f"{stack.url}/jobs")
    other.locator(".menu summary").click()
    other.locator(".menu").get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("link", name="Sign in")).to_be_visible()
    other.go_back()
    expect(other.get_by_role("link", name="Sign in")).to_be_visible()
    expect(other.get_by_role("heading", name="Jobs")).to_have_count(0)
    other.close()
    page.bring_to_front()
    expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible()
    expect(page.locator("#confirm").get_by_role("button")).to_have_text(["Sign in"])
    expect(page.locator("#confirm").get_by_role("button", name="Sign in")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(stack.passwords["alice"])
    page.get_by_role("button").click()
    expect(page.locator("#storage .pane-count")).not_to_be_empty()
    assert page.url == place
    expect(page.locator(".repository-login")).to_be_visible()  # its password is forgotten, too


def test_restart_without_the_repository(
    page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest
) -> None:
    """A restart needs the password again: without it, it is said where to give it."""
    base = folder(stack, request)
    (base / "again.txt").write_text("x")
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    row(page, "storage", "again.txt").click()
    page.get_by_role("button", name="Upload").click()
    submit(page).get_by_role("link", name="Open the job").click()
    expect(page.locator("#job .state")).to_have_text("Completed", timeout=60_000)
    job = page.url
    page.goto(stack.url)
    pane(page, "repository").get_by_role("button", name="Sign out").click()
    expect(page.locator(".repository-login")).to_be_visible()
    page.goto(job)
    page.get_by_role("button", name="Restart").click()
    page.locator("#confirm").get_by_role("button", name="Restart").click()
    expect(page.locator(".toast.bad")).to_contain_text("Sign in to the repository on the transfer page first")
    expect(page.locator("#job .state")).to_have_text("Completed")
