"""What people want to know before and after: how much, whether it fits, what failed, where in the list it is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from browsing import DONE, SignIn, folder, go, names, newest_job, pane, picture, row, submit
from playwright.sync_api import Page, expect
from stack import Stack


def test_amounts_before(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """The preview counts files and bytes on either side, says what is left out, and how much room there is."""
    base = folder(stack, request)
    data = base / "measured"
    (data / "deep" / "er").mkdir(parents=True)
    for n in range(300):
        (data / "deep" / "er" / f"{n}.bin").write_bytes(b"x" * 1000)
    (data / "link").symlink_to("deep")
    (base / "single.bin").write_bytes(b"x" * 7000)
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    row(page, "storage", "measured").click()
    row(page, "storage", "single.bin").click(modifiers=["Control"])
    page.get_by_role("button", name="Upload").click()
    amount = page.locator("#transfer .estimate")
    expect(amount.locator("[data-amount]")).to_have_text("301 files, 307 kB")
    expect(amount.locator("[data-so-far]")).to_have_text("")
    expect(amount).to_contain_text("free at the destination")
    expect(amount).to_contain_text("One link or special file is left out.")
    expect(page.locator("#transfer [data-folder]")).to_have_text("300 kB")
    picture(page, "preview-counted")
    submit(page).get_by_role("button", name="Close").click()
    page.goto(f"{stack.url}/jobs?search={request.node.name}")
    expect(page.locator(".job-card .state-completed")).to_have_count(2, timeout=DONE)
    go(page, stack, base)
    row(page, "repository", "measured").click()
    page.get_by_role("button", name="Download").click()
    expect(amount.locator("[data-amount]")).to_have_text("300 files, 300 kB")
    expect(amount).to_contain_text("free at the destination")


def test_what_is_replaced(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """The preview says how many do what, and what each file that is replaced looks like now."""
    base = folder(stack, request)
    for name in ("changes.txt", "stays.txt"):
        (base / name).write_text("x" * 1500)
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    expect(row(page, "storage", "stays.txt")).to_be_visible()
    pane(page, "storage").get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Upload").click()
    submit(page).get_by_role("button", name="Close").click()
    expect(row(page, "repository", "changes.txt")).to_be_visible(timeout=DONE)
    expect(row(page, "repository", "stays.txt")).to_be_visible(timeout=DONE)
    (base / "changes.txt").write_text("longer" * 1000)
    pane(page, "storage").get_by_role("button", name="Refresh").click()
    pane(page, "storage").get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Upload").click()
    dialog = page.locator("#transfer")
    expect(dialog.locator(".sums li")).to_have_text(["1 Replaces the file", "1 Same size: skipped if identical"])
    expect(dialog.locator("tbody tr").first).to_contain_text("There now: 1.5 kB, ")
    expect(dialog.locator("tbody tr").first.locator("time")).not_to_contain_text("UTC")
    expect(dialog).to_contain_text("about each of the 2 transfers")


def test_no_room(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """More than the destination has room for is said before it is sent."""
    base = folder(stack, request)
    with (base / "huge.img").open("wb") as file:
        file.truncate(shutil.disk_usage(base).free + 10**10)
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    row(page, "storage", "huge.img").click()
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#transfer [data-room]")).to_contain_text("It may not fit")


def test_what_failed(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """A job's page names each file that failed and why, and shows the log's end."""
    base = folder(stack, request)
    data = base / "partly"
    data.mkdir()
    for name in ("good.txt", "<b>bad.txt"):
        (data / name).write_text(name)
    stack.own(base, "alice")
    closed = data / "<b>bad.txt"
    closed.chmod(0)
    sign_in(page)
    go(page, stack, base)
    row(page, "storage", "partly").click()
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#transfer .estimate")).to_contain_text("2 files")
    submit(page).get_by_role("link", name="Open the job").click()
    failed = page.locator("#failures")
    expect(failed.get_by_role("heading")).to_have_text("1 failure", timeout=DONE)
    expect(failed.locator("tbody tr")).to_contain_text("<b>bad.txt")
    expect(failed.locator("tbody tr .why")).not_to_be_empty()
    page.locator("#log summary").click()
    expect(page.locator("#log pre")).to_contain_text("attempt 1 begins on")
    expect(page.locator("#log pre")).to_contain_text('"<b>bad.txt" failed: ')
    expect(page.locator("#log pre")).to_contain_text("files: 1 transferred, 0 skipped, 1 failed, of 2")
    picture(page, "job-failures")
    with page.expect_download() as download:
        page.get_by_role("link", name="Every file as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "path,outcome,bytes,checksum,attempt,message"
    assert any(line.startswith("./good.txt,transferred,8,sha2:") for line in lines), lines
    page.get_by_role("button", name="Stop").click()
    page.locator("#confirm").get_by_role("button", name="Stop").click()
    expect(page.locator("#job .state")).to_have_text("Stopped", timeout=DONE)


def test_what_failed_in_dutch(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """In Dutch a job and its files say why they failed; what the program said is folded, and stays unfolded."""
    base = folder(stack, request)
    closed = base / "gesloten"
    closed.mkdir()
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    row(page, "storage", "gesloten").click()
    page.get_by_role("button", name="Upload").click()
    dialog = page.locator("#transfer")
    expect(dialog.get_by_role("button", name="Start 1 transfer")).to_be_visible()
    shutil.rmtree(closed)  # between the preview and the worker
    submit(page).get_by_role("link", name="Open the job").click()
    expect(page.locator("#job .state")).to_have_text("Failed", timeout=DONE)
    expect(page.locator("#job .note.bad")).to_contain_text(f"{closed} can't be transferred: it doesn't exist")
    expect(page.locator("#job .note.bad .said")).to_contain_text("nothing was done")
    page.get_by_role("button", name="NL", exact=True).click()
    expect(page.locator("#job .state")).to_have_text("Mislukt")
    told = page.locator("#job .note.bad")
    expect(told).to_contain_text(f"{closed} kan niet worden overgedragen: het bestaat niet")
    said = told.get_by_text("nothing was done")
    expect(said).to_be_hidden()
    told.get_by_text("Oorspronkelijke melding").click()
    expect(said).to_be_visible()
    for _ in range(2):
        page.wait_for_event("response", lambda answer: answer.url == page.url)  # how the job stands now
    expect(said).to_be_visible()
    picture(page, "job-failed-nl")
    page.goto(f"{stack.url}/jobs?search=gesloten")
    card = page.locator(".job-card").first
    expect(card).to_contain_text("kan niet worden overgedragen: het bestaat niet")
    expect(card).not_to_contain_text("doesn't exist")
    picture(page, "jobs-nl")


def test_many_jobs_at_once(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """Found, sorted, selected together, and deleted with one confirmation."""
    base = folder(stack, request)
    for name, size in (("b-small.dat", 10), ("c-large.dat", 90_000), ("a-middle.dat", 500)):
        (base / name).write_bytes(b"x" * size)
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    expect(row(page, "storage", "b-small.dat")).to_be_visible()
    pane(page, "storage").get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Upload").click()
    submit(page)
    page.goto(f"{stack.url}/jobs?search={request.node.name}")
    cards = page.locator(".job-card")
    expect(cards.locator(".state-completed")).to_have_count(3, timeout=DONE)
    titles = cards.locator(".job-title")
    page.get_by_label("Sort by").select_option("Title")
    expect(titles.first).to_contain_text("a-middle")
    expect(titles.last).to_contain_text("c-large")
    page.get_by_label("Sort by").select_option("Largest first")
    expect(titles.first).to_contain_text("c-large")
    assert f"search={request.node.name}" in page.url
    page.wait_for_timeout(3000)  # fetched again meanwhile, in the same order
    expect(titles.first).to_contain_text("c-large")
    remove = page.locator(".bulk").get_by_role("button", name="Delete")
    expect(remove).to_be_disabled()
    page.locator(".bulk").get_by_role("checkbox").check()
    cards.nth(0).get_by_role("checkbox").uncheck()
    expect(page.locator("[data-chosen]")).to_have_text("2 selected")
    picture(page, "jobs-chosen")
    remove.click()
    expect(page.get_by_role("heading", name="Delete 2 jobs?")).to_be_visible()
    page.locator("#confirm").get_by_role("button", name="Delete").click()
    expect(page.locator(".toast")).to_have_text("2 jobs have been deleted.")
    expect(cards).to_have_count(1)
    expect(titles).to_contain_text("c-large")


def test_several_are_stopped_and_restarted(
    page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest, slow_transfers: Path
) -> None:
    """Among the selected jobs, stopping takes those that haven't ended, and restarting those that have."""
    base = folder(stack, request)
    (base / "done.txt").write_text("x")
    for name in ("long-a", "long-b"):
        (base / name).mkdir()
        for n in range(500):
            (base / name / f"{n}.dat").write_bytes(b"x" * 2000)
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    for name in ("done.txt", "long-a", "long-b"):
        row(page, "storage", name).locator(".box").click()
        if name != "long-a":
            page.get_by_role("button", name="Upload").click()
            submit(page).get_by_role("button", name="Close").click()
            if name == "done.txt":
                expect(newest_job(page)).to_contain_text(name, timeout=DONE)
                expect(newest_job(page)).to_contain_text("Completed", timeout=DONE)
    page.goto(f"{stack.url}/jobs?search={request.node.name}")
    bulk, cards = page.locator(".bulk"), page.locator(".job-card")
    expect(cards.locator(".state-active")).not_to_have_count(0, timeout=DONE)
    for action, question, state, number in (
        ("Stop", "Stop 2 jobs?", "stopped", 2),
        ("Restart", "Restart 3 jobs?", "completed", 3),
    ):
        bulk.get_by_role("checkbox").check()
        bulk.get_by_role("button", name=action).click()
        expect(page.get_by_role("heading", name=question)).to_be_visible()
        page.locator("#confirm").get_by_role("button", name=action).click()
        expect(cards.locator(f".state-{state}")).to_have_count(number, timeout=2 * DONE)
        slow_transfers.unlink(missing_ok=True)  # those that are restarted may go on to their end
        expect(page.locator(".toast.bad")).to_have_count(0)


