"""A person's first quarter of an hour: sign in, look around, send something up, fetch it back, tidy up."""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path

import pytest
from browsing import (
    DONE,
    Complaints,
    SignIn,
    folder,
    go,
    names,
    newest_job,
    pane,
    picture,
    row,
    sign_in_to_repository,
    submit,
    watch,
)
from playwright.sync_api import Browser, BrowserContext, Page, expect
from stack import COLLECTION, Stack

ODD_NAMES = [
    "it's here.txt",
    'a "quote" & more.txt',
    "<script>alert(1)<br>",
    "<img src=x onerror=alert(1)>",
    "brackets [1] (2) {3}*?.txt",
    "-rf",
    "Größe 日本語.txt",
    "per%20cent #1.txt",
    "back`tick$HOME;.txt",
]


def hashes(root: Path) -> dict[str, str]:
    """What every file below a folder holds."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_signing_in_and_out(page: Page, sign_in: SignIn, stack: Stack) -> None:
    """The door, the provider, the page; and out again, at the provider too."""
    page.goto(stack.url)
    expect(page.get_by_role("heading", name="Data Stager")).to_be_visible()
    picture(page, "login")
    sign_in(page, repository=False)
    expect(page.locator(".menu-name")).to_have_text("Alice")
    page.locator(".menu summary").click()
    page.locator(".menu").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_label("Password")).to_be_visible()  # the provider asks anew


def test_no_local_user(page: Page, stack: Stack) -> None:
    """Somebody whom the project storage doesn't know is told so kindly."""
    page.goto(stack.url)
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Name").fill("carol")
    page.get_by_label("Password").fill(stack.passwords["carol"])
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", name="No account here yet")).to_be_visible()
    picture(page, "no-account")


def test_repository_login(page: Page, sign_in: SignIn, stack: Stack) -> None:
    """A wrong password is said to be one; the right one opens the pane; signing out closes it."""
    sign_in(page, repository=False)
    sign_in_to_repository(page, "alice", "wrong")
    expect(page.locator(".repository-login [role=alert]")).to_have_text("Wrong user name or password.")
    picture(page, "repository-login")
    sign_in_to_repository(page, "alice", stack.passwords["alice"])
    expect(page.locator(".repository-login")).to_be_hidden()
    expect(page.locator("#repository .crumbs")).to_contain_text("DAC_3010000.01_173")
    page.reload()
    expect(page.locator(".repository-login")).to_be_hidden()
    page.locator("#repository").get_by_role("button", name="Sign out").click()
    expect(page.locator(".repository-login")).to_be_visible()
    page.reload()
    expect(page.locator(".repository-login")).to_be_visible()


