"""The walk of the user guide, with the pictures that it shows."""

from __future__ import annotations

import os

import pytest
from browsing import DONE, SignIn, go, newest_job, pane, picture, row, submit
from playwright.sync_api import Page, expect
from stack import COLLECTION, Stack

DATA = {
    "sub-001/anat/sub-001_T1w.nii.gz": 9_400_000,
    "sub-001/func/sub-001_task-rest_bold.nii.gz": 42_000_000,
    "sub-002/anat/sub-002_T1w.nii.gz": 9_100_000,
    "sub-002/func/sub-002_task-rest_bold.nii.gz": 40_500_000,
    "sub-003/anat/sub-003_T1w.nii.gz": 9_300_000,
    "CHANGES": 900,
    "README.md": 2_300,
    "dataset_description.json": 410,
    "participants.tsv": 1_800,
    "task-rest_bold.json": 640,
}


@pytest.fixture(scope="module")
def study(stack: Stack) -> str:
    """A study as researchers have them, with one file that its owner has closed."""
    base = stack.home("alice") / "3010000.01"
    for name, size in DATA.items():
        file = base / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(size))
    for number in range(120):
        (base / "sub-003" / f"volume-{number:03}.json").write_text("{}")
    stack.own(base, "alice")
    (base / "participants.tsv").chmod(0)
    os.chown(base / "participants.tsv", 0, 0)
    return str(base)


def test_the_walk(page: Page, sign_in: SignIn, stack: Stack, study: str) -> None:
    """Choose, look at what would happen, send it, follow it, see what failed; the same in the dark and on a phone."""
    sign_in(page)
    page.goto(f"{stack.url}/?storage={study}&repository={COLLECTION}")
    expect(row(page, "storage", "sub-001")).to_be_visible()
    row(page, "storage", "sub-001").click()
    row(page, "storage", "sub-003").click(modifiers=["Shift"])
    row(page, "storage", "participants.tsv").click(modifiers=["Control"])
    picture(page, "guide-choose")
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#transfer .estimate")).to_contain_text("126 files, 110 MB")
    expect(page.locator("#transfer [data-so-far]")).to_have_text("")
    picture(page, "guide-preview")
    submit(page).get_by_role("button", name="Close").click()
    expect(newest_job(page)).to_contain_text("sub-00")
    expect(page.locator("#recent .state-completed")).not_to_have_count(0, timeout=DONE)
    page.wait_for_timeout(1000)  # bars have grown to their length
    picture(page, "guide-follow")
    page.goto(f"{stack.url}/jobs?search=alice/3010000.01")
    expect(page.locator(".job-card .state-completed")).to_have_count(3, timeout=DONE)
    expect(page.locator(".job-card .state-retry")).to_have_count(1, timeout=DONE)
    picture(page, "guide-jobs")
    page.get_by_role("link", name="participants.tsv").click()
    expect(page.locator("#failures h2")).to_have_text("1 failure")
    page.locator("#failures").scroll_into_view_if_needed()
    picture(page, "guide-failed")
    page.get_by_role("button", name="Delete").click()
    page.locator("#confirm").get_by_role("button", name="Delete").click()
    page.wait_for_url(f"{stack.url}/jobs")
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Dark").click()
    page.goto(f"{stack.url}/?storage={study}&repository={COLLECTION}/sub-003")
    expect(row(page, "repository", "volume-000.json")).to_be_visible()
    pane(page, "repository").get_by_role("checkbox", name="Select all").check()
    picture(page, "guide-dark")
    page.set_viewport_size({"width": 390, "height": 844})
    go(page, stack, stack.home("alice"))
    expect(row(page, "storage", "3010000.01")).to_be_visible()
    picture(page, "guide-narrow")