def test_dragging(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """The preview shows what is dragged to the other side: all that are chosen, or the one under the mouse."""
    base = folder(stack, request)
    for name in ("one.txt", "two.txt", "three.txt"):
        (base / name).write_text(name)
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    row(page, "storage", "one.txt").click()
    row(page, "storage", "two.txt").click(modifiers=["Control"])
    row(page, "storage", "two.txt").drag_to(page.locator("#repository .listing"))
    dialog = page.locator("#transfer")
    expect(dialog.locator("tbody tr")).to_have_count(2)
    dialog.get_by_role("button", name="Cancel").click()
    row(page, "storage", "three.txt").drag_to(page.locator("#repository .listing"))
    expect(dialog.locator("tbody tr")).to_have_count(1)
    expect(dialog).to_contain_text("three.txt")
    submit(page).get_by_role("button", name="Close").click()
    expect(newest_job(page)).to_contain_text("three.txt", timeout=DONE)
    expect(newest_job(page)).to_contain_text("Completed", timeout=DONE)
    # Only what is in sight has a row, and other tests may have left more than that.
    pane(page, "repository").get_by_role("searchbox").fill("three.txt")
    row(page, "repository", "three.txt").drag_to(page.locator("#storage .listing"))
    expect(dialog.get_by_role("heading")).to_have_text("Download to the project storage")
    expect(dialog).to_contain_text("Same size")


def test_colours_by_hand(page: Page, sign_in: SignIn) -> None:
    """Dark on a light system, by a click; it stays so after reloading and signing out."""
    sign_in(page, repository=False)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = page.evaluate(ground)
    assert light != dark
    page.locator(".menu summary").click()
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    page.locator(".menu").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert page.evaluate(ground) == dark
    page.get_by_role("button", name="NL", exact=True).click()
    expect(page.get_by_role("link", name=re.compile("Inloggen"))).to_be_visible()
    assert names(page, "storage") == []