def test_looking_around(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """Folders open by mouse and keyboard, the address follows and leads back; dot files, filter and order do theirs."""
    base = folder(stack, request)
    for name in ("run-10", "run-9"):
        (base / name).mkdir()
        (base / name / f"in {name}.txt").write_text("x")
    (base / "zebra.txt").write_text("x" * 5000)
    (base / "ant.txt").write_text("x")
    (base / ".secret").write_text("x")
    (base / "link").symlink_to("ant.txt")
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    expect(row(page, "storage", "run-9")).to_be_visible()
    assert names(page, "storage") == ["run-9", "run-10", "ant.txt", "link", "zebra.txt"]
    page.locator("#storage [data-sort=size]").click()
    page.locator("#storage [data-sort=size]").click()
    assert names(page, "storage")[2] == "zebra.txt"
    pane(page, "storage").get_by_role("button", name="Show names").click()
    expect(row(page, "storage", ".secret")).to_be_visible()
    pane(page, "storage").get_by_role("searchbox").fill("ANT")
    expect(pane(page, "storage").locator(".listing-body .row")).to_have_count(1)
    pane(page, "storage").get_by_role("searchbox").fill("")
    row(page, "storage", "run-9").locator(".label").click()
    expect(row(page, "storage", "in run-9.txt")).to_be_visible()
    assert "run-9" in page.url
    page.go_back()
    expect(row(page, "storage", "run-10")).to_be_visible()
    grid = pane(page, "storage").get_by_role("grid")
    grid.focus()
    page.keyboard.type("run-10")
    page.keyboard.press("Enter")
    expect(row(page, "storage", "in run-10.txt")).to_be_visible()
    page.keyboard.press("Backspace")
    expect(row(page, "storage", "run-10")).to_have_class(re.compile("cursor"))


def test_choosing(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """Click, ctrl, shift, box, select all, and the same by keyboard; nothing can be sent before something is chosen."""
    base = folder(stack, request)
    for n in range(6):
        (base / f"f{n}").write_text("x" * 1000)
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    chosen = pane(page, "storage").locator(".pane-chosen")
    upload = page.get_by_role("button", name="Upload")
    expect(row(page, "storage", "f5")).to_be_visible()
    expect(upload).to_be_disabled()
    row(page, "storage", "f1").click()
    expect(chosen).to_have_text("1 selected · 1.0 kB")
    expect(upload).to_be_enabled()
    row(page, "storage", "f3").click(modifiers=["Shift"])
    expect(chosen).to_contain_text("3 selected")
    row(page, "storage", "f2").click(modifiers=["Control"])
    expect(chosen).to_contain_text("2 selected")
    row(page, "storage", "f5").locator(".box").click()
    expect(chosen).to_contain_text("3 selected")
    pane(page, "storage").get_by_role("checkbox", name="Select all").check()
    expect(chosen).to_contain_text("6 selected")
    pane(page, "storage").get_by_role("grid").focus()
    page.keyboard.press("Escape")
    expect(chosen).to_have_text("")
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Control+ArrowDown")
    page.keyboard.press("Control+ArrowDown")
    page.keyboard.press("Space")
    expect(chosen).to_contain_text("3 selected")
    page.keyboard.press("Control+a")
    expect(chosen).to_contain_text("6 selected")


def test_there_and_back(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """A folder goes up, its progress is seen moving, it comes back down, and every byte is the same."""
    base = folder(stack, request)
    data = base / "sub-01"
    (data / "anat").mkdir(parents=True)
    for n in range(12):
        (data / "anat" / f"slice-{n}.bin").write_bytes(os.urandom(3_000_000))
    for n in range(1500):
        (data / f"{n}.json").write_text(f"{n}")
    (data / "empty").touch()
    (base / "back").mkdir()
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    row(page, "storage", "sub-01").click()
    picture(page, "panes")
    page.get_by_role("button", name="Upload").click()
    dialog = page.locator("#transfer")
    expect(dialog).to_contain_text(f"{COLLECTION}/sub-01")
    expect(dialog).to_contain_text("New")
    picture(page, "preview")
    submit(page)
    picture(page, "queued")
    dialog.get_by_role("button", name="Close").click()
    job = newest_job(page)
    expect(job).to_contain_text("sub-01")
    seen = set()
    deadline = time.monotonic() + 60
    while "Completed" not in job.inner_text() and time.monotonic() < deadline:
        seen.add(job.locator(".progress-text").inner_text())
        page.wait_for_timeout(100)
    assert len(seen) >= 2, seen
    expect(job).to_contain_text("1513 of 1513 files")
    expect(row(page, "repository", "sub-01")).to_be_visible()  # without a reload
    picture(page, "completed")
    row(page, "storage", "back").locator(".label").click()
    expect(pane(page, "storage").locator(".crumbs")).to_contain_text("back")
    row(page, "repository", "sub-01").click()
    page.get_by_role("button", name="Download").click()
    submit(page).get_by_role("button", name="Close").click()
    expect(newest_job(page)).to_contain_text("sub-01 → back")
    expect(newest_job(page)).to_contain_text("Completed", timeout=DONE)
    assert hashes(base / "back" / "sub-01") == hashes(data)
    assert (base / "back" / "sub-01" / "empty").exists()
    expect(row(page, "storage", "sub-01")).to_be_visible()


def test_long_ways(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """However deep and long a path is, its folder stays in sight; home is the start, and folders are remembered."""
    base = folder(stack, request)
    deep = base.joinpath(*(f"level-{n}-" + "long-" * 12 for n in range(12)))
    deep.mkdir(parents=True)
    (deep / "bottom.txt").write_text("x")
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, deep)
    here = pane(page, "storage")
    expect(row(page, "storage", "bottom.txt")).to_be_in_viewport()
    crumbs = here.locator(".crumbs li")
    expect(crumbs).to_have_count(6)
    picture(page, "deep")
    here.get_by_role("button", name="Show the whole path").click()
    assert crumbs.count() == len(deep.parts)
    expect(row(page, "storage", "bottom.txt")).to_be_in_viewport()
    page.get_by_role("link", name="Jobs", exact=True).click()
    page.get_by_role("link", name="Transfer", exact=True).click()
    expect(row(page, "storage", "bottom.txt")).to_be_visible()
    here.get_by_role("button", name="Start folder").click()
    expect(here.locator(".crumbs [aria-current]")).to_have_text("alice")


def test_names_that_are_not_seen(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """Spaces at an end, line breaks and signs that turn the text get a look; they are opened and sent as they are."""
    base = folder(stack, request)
    for name in (" ", "ends so ", "\u202etxt.exe", "two\nlines"):
        (base / name).write_text(name)
    (base / " in front").mkdir()
    (base / " in front" / "inside").touch()
    (base / os.fsdecode(b"\xff.bin")).write_text("x")
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    expect(row(page, "storage", "␣in front")).to_be_visible()
    assert set(names(page, "storage")) == {"␣in front", "␣", "ends so␣", "\ufffdtxt.exe", "two␊lines", "\\xff.bin"}
    row(page, "storage", "␣in front").locator(".label").click()
    expect(row(page, "storage", "inside")).to_be_visible()
    page.go_back()
    expect(row(page, "storage", "␣in front")).to_be_visible()
    pane(page, "storage").get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#transfer .effect-blocked")).to_have_count(2)
    expect(page.locator("#transfer tr", has_text=".bin")).to_contain_text("isn't valid text")
    page.locator("#transfer").get_by_role("button", name="Start 4").click()
    expect(page.locator("#transfer h2")).to_have_text("4 transfers have been queued")
    page.goto(f"{stack.url}/jobs?search={request.node.name}")
    expect(page.locator(".job-card .state-completed")).to_have_count(4, timeout=DONE)
    page.goto(stack.url)
    for name in ("␣in front", "␣", "ends so␣", "\ufffdtxt.exe"):
        expect(row(page, "repository", name)).to_be_visible()


def test_odd_names(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """Quotes, tags, brackets, a leading dash and other alphabets: shown as they are, and moved."""
    base = folder(stack, request)
    for name in ODD_NAMES:
        (base / name).write_text(name)
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    expect(pane(page, "storage").locator(".listing-body .row")).to_have_count(len(ODD_NAMES))
    assert sorted(names(page, "storage")) == sorted(ODD_NAMES)
    pane(page, "storage").get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#transfer tbody tr")).to_have_count(len(ODD_NAMES))
    picture(page, "odd-names")
    dialog = submit(page)
    expect(dialog.get_by_role("link", name="Open the job")).to_have_count(len(ODD_NAMES))
    page.goto(f"{stack.url}/jobs?search={request.node.name}")
    expect(page.locator(".job-card .state-completed")).to_have_count(len(ODD_NAMES), timeout=DONE)
    picture(page, "jobs")
    go(page, stack, base)
    for name in ODD_NAMES:
        expect(row(page, "repository", name)).to_be_visible()


def test_refusals_stand_at_their_line(
    page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest
) -> None:
    """What can't go is said before, what the API refuses is said after, each at its own line; the rest goes."""
    base = folder(stack, request)
    (base / "good.txt").write_text("x")
    (base / "tab\tname.txt").write_text("x")
    (base / "link").symlink_to("good.txt")
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    expect(row(page, "storage", "good.txt")).to_be_visible()
    pane(page, "storage").get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Upload").click()
    dialog = page.locator("#transfer")
    expect(dialog.locator("tr", has_text="link")).to_contain_text("links aren't transferred")
    expect(dialog.locator("tr", has_text="tab␉name.txt")).to_contain_text("holds a control character")
    expect(dialog.locator("tbody tr").last).to_contain_text("good.txt")  # what can't go stands first
    # As if the rules of the two had grown apart: what the preview lets through, the API may still refuse.
    dialog.locator("form").evaluate(
        """form => {
            const field = form.querySelector("[name=name]").cloneNode();
            field.value = "tab\\tname.txt";
            form.append(field);
        }"""
    )
    dialog.get_by_role("button", name="Start 1 transfer").click()
    expect(dialog.get_by_role("heading")).to_have_text("1 queued, 1 refused")
    expect(dialog.locator("tr", has_text="name.txt")).to_contain_text("Refused")
    expect(dialog.locator("tr", has_text="name.txt")).to_contain_text("From: holds a control character")
    expect(dialog.locator("tr", has_text="good.txt")).to_contain_text("Open the job")
    picture(page, "refused")


def test_submitted_twice(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """The same form sent again, as after a lost answer, makes no second job."""
    base = folder(stack, request)
    (base / "once.txt").write_text("x")
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    row(page, "storage", "once.txt").click()
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#transfer form")).to_be_visible()
    links = page.evaluate(
        """async () => {
            const form = document.querySelector("#transfer form");
            const csrf = document.querySelector('meta[name="csrf-token"]').content;
            const send = async () => {
                const answer = await fetch(form.action, {
                    method: "POST", body: new URLSearchParams(new FormData(form)),
                    headers: { "X-CSRFToken": csrf, "Stager-Script": "1" },
                });
                return (await answer.text()).match(/\\/jobs\\/[\\w-]+"/)[0];
            };
            return [...await Promise.all([send(), send()]), await send()];
        }"""
    )
    assert len(set(links)) == 1


def test_stop_restart_delete(
    page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest, slow_transfers: Path
) -> None:
    """A running job is stopped, started again to its end, and deleted, each after a confirmation."""
    base = folder(stack, request)
    data = base / "long"
    data.mkdir()
    for n in range(1000):
        (data / f"{n}.dat").write_bytes(b"x" * 2000)
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    row(page, "storage", "long").click()
    page.get_by_role("button", name="Upload").click()
    submit(page).get_by_role("link", name="Open the job").click()
    expect(page.locator("#job .state")).to_have_text("Running", timeout=DONE)
    expect(page.locator("#job .progress-text")).to_contain_text("files", timeout=DONE)
    picture(page, "job-running")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Stop this job?")).to_be_visible()
    page.locator("#confirm").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Stop").click()
    page.locator("#confirm").get_by_role("button", name="Stop").click()
    expect(page.locator("#job .state")).to_have_text("Stopped", timeout=DONE)
    picture(page, "job-stopped")
    slow_transfers.unlink()
    page.get_by_role("button", name="Restart").click()
    page.locator("#confirm").get_by_role("button", name="Restart").click()
    expect(page.locator("#job .state")).to_have_text(re.compile("Running|Waiting"), timeout=DONE)
    expect(page.locator("#job .state")).to_have_text("Completed", timeout=2 * DONE)
    expect(page.locator("#job .progress-text")).to_contain_text("1000 of 1000 files")
    picture(page, "job-completed")
    page.get_by_role("button", name="Delete").click()
    page.locator("#confirm").get_by_role("button", name="Delete").click()
    page.wait_for_url(f"{stack.url}/jobs")
    expect(page.get_by_role("link", name="long →")).to_have_count(0)


def test_two_people(
    page: Page, browser: Browser, complaints: Complaints, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest
) -> None:
    """Bob sees neither alice's jobs nor her folders, and the link in her mail tells him nothing."""
    base = folder(stack, request)
    (base / "mine.txt").write_text("x")
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    row(page, "storage", "mine.txt").click()
    page.get_by_role("button", name="Upload").click()
    link = submit(page).get_by_role("link", name="Open the job").get_attribute("href")
    bobs: BrowserContext = browser.new_context(locale="en-GB")
    other = bobs.new_page()
    watch(other, complaints)
    sign_in(other, "bob", path=f"{link}", repository=False)
    expect(other.get_by_role("alert")).to_contain_text("no such page")
    other.goto(f"{stack.url}/jobs")
    expect(other.locator(".nothing")).to_be_visible()
    other.goto(f"{stack.url}/?storage={base}")
    expect(other.locator("#storage .pane-message")).to_be_visible()
    expect(other.locator("#storage .pane-message")).not_to_contain_text("empty")
    picture(other, "not-permitted")
    bobs.close()


def test_mail_link(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """The address in a mail opens that job, after the login."""
    base = folder(stack, request)
    (base / "mailed.txt").write_text("x")
    stack.own(base, "alice")
    sign_in(page)
    go(page, stack, base)
    row(page, "storage", "mailed.txt").click()
    page.get_by_role("button", name="Upload").click()
    link = submit(page).get_by_role("link", name="Open the job").get_attribute("href")
    page.context.clear_cookies()
    page.goto(stack.url + (link or ""))
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(stack.passwords["alice"])
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", name="mailed.txt")).to_be_visible()


def test_new_folder(page: Page, sign_in: SignIn) -> None:
    """Made in the repository, shown at once; a name that is taken is refused in words."""
    sign_in(page)
    for expected in ("made", "refused"):
        pane(page, "repository").get_by_role("button", name="New folder").click()
        page.locator("#new-folder").get_by_label("Name of the new folder").fill("new [folder]")
        page.locator("#new-folder").get_by_role("button", name="Make folder").click()
        if expected == "made":
            expect(row(page, "repository", "new [folder]")).to_be_visible()
        else:
            expect(page.locator("#new-folder [role=alert]")).to_contain_text("already")


def test_ten_thousand_entries(page: Page, sign_in: SignIn, stack: Stack, request: pytest.FixtureRequest) -> None:
    """A folder with 10,000 files is there in seconds, keeps few rows, and goes to its end and back at once."""
    base = folder(stack, request)
    for n in range(10_000):
        (base / f"image-{n}.dcm").touch()
    stack.own(base, "alice")
    sign_in(page, repository=False)
    go(page, stack, base)
    expect(pane(page, "storage").locator(".pane-count")).to_have_text("10,000 items")
    assert pane(page, "storage").locator(".listing-body .row").count() < 100
    pane(page, "storage").get_by_role("grid").focus()
    begun = time.monotonic()
    page.keyboard.press("End")
    expect(row(page, "storage", "image-9999.dcm")).to_be_visible()
    pane(page, "storage").get_by_role("searchbox").fill("image-777.")
    expect(pane(page, "storage").locator(".listing-body .row")).to_have_count(1)
    assert time.monotonic() - begun < 10  # Playwright, which looks again only now and then, is in it
    picture(page, "ten-thousand")
