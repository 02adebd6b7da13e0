"""What tests of several files share."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

# Tests run on all cores already: threads of linear algebra on top of them only wait for each other. It takes effect in
# the processes in which tests run, and in those that they start.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# Tables fit this many columns if it is set, which GNU readline does in pytest; tests that want that set it.
os.environ["COLUMNS"] = ""

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


# Whether tests marked as slow run too.
FULL = bool(os.environ.get("POWERGAMES_FULL"))


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes seconds, and runs only if POWERGAMES_FULL is set")
    # Ctrl-C is ignored in what a script starts in the background, and so it would be in the processes that tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    if not FULL:
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow; runs if POWERGAMES_FULL is set, as .ci/run --full does"))


@pytest.fixture
def pettingzoo():
    """PettingZoo, with Gymnasium."""
    for module in ("gymnasium", "pettingzoo"):
        pytest.importorskip(module, reason="PettingZoo is not installed; it is the extra 'pettingzoo'")


@pytest.fixture(scope="module")
def browser():
    """A Chromium without a window."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed; Debian has it in the package chromium")
    reason = "Playwright is not installed; it is part of the extra 'test'"
    playwright_api = pytest.importorskip("playwright.sync_api", reason=reason)
    with playwright_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def view(browser, tmp_path):
    """Open a page offline; in the end nothing may have gone wrong in it, nor anything been requested."""
    opened, trouble = [], []

    def call(html, width=1200, scheme="light", hash_=""):
        file = tmp_path / f"page{len(opened)}.html"
        file.write_bytes(html.encode())
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True, accept_downloads=True
        )
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: request.url.split("#")[0] == file.as_uri() or trouble.append(request.url))
        page.goto(file.as_uri() + hash_)
        return page

    yield call
    for context in opened:
        context.close()
    assert trouble == []


@pytest.fixture(scope="session")
def axe():
    """The script of axe-core, which looks for what keeps people from using a page."""
    path = os.environ.get("POWERGAMES_AXE")
    if not path:
        pytest.skip("POWERGAMES_AXE does not name the file axe.min.js of the npm package axe-core; .ci/run fetches it")
    return Path(path).read_text(encoding="utf-8")
