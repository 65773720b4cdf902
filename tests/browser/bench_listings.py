"""How long folders take to show: from the click to all rows in place, and how much of it isn't the source's.

Run as root: `python tests/browser/bench_listings.py [ENTRIES ...]`; without numbers 1,000 and 10,000. Ends with code 1
if a folder of 1,000 takes more than 300 ms beyond its source (the API for the project storage, WebDAV for the
repository).
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from pathlib import Path

from browsing import sign_in_to_repository
from playwright.sync_api import Page, expect, sync_playwright
from stack import COLLECTION, Stack
from stager_sandbox.zone import ZoneFiles

CHROMIUM = shutil.which("chromium")
ROUNDS = 7
ALLOWED_MS = 300
ALLOWED_ENTRIES = 1000
MEASURE = """async ([side, name, count]) => {
    const pane = document.getElementById(side);
    const label = [...pane.querySelectorAll(".listing-body .label")].find((found) => found.textContent === name);
    performance.clearResourceTimings();
    const begun = performance.now();
    label.click();
    while (pane.querySelector(".pane-count").textContent !== count) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    const whole = performance.now() - begun;
    const entry = performance.getEntriesByType("resource").find((found) => found.name.includes("/list?"));
    return [whole, entry.serverTiming.find((found) => found.name === "source").duration];
}"""


def main() -> int:
    """Measure and print; the exit code."""
    if os.geteuid() != 0 or CHROMIUM is None:
        sys.stdout.write("how soon folders show: left out, since it needs root (for local users) and chromium\n")
        return 0
    sizes = [int(text) for text in sys.argv[1:]] or [1000, 10_000]
    too_slow = False
    with Stack() as stack, sync_playwright() as driver:
        _fill(stack, sizes)
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB").new_page()
        _sign_in(page, stack)
        sys.stdout.write(f"{'folder':>24} {'shown after':>12} {'its source':>12} {'beyond':>8}   medians of {ROUNDS}\n")
        for side in ("storage", "repository"):
            for size in sizes:
                whole, source = _measure(page, side, size)
                beyond = whole - source
                line = f"{f'{side} {size}':>24} {whole:9.0f} ms {source:9.0f} ms {beyond:5.0f} ms"
                sys.stdout.write(line + "\n")
                too_slow = too_slow or (size <= ALLOWED_ENTRIES and beyond > ALLOWED_MS)
        browser.close()
    return int(too_slow)


def _fill(stack: Stack, sizes: list[int]) -> None:
    zone = ZoneFiles.at(stack.zone_data, COLLECTION.split("/")[1])
    for size in sizes:
        folder = stack.home("alice") / f"{size}"
        folder.mkdir()
        zone.make_collection("alice", f"{COLLECTION}/{size}")
        for number in range(size):
            (folder / f"image-{number}.dcm").touch()
            zone.write("alice", f"{COLLECTION}/{size}/image-{number}.dcm").close()
    stack.own(stack.home("alice"), "alice")
    zone.close()


def _sign_in(page: Page, stack: Stack) -> None:
    page.goto(stack.url)
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(stack.passwords["alice"])
    page.get_by_role("button").click()
    sign_in_to_repository(page, "alice", stack.passwords["alice"])
    for side in ("storage", "repository"):
        expect(page.locator(f"#{side} .listing-body .row").first).to_be_visible()


def _measure(page: Page, side: str, size: int) -> tuple[float, float]:
    found = []
    for _ in range(ROUNDS):
        found.append(page.evaluate(MEASURE, [side, str(size), f"{size:,} items"]))
        page.locator(f"#{side} [data-do=up]").click()
        expect(page.locator(f"#{side} .pane-count")).not_to_have_text(f"{size:,} items", timeout=60_000)
        expect(page.locator(f"#{side} .pane.busy")).to_have_count(0)
    return statistics.median(whole for whole, _ in found), statistics.median(source for _, source in found)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.exit(main())
