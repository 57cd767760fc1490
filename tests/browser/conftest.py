"""The whole product, rehearsal carrier included, and Chromium in front of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.stack import Stack, stack

#: Quiet: no looking for Google's hosts, no updates.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ARTIFACTS = Path(__file__).resolve().parents[2] / "test-artifacts"
#: Said by Chromium when a page is left while its live line is open, and for what a test does on purpose.
HARMLESS = ("ERR_INCOMPLETE_CHUNKED_ENCODING", "net::ERR_ABORTED", "[object Event]", "status of 422", "status of 409")
HARMLESS += ("Error Code 422", "Error Code 409")  # htmx says it as well
WIDTHS = {"wide": (1440, 900), "narrow": (390, 844)}


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)


#: Pages come late on a busy machine; five seconds are Playwright's own limit.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def product(tmp_path_factory) -> Iterator[Stack]:
    with stack(tmp_path_factory.mktemp("product") / "home") as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Not longer than the module: while Playwright is there, its event loop runs in this thread, so no other can."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "install Debian's package chromium"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """A signed-in person with a window of one size; whatever the browser complains about is kept."""

    def __init__(self, page: Page, address: str, size: str) -> None:
        self.page, self.address, self.size = page, address, size
        self.complaints: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())

    def _console(self, message) -> None:
        if message.type == "error" and not any(text in message.text for text in HARMLESS):
            self.complaints.append(message.text)

    def go(self, path: str) -> None:
        self.page.goto(self.address.rstrip("/") + path)

    def sign_in(self, name: str, password: str) -> None:
        self.go("/sign-in")
        self.page.fill("#username", name)
        self.page.fill("#password", password)
        self.page.click("form.card button[type=submit]")
        self.page.wait_for_url("**/campaigns")

    def picture(self, name: str) -> None:
        """Keep a picture, and see that nothing sticks out at the side."""
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}-{self.size}.png", full_page=True)
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= WIDTHS[self.size][0], f"{name} is {wide} pixels wide"


@pytest.fixture
def visitor(chromium, product):
    """``with visitor("wide") as v: v.go("/campaigns")``; signed in as the administrator."""

    @contextmanager
    def visit(size: str = "wide", locale: str = "en", signed_in: bool = True) -> Iterator[Visitor]:
        width, height = WIDTHS[size]
        context = chromium.new_context(
            viewport={"width": width, "height": height}, locale=locale, accept_downloads=True
        )
        person = Visitor(context.new_page(), product.address, size)
        if signed_in:
            person.sign_in(*product.administrator)
        try:
            yield person
        finally:
            context.close()
        assert person.complaints == []

    return visit
