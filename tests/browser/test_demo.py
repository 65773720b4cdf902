"""`make demo`, clicked through by somebody who reads what it prints."""

from __future__ import annotations

import email
import email.policy
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from browsing import sign_in_to_repository
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.xdist_group("demo")

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).parent / "stager-sandbox"
TOLD = re.compile(r"^  (?P<url>http://\S+)\n    alice +(?P<alice>\S+) .*\n    carol +(?P<carol>\S+) ", re.MULTILINE)


@dataclass
class Demo:
    """What the demo says of itself."""

    folder: Path
    url: str
    alice: str
    carol: str


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """A demo after its round trip, waiting for a Ctrl-C, which it gets."""
    with tempfile.TemporaryDirectory(prefix="stager-demo-") as base:
        Path(base).chmod(0o755)  # its transfers' user has to get to it
        command = [PROGRAM, "demo", "--folder", Path(base) / "demo"]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        ) as process:
            assert process.stdout
            said = ""
            for line in process.stdout:
                said += line
                if line.startswith("What runs:"):
                    break
            try:
                found = TOLD.search(said)
                assert found, said
                yield Demo(Path(base) / "demo", **found.groupdict())
            finally:
                process.send_signal(signal.SIGINT)
                process.stdout.read()
                process.wait(60)
        assert process.returncode == 0


# Where the button that signs in to the repository has been, frame by frame.
WATCH_THE_BUTTON = """
const places = new Set();
(function look() {
  const button = document.querySelector(".repository-login button")?.getBoundingClientRect();
  if (button) places.add(`${button.x} ${button.y}`);
  requestAnimationFrame(look);
})();
globalThis.places = () => [...places];
"""


def sign_in(demo: Demo, page: Page, name: str) -> None:
    """Sign somebody in with what is printed."""
    page.goto(demo.url)
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(getattr(demo, name))
    page.get_by_role("button").click()


def mailed_links(demo: Demo) -> set[str]:
    """The links in all mails, as soon as there are three mails."""
    deadline = time.monotonic() + 30
    while len(mails := list((demo.folder / "private/sandbox/mail").glob("*.eml"))) < 3:
        assert time.monotonic() < deadline, mails
        time.sleep(0.1)
    parsed = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in mails]
    texts = [part.get_content() for mail in parsed for part in mail.walk() if part.get_content_type() == "text/plain"]
    return {link for text in texts for link in re.findall(r"http://\S+/jobs/\w+", text)}


def test_the_login_that_it_prints(demo: Demo, page: Page) -> None:
    """Alice signs in with what is printed, sees both sides and the demo's own jobs, and sends a file up."""
    sign_in(demo, page, "alice")
    sign_in_to_repository(page, "alice", demo.alice)
    for side in ("storage", "repository"):
        expect(page.locator(f"#{side} .listing-body .row", has_text="raw")).to_be_visible()
    expect(page.locator("#recent li")).to_have_count(2)
    expect(page.locator("#recent .state-completed")).to_have_count(2)
    page.locator("#storage .label", has_text="raw").click()
    page.locator("#storage .row", has_text="empty.log").click()
    page.get_by_role("button", name="Upload").click()
    page.locator("#transfer").get_by_role("button", name=re.compile("^Start")).click()
    page.locator("#transfer").get_by_role("button", name="Close").click()
    expect(page.locator("#recent .state-completed")).to_have_count(3, timeout=30_000)
    page.locator("#recent .job-title").first.click()
    assert page.url in mailed_links(demo)


def test_nothing_moves_from_under_the_pointer(demo: Demo, page: Page) -> None:
    """What one is about to click stays where it is when the script starts and when folder and jobs come in."""
    page.add_init_script(WATCH_THE_BUTTON)
    sign_in(demo, page, "alice")
    expect(page.locator("#storage .listing-body .row", has_text="raw")).to_be_visible()
    expect(page.locator("#recent .state-completed").nth(1)).to_be_visible()
    assert len(page.evaluate("places()")) == 1


def test_somebody_without_an_account(demo: Demo, page: Page) -> None:
    """Carol, whom the provider knows and this machine doesn't, is told so."""
    sign_in(demo, page, "carol")
    expect(page.get_by_role("main")).to_contain_text("Hello Carol")
    expect(page.locator("#storage")).to_have_count(0)
